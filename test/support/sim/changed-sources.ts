/** Sources that are loaded with texts changed, by the process that asks for it. The files stay as they are. */
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** In one file of the project: the text that is right, which must stand there once, and what stands there instead. */
export type SourceChange = { readonly file: string; readonly right: string; readonly wrong: string };

const ROOT = join(import.meta.dirname, '../../..');

/** What is imported from now on has the changes. Throws, when a file is loaded, if a right text does not stand there once. */
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

function changed(source: string, { file, right, wrong }: SourceChange): string {
  const places = source.split(right).length - 1;
  if (places !== 1) throw new Error(`"${right}" stands ${places} times in ${file}, not once`);
  return source.replace(right, () => wrong);
}
