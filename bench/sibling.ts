/** The path of a module beside the asking one: `.ts` while the sources run, `.js` in the compiled package. */
import { existsSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `specifier` is relative and carries no ending. */
export function siblingFile(importerUrl: string, specifier: string): string {
  const importer = fileURLToPath(importerUrl);
  return join(dirname(importer), specifier + extname(importer));
}

/** The folder of the clone or of the installed package, where `bin` lies. */
export function packageRoot(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'bin', 'leveret.js'))) return folder;
  }
  throw new Error('bin/leveret.js is missing: install the package again');
}
