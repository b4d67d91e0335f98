/** Runs the program of numbered commits on a faulty device, and judges what the device holds after it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from '../../main/support/child.ts';
import type { Child } from '../../main/support/child.ts';
import type { DeviceLog } from './device-log.ts';
import type { FaultyDevice } from './device-shim.ts';
import type { ImageReading } from './image-reading.ts';
import { whatIsLost } from './numbered-commits.ts';
import { powerLossImage } from './power-loss-image.ts';
import type { ImageOptions } from './power-loss-image.ts';

const PROGRAM = join(import.meta.dirname, 'commit-numbers.ts');
const FILE = 'store.mdb';

/** What is committed to, and the files that orders are about: the lock file is no part of it. */
export type Committed = {
  readonly kind: 'bare' | 'journaled';
  readonly ordered: '.mdb' | '.journal';
};

export const BARE: Committed = { kind: 'bare', ordered: '.mdb' };
/** The database behind a journal, and the journal itself. */
export const BEHIND_JOURNAL: Committed = { kind: 'journaled', ordered: '.mdb' };
export const JOURNAL: Committed = { kind: 'journaled', ordered: '.journal' };

/** Exit codes of the program. */
export const COMMITTED_ALL = 0;
export const GAVE_UP = 3;

/** How the program commits; `hasty` confirms a commit before it makes it. */
export type Manner = 'flushed' | 'written' | 'hasty';

export function startCommitting(device: FaultyDevice, manner: Manner, commits: number, { kind, ordered }: Committed = BARE): Child {
  const how = manner === 'written' ? ['written', String(commits), kind] : ['flushed', String(commits), kind, manner];
  const args = ['--disable-warning=ExperimentalWarning', PROGRAM, join(device.directory, FILE), ...how];
  return startChild(process.execPath, args, device.environment(ordered));
}

/** What is wrong with the database as the program left it; undefined when nothing is. `confirmed`: commits that had returned. */
export async function faultOfDatabase(directory: string, confirmed: number, reading: ImageReading): Promise<string | undefined> {
  const found = await reading.read(join(directory, FILE));
  if ('entries' in found) return whatIsLost(found.entries, confirmed);
  return 'refused' in found ? `it cannot be opened: ${found.refused}` : found.ended;
}

/** What is wrong with the image that `seed` decides, in words that name the image; undefined when nothing is. */
export async function faultOfImage(log: DeviceLog, seed: number, reading: ImageReading, options: ImageOptions = {}): Promise<string | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'leveret-image-'));
  try {
    const { marks, description } = powerLossImage(log, seed, directory, options);
    const fault = await faultOfDatabase(directory, commitsIn(marks), reading);
    return fault === undefined ? undefined : `${description}: ${fault}`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The last commit that had returned, by the program's marks; 0 for none. */
export function commitsIn(marks: readonly string[]): number {
  return Number(marks.findLast((mark) => mark.startsWith('committed '))?.split(' ')[1] ?? 0);
}

export function marksOf(log: DeviceLog): string[] {
  return log.flatMap((record) => (record.kind === 'mark' ? [record.text] : []));
}
