/**
 * What a device may hold after the power was lost at one moment of a recorded run: all that had reached it for certain, and a
 * random part of what was in the cache only.
 *
 * The rules, by file:
 * - A write is certain once a successful sync of its file began after it ended, or when it was itself synchronous.
 * - A failed sync dooms what it should have written: no later sync makes it certain, as on Linux, where the pages count as clean.
 * - Each sector (512 bytes) of an uncertain write is there or not, whatever became of its neighbours; one that the write covers
 *   wholly may also be torn inside. A part of a sector is all or nothing: devices promise that, and LMDB relies on it.
 * - Names (new files, renames, removals) reach the device in order, with the next sync of anything, as in a journal; or, more
 *   strictly, with a sync of a directory only.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Random } from '../hostile/random.ts';
import { DeviceCache } from './device-cache.ts';
import type { Survival } from './device-cache.ts';
import type { DeviceLog } from './device-log.ts';

export type PowerLoss = {
  /** Records up to this index had ended; the next one was under way. */
  readonly cut: number;
  /** The moment, CLOCK_MONOTONIC: what anybody learnt before it must be kept. */
  readonly lostAtNs: bigint;
  /** What the program had marked before. */
  readonly marks: readonly string[];
  /** The image in words, to find it again. */
  readonly description: string;
};

export type ImageOptions = {
  /** A name is certain after a sync of `anything` (the default), or of a `directory` only. */
  readonly namesNeedSyncOf?: 'anything' | 'directory';
  /** The power is lost after this record at the earliest, and after this one at the latest. */
  readonly cutFrom?: number;
  readonly cutTo?: number;
};

/** Parts of what was uncertain that may survive, in hundredths. */
const SHARES = [0, 12, 50, 50, 88, 100];

/** Writes the image that `seed` decides below `directory`. The recorded run must have begun with an empty device. */
export function powerLossImage(log: DeviceLog, seed: number, directory: string, options: ImageOptions = {}): PowerLoss {
  const random = new Random(seed);
  const cut = random.between(options.cutFrom ?? 0, options.cutTo ?? log.length - 1);
  const share = random.pick(SHARES);
  const whole = random.chance(40);
  const cache = new DeviceCache(options.namesNeedSyncOf ?? 'anything');
  for (let index = 0; index <= cut; index++) cache.take(log[index]!);
  const next = log[cut + 1];
  if (next !== undefined) cache.takeUnfinished(next);
  const survival: Survival = {
    write: () => (whole ? (random.chance(share) ? 'all' : 'none') : 'by sector'),
    sector: (sizeBytes) => (!random.chance(share) ? 0 : random.chance(6) ? random.below(sizeBytes) : sizeBytes),
    length: () => random.chance(share),
    names: (count) => random.below(count + 1),
  };
  for (const [path, bytes] of cache.afterPowerLoss(survival)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), bytes);
  }
  const marks = log.slice(0, cut + 1).flatMap((record) => (record.kind === 'mark' ? [record.text] : []));
  const description = `image ${seed}: power lost after record ${cut} of ${log.length}, ${share} % of ${whole ? 'whole writes' : 'sectors'} survived`;
  return { cut, lostAtNs: (next ?? log[cut]!).endNs, marks, description };
}
