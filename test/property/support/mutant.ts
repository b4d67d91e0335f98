/**
 * Negative controls: a source file with one deliberate mistake. The file's text is changed in one place, written to a temporary
 * folder with its relative imports made absolute, and loaded from there; the source itself stays as it is.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** One mistake: the text that is right, which must occur exactly once, and what stands there instead. */
export type Mistake = { readonly right: string; readonly wrong: string };

/** Loads the module with the mistake in it. Throws when the right text is not there once, so that a control cannot rot. */
export async function loadMutant(file: URL, mistake: Mistake): Promise<Record<string, unknown>> {
  const source = readFileSync(file, 'utf8');
  const places = source.split(mistake.right).length - 1;
  if (places !== 1) throw new Error(`"${mistake.right}" stands ${places} times in ${file.pathname}, not once`);
  const mutated = source
    .replace(mistake.right, () => mistake.wrong)
    .replace(/from '(\.[^']+)'/g, (_, path: string) => `from '${new URL(path, file).href}'`);
  const folder = mkdtempSync(join(tmpdir(), 'mutant-'));
  try {
    const copy = join(folder, basename(file.pathname));
    writeFileSync(copy, mutated);
    return (await import(pathToFileURL(copy).href)) as Record<string, unknown>;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
