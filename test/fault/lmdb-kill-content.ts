/** What each commit of `lmdb-kill-writer.ts` changes, and what must be there after it: a queue of the last few values. */
import type { LmdbChange } from '../../native-free-io/lmdb/lmdb-disk.ts';

export const LAST_NUMBER = Buffer.from([0]);
const QUEUE_LENGTH = 20;
/** From a few bytes in a leaf to many pages of its own. */
const SIZES = [10, 3_000, 100, 20_000, 150_000] as const;

export function changesOf(number: number): LmdbChange[] {
  const last = Buffer.alloc(4);
  last.writeUInt32BE(number);
  return [
    { key: keyOf(number), value: valueOf(number) },
    { key: keyOf(number - QUEUE_LENGTH), value: undefined },
    { key: LAST_NUMBER, value: last },
  ];
}

/** The queue when `last` was the last commit, oldest first. */
export function contentAfter(last: number): { readonly key: Buffer; readonly value: Buffer }[] {
  const first = Math.max(1, last - QUEUE_LENGTH + 1);
  return Array.from({ length: last - first + 1 }, (_, index) => ({ key: keyOf(first + index), value: valueOf(first + index) }));
}

function keyOf(number: number): Buffer {
  const key = Buffer.alloc(9, 1);
  key.writeInt32BE(number, 5);
  return key;
}

function valueOf(number: number): Buffer {
  return Buffer.alloc(SIZES[number % SIZES.length]!, `${number};`);
}
