import { blankComments, blankProse } from './blanking.ts';

/** A source file as the structure check sees it. */
export type SourceFile = {
  /** Relative to the project, with forward slashes. */
  readonly path: string;
  readonly text: string;
};

export type Import = { readonly specifier: string; readonly isTypeOnly: boolean; readonly line: number };

const SPECIFIER = [
  /\b(?<statement>import|export)\s+(?<type>type\s+)?[^'"();]*?\bfrom\s*['"](?<specifier>[^'"]+)['"]/g,
  /^\s*import\s*['"](?<specifier>[^'"]+)['"]/gm,
  /\bimport\s*\(\s*['"](?<specifier>[^'"]+)['"]\s*\)/g,
];
/** Modules that a worker thread or a child process is started from: a name beside the file, without or with an ending. */
const STARTED = [/\bsiblingModule\(\s*import\.meta\.url\s*,\s*['"]([^'"]+)['"]/g, /\bnew URL\(\s*['"](\.[^'"]+)['"]\s*,\s*import\.meta\.url/g, /\bjoin\(\s*import\.meta\.dirname\s*,\s*['"]([^'"]+\.ts)['"]/g];

/** Every module that the file names, re-exports and lazy imports included. */
export function importsOf(file: SourceFile): Import[] {
  const code = blankComments(file.text);
  const program = blankProse(file.text);
  const isProgram = (match: RegExpExecArray): boolean => !/^\s*$/.test(program.slice(match.index, match.index + match[0].length - 1));
  return SPECIFIER.flatMap((pattern) => [...code.matchAll(pattern)].filter(isProgram)).map((match) => ({
    specifier: match.groups?.['specifier'] ?? '',
    isTypeOnly: match.groups?.['type'] !== undefined,
    line: lineAt(code, match.index + match[0].length),
  }));
}

/** Files that this one starts as a thread or a process, as project paths. */
export function startedBy(file: SourceFile): string[] {
  const code = blankComments(file.text);
  return STARTED.flatMap((pattern) => [...code.matchAll(pattern)]).map((match) => {
    const path = resolveFrom(file.path, match[1] ?? '');
    return /\.[a-z]+$/.test(path) ? path : `${path}.ts`;
  });
}

/** The project path that a relative specifier means. */
export function resolveFrom(path: string, specifier: string): string {
  const parts = path.split('/').slice(0, -1);
  for (const step of specifier.split('/')) {
    if (step === '..') parts.pop();
    else if (step !== '.' && step !== '') parts.push(step);
  }
  return parts.join('/');
}

export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}
