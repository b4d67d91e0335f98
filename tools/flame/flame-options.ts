/** What `leveret flame` can be given. */
import { DEFAULT_DATA_DIR } from '../../src/main/node-defaults.ts';
import type { GivenValues, Option } from '../../src/main/option.ts';
import { PROFILE_INTERVAL_US, PROFILE_MS_MAX } from '../../src/main/profiling.ts';

export const FLAME_OPTIONS = {
  dataDir: {
    flag: 'data-dir',
    environment: ['LEVERET_DATA_DIR'],
    value: 'PATH',
    meaning: 'data directory of the running node',
    fallback: DEFAULT_DATA_DIR,
  },
  seconds: { flag: 'seconds', environment: [], value: 'N', meaning: 'how long to look', fallback: '10' },
  intervalUs: { flag: 'interval', environment: [], value: 'MICROSECONDS', meaning: 'time between two looks at each stack', fallback: '500' },
  out: { flag: 'out', environment: [], value: 'FOLDER', meaning: 'where the page and the profiles go', fallback: './leveret-flame-<time>' },
} as const satisfies Readonly<Record<string, Option>>;

export type FlameOptions = { readonly dataDir: string; readonly seconds: number; readonly intervalUs: number; readonly folder: string };

/** `now`: names the folder when none is given. */
export function configureFlame(given: GivenValues<keyof typeof FLAME_OPTIONS>, now: Date): FlameOptions | { readonly problem: string } {
  const secondsMost = PROFILE_MS_MAX / 1000 - 1;
  const seconds = Number(given.seconds?.text ?? 10);
  if (!(seconds > 0 && seconds <= secondsMost)) return { problem: `--seconds must be a number above 0, at most ${secondsMost}.` };
  const intervalUs = Number(given.intervalUs?.text ?? 500);
  const { least, most } = PROFILE_INTERVAL_US;
  if (!Number.isInteger(intervalUs) || intervalUs < least || intervalUs > most) {
    return { problem: `--interval must be a whole number of microseconds from ${least} to ${most}.` };
  }
  const folder = given.out?.text ?? `./leveret-flame-${now.toISOString().slice(0, 19).replaceAll(':', '-')}`;
  return { dataDir: given.dataDir?.text ?? DEFAULT_DATA_DIR, seconds, intervalUs, folder };
}
