/** Rules that a pattern can hold: what must not stand in a file, where, and what to write instead. */
import { blankProse } from './blanking.ts';
import { lineAt } from './source-file.ts';
import { roomOf } from './rooms.ts';
import type { SourceFile } from './source-file.ts';

export type WordRule = {
  readonly name: string;
  readonly pattern: RegExp;
  /** Comments count too. Otherwise only the program's own words. */
  readonly everywhere?: true;
  readonly appliesTo: (path: string) => boolean;
  readonly instead: string;
};

const always = (): boolean => true;
const inPureRooms = (path: string): boolean => roomOf(path)?.pure === true;
/** Programs that a person runs from a terminal may print. */
const inTheBroker = (path: string): boolean => /^(?:src|actors|native-free-io)\//.test(path);

export const WORD_RULES: readonly WordRule[] = [
  { name: 'any', pattern: /(?:[:<,|&=]|\bas|\bextends)\s*any\b(?!\s*[(:=])/g, appliesTo: always, instead: 'use unknown and narrow it, or name the type' },
  { name: 'compiler silenced', pattern: /@ts-(?:ignore|nocheck|expect-error)\b/g, everywhere: true, appliesTo: (path) => path !== 'test/structure/word-rules.ts' && path !== 'test/structure/structure.test.ts', instead: 'mend the type' },
  { name: 'default export', pattern: /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/g, appliesTo: always, instead: 'export it by its name' },
  { name: 'enum', pattern: /\b(?:const\s+|declare\s+)?enum\s+[A-Za-z_]\w*\s*\{/g, appliesTo: always, instead: 'use an `as const` object and a type of the same name' },
  { name: 'namespace', pattern: /^[ \t]*(?:export\s+|declare\s+)*(?:namespace|module)\s+[A-Za-z_][\w.]*\s*\{/gm, appliesTo: always, instead: 'a file is the namespace' },
  { name: 'console', pattern: /\bconsole\s*\./g, appliesTo: inTheBroker, instead: 'use the log that was passed in' },
  {
    name: 'clock in a pure room',
    pattern: /\bDate\b|\bperformance\s*\.|\b(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/g,
    appliesTo: inPureRooms,
    instead: 'take the time as an argument, or ask for a timer through the port',
  },
  { name: 'randomness in a pure room', pattern: /\bMath\s*\.\s*random\b|\bcrypto\s*\./g, appliesTo: inPureRooms, instead: 'take the random part as an argument' },
  { name: 'process in a pure room', pattern: /\bprocess\s*\.|\bglobalThis\b/g, appliesTo: inPureRooms, instead: 'take it as an argument' },
  { name: 'thread primitive in a pure room', pattern: /\bAtomics\b|\bSharedArrayBuffer\b|\bnew\s+Worker\b/g, appliesTo: inPureRooms, instead: 'let the actor share memory; machines see bytes' },
  { name: 'leftover', pattern: /\b(?:TODO|FIXME|XXX|HACK)\b/g, everywhere: true, appliesTo: (path) => !path.startsWith('test/structure/'), instead: 'do it, or write it down as a decision in src/README.md' },
];

export function brokenWordRules(file: SourceFile): string[] {
  const program = blankProse(file.text);
  return WORD_RULES.filter((rule) => rule.appliesTo(file.path)).flatMap((rule) => {
    const text = rule.everywhere === true ? file.text : program;
    return [...text.matchAll(rule.pattern)].map(
      (match) => `${file.path}:${lineAt(text, match.index)} ${rule.name} (${match[0].trim()}): ${rule.instead}`,
    );
  });
}
