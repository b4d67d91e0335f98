/**
 * A workload whose state after each commit is known: commit `n` brings some records, takes the records of commit `n - KEPT`
 * away, so that pages are used again, and counts itself in the record "head".
 */
import { crc32 } from 'node:zlib';
import { Random } from '../hostile/random.ts';

/** Commits whose records are kept. */
const KEPT = 12;
const HEAD = Buffer.from('head');

export type NumberedChange = { readonly key: Buffer; readonly value: Buffer | undefined };

/** What commit `n` (from 1) does. */
export function changesOf(n: number): NumberedChange[] {
  const changes: NumberedChange[] = recordsOf(n).map(([key, value]) => ({ key, value }));
  if (n > KEPT) changes.push(...recordsOf(n - KEPT).map(([key]) => ({ key, value: undefined })));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(n);
  changes.push({ key: HEAD, value: head });
  return changes;
}

/** One entry as a reader tells it: its key in hexadecimal, and the CRC-32 of its value. */
export type EntryDigest = readonly [key: string, checksum: number];

/** The entries after commit `n`, in the order of their keys; none after commit 0. */
export function stateAfter(n: number): EntryDigest[] {
  const state = new Map<string, number>();
  for (let each = Math.max(1, n - KEPT + 1); each <= n; each++) {
    for (const { key, value } of changesOf(each)) if (value !== undefined) state.set(key.toString('hex'), crc32(value));
  }
  return [...state].sort(([left], [right]) => (left < right ? -1 : 1));
}

/**
 * What is wrong with what was found, when every commit up to `confirmed` had returned and at most one more had begun.
 * Undefined: it is the state after one of these two.
 */
export function whatIsLost(found: readonly EntryDigest[], confirmed: number): string | undefined {
  const told = JSON.stringify(found);
  const fitting = [confirmed, confirmed + 1].some((n) => told === JSON.stringify(stateAfter(n)));
  if (fitting) return undefined;
  for (let earlier = confirmed - 1; earlier >= 0; earlier--) {
    if (told === JSON.stringify(stateAfter(earlier))) return `commit ${confirmed} had returned, and commit ${earlier} is the last one there`;
  }
  return `${found.length} entries are the state after no commit; commit ${confirmed} had returned`;
}

/** One to four records, mostly small, some of several pages. */
function recordsOf(n: number): [key: Buffer, value: Buffer][] {
  const random = new Random(n);
  return Array.from({ length: random.between(1, 4) }, (_none, index) => {
    const key = Buffer.alloc(5);
    key.writeUInt32BE(n);
    key[4] = index;
    return [key, random.bytes(random.chance(25) ? random.between(2000, 20_000) : random.between(10, 400))];
  });
}
