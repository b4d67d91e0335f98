/** Rules on a file as a whole: its name and its length. */
import type { SourceFile } from './source-file.ts';

/** Beyond this a file holds more than one idea. */
export const FILE_LINES_MAX = 500;
/** `name.ts`, `name.test.ts`: kebab-case. */
const KEBAB_CASE = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z]+)?\.ts$/;
/** Names that say nothing and therefore collect everything. */
const SAYS_NOTHING = /^(?:utils?|helpers?|common|misc|types?|shared|stuff|lib)\.ts$/;

export function brokenFileRules(file: SourceFile): string[] {
  const name = file.path.split('/').at(-1) ?? '';
  const lines = file.text.split('\n').length - 1;
  const broken: string[] = [];
  if (!KEBAB_CASE.test(name)) broken.push(`${file.path} file name: write it in kebab-case, letters and digits joined by "-"`);
  if (SAYS_NOTHING.test(name)) broken.push(`${file.path} file name: name it after the one idea it holds`);
  const isBarrel = name === 'index.ts' && file.path !== 'src/main/index.ts';
  if (isBarrel) broken.push(`${file.path} barrel: import from the file that owns the name`);
  if (lines > FILE_LINES_MAX) broken.push(`${file.path} length: ${lines} lines, at most ${FILE_LINES_MAX}; move one idea into a file of its own`);
  return broken;
}
