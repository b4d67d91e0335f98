/** Negative controls: one source file with one deliberate mistake. */
import { basename } from 'node:path';
import type { SourceChange } from '../../support/source-change.ts';
import { loadCopy } from './source-copy.ts';

export type Mistake = Omit<SourceChange, 'file'>;

/** Loads the module with the mistake in it. */
export function loadMutant(url: URL, mistake: Mistake): Promise<Record<string, unknown>> {
  const file = basename(url.pathname);
  return loadCopy({ folder: new URL('.', url), files: [file], changes: [{ file, ...mistake }] }, file);
}
