/** What `leveret top` can be given. */
import { DEFAULT_DATA_DIR } from '../../src/main/node-defaults.ts';
import type { GivenValues, Option } from '../../src/main/option.ts';

export const TOP_OPTIONS = {
  dataDir: { flag: 'data-dir', environment: ['LEVERET_DATA_DIR'], value: 'PATH', meaning: 'data directory of the running node', fallback: DEFAULT_DATA_DIR },
  interval: { flag: 'interval', environment: [], value: 'SECONDS', meaning: 'time between two looks', fallback: '1' },
} as const satisfies Readonly<Record<string, Option>>;

const INTERVAL_SECONDS = { least: 0.1, most: 60 } as const;

export type TopOptions = { readonly dataDir: string; readonly intervalMs: number };

export function configureTop(given: GivenValues<keyof typeof TOP_OPTIONS>): TopOptions | { readonly problem: string } {
  const seconds = Number(given.interval?.text ?? 1);
  const { least, most } = INTERVAL_SECONDS;
  if (!(seconds >= least && seconds <= most)) return { problem: `--interval must be a number of seconds from ${least} to ${most}.` };
  return { dataDir: given.dataDir?.text ?? DEFAULT_DATA_DIR, intervalMs: seconds * 1000 };
}
