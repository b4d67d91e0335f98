/** The questions `profile start` and `profile finish` of the control socket, read strictly. */
import { isAbsolute } from 'node:path';
import { PROFILE_INTERVAL_US } from './profiling.ts';

export function readProfileStart({ intervalUs }: Readonly<Record<string, unknown>>): number {
  const { least, most } = PROFILE_INTERVAL_US;
  if (typeof intervalUs === 'number' && Number.isInteger(intervalUs) && intervalUs >= least && intervalUs <= most) return intervalUs;
  throw new Error(`the field "intervalUs" must be a whole number from ${least} to ${most}`);
}

export function readProfileFinish({ folder }: Readonly<Record<string, unknown>>): string {
  if (typeof folder === 'string' && isAbsolute(folder)) return folder;
  throw new Error('the field "folder" must be the absolute path of a folder that exists');
}
