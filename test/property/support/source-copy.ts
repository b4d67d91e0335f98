/**
 * Copies of sources with texts changed: smaller bounds, so that short histories reach them, and deliberate mistakes, so that a check
 * shows that it can fail. The sources themselves stay as they are.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type SourceChange, changed } from '../../support/source-change.ts';

export type SourceCopy = {
  readonly folder: URL;
  /** What is copied. Files that they import besides are those of the project, shared with whoever else imports them. */
  readonly files: readonly string[];
  /** In files of the folder. */
  readonly changes: readonly SourceChange[];
  /** What stands in front of each file. */
  readonly head?: string;
};

/** Loads one of the files, with the other copies behind it; `Module` is the type of the original. */
export async function loadCopy<Module>(copy: SourceCopy, entry: string): Promise<Module> {
  const [module] = await loadCopies<readonly [Module]>(copy, [entry]);
  return module;
}

/** Loads several of the files. Throws when a right text does not stand once in a file that is copied. */
export async function loadCopies<Modules extends readonly unknown[]>(copy: SourceCopy, entries: { readonly [At in keyof Modules]: string }): Promise<Modules> {
  const stray = copy.changes.find(({ file }) => !copy.files.includes(file));
  if (stray !== undefined) throw new Error(`${stray.file} is changed and not copied`);
  const folder = mkdtempSync(join(tmpdir(), 'source-copy-'));
  try {
    for (const file of copy.files) writeFileSync(join(folder, file), copyOf(file, copy));
    const loaded = await Promise.all(entries.map((entry) => import(pathToFileURL(join(folder, entry)).href) as Promise<unknown>));
    return loaded as unknown as Modules;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function copyOf(file: string, { folder, files, changes, head = '' }: SourceCopy): string {
  const url = new URL(file, folder);
  const text = changes.filter((change) => change.file === file).reduce(changed, readFileSync(url, 'utf8'));
  const copied = new Set(files.map((each) => new URL(each, folder).href));
  return head + text.replace(/from '(\.[^']+)'/g, (whole, path: string) => {
    const { href } = new URL(path, url);
    return copied.has(href) ? whole : `from '${href}'`;
  });
}
