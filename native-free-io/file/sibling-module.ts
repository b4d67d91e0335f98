import { extname } from 'node:path';

/**
 * The address of a module beside the asking one: `.ts` while the sources run, `.js` in the compiled package. Worker threads
 * take an address, not an import, so the compiler cannot rewrite it for them.
 *
 *   new Worker(siblingModule(import.meta.url, './scheduler-thread'))
 *
 * `specifier` is relative and carries no ending.
 */
export function siblingModule(importerUrl: string, specifier: string): URL {
  return new URL(specifier + extname(new URL(importerUrl).pathname), importerUrl);
}
