/** Sources that are loaded with texts changed, by the process that asks for it. The files stay as they are. */
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type SourceChange, changed } from '../source-change.ts';

const ROOT = join(import.meta.dirname, '../../..');

/**
 * What is imported from now on has the changes, in files named from the project's root. Throws, when a file is loaded, if a right text does
 * not stand there once.
 */
export function changeSources(changes: readonly SourceChange[]): void {
  const byUrl = new Map<string, SourceChange[]>();
  for (const change of changes) {
    const url = pathToFileURL(join(ROOT, change.file)).href;
    byUrl.set(url, [...(byUrl.get(url) ?? []), change]);
  }
  registerHooks({
    load(loaded, context, nextLoad) {
      const result = nextLoad(loaded, context);
      const mine = byUrl.get(loaded);
      return mine === undefined ? result : { ...result, source: mine.reduce(changed, String(result.source)) };
    },
  });
}
