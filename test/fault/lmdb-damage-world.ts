/**
 * What stands in the file before it is damaged, and how one tells afterwards what has become of it: values as the store keeps
 * them, with a checksum over key and value, and an inventory that is written in the same commit.
 *
 *   key        | kind u8 | queue u32 | position u64 |
 *   value      | messages u32 | bytes ... | checksum u32 |
 *   inventory  one entry of a kind of its own: | entries u32 | messages u32 | checksum u32 |
 */
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { LmdbDisk, type LmdbChange, type LmdbEntry } from '../../native-free-io/lmdb/lmdb-disk.ts';
import { Random } from '../support/hostile/random.ts';

const KEY_BYTES = 13;
const SEGMENT = 2;
const INVENTORY = 1;
const CHECKSUM_BYTES = 4;
const COMMITS = 40;
/** The file as it was so many commits before the last one is where lost writes are taken from. */
const COMMITS_AFTER_EARLIER = 4;
const MAP_BYTES = 1 << 28;

/** Digests of what the file holds, by key (hex). A plain object, so that it can be sent to another process. */
export type Expected = Record<string, string>;
export type World = { readonly path: string; readonly bytes: Buffer; readonly earlier: Buffer; readonly expected: Expected };
/** From a file with one leaf page to one with three levels, long lists of free pages and values of 256 KiB. */
export type WorldKind = 'one page' | 'small values' | 'large values' | 'churn';

export function buildWorld(path: string, kind: WorldKind, seed: number): World {
  const random = new Random(seed);
  const disk = LmdbDisk.open({ path, durability: 'written', mapSizeBytes: MAP_BYTES });
  const writer = new Writer(disk, random);
  const commits = kind === 'one page' ? 5 : COMMITS;
  let earlier: Buffer = Buffer.alloc(0);
  for (let commit = 1; commit <= commits; commit++) {
    if (commit === commits - COMMITS_AFTER_EARLIER) {
      copyFileSync(path, `${path}.earlier`);
      earlier = readUsed(`${path}.earlier`, disk);
    }
    writer.commit(changeCount(kind), valueSizes(kind), kind === 'churn' && commit > commits / 2 ? 40 : 5);
  }
  const bytes = readUsed(path, disk);
  disk.close();
  return { path, bytes, earlier, expected: writer.expected };
}

/** Without the zeros behind the last page, where damage does no harm. */
function readUsed(path: string, disk: LmdbDisk): Buffer {
  const { pages, pageSizeBytes } = disk.stats();
  return readFileSync(path).subarray(0, pages * pageSizeBytes);
}

function changeCount(kind: WorldKind): number {
  return kind === 'one page' ? 1 : kind === 'large values' ? 3 : kind === 'small values' ? 400 : 100;
}

function valueSizes(kind: WorldKind): readonly number[] {
  if (kind === 'one page') return [100];
  if (kind === 'small values') return [100, 100, 120, 400];
  if (kind === 'large values') return [100, 4_000, 16_384, 65_536, 262_144];
  return [100, 700, 1_990, 2_050, 5_000, 20_000];
}

/** Puts, extends and removes segments, and keeps the inventory and what is to be expected with it. */
export class Writer {
  readonly expected: Expected = {};
  readonly #disk: Pick<LmdbDisk, 'commit'>;
  readonly #random: Random;
  readonly #messages = new Map<string, number>();
  #position = 0;

  constructor(disk: Pick<LmdbDisk, 'commit'>, random: Random, entries: readonly LmdbEntry[] = []) {
    this.#disk = disk;
    this.#random = random;
    for (const { key, value } of entries) {
      this.expected[key.toString('hex')] = digest(value);
      if (key[0] === SEGMENT) this.#messages.set(key.toString('hex'), value.readUInt32BE(0));
    }
    // Behind every position that was ever used, so that a key that was lost is never made again.
    if (entries.length > 0) this.#position = 1_000_000;
  }

  commit(count: number, sizes: readonly number[], removedOfHundred: number): void {
    const changes: LmdbChange[] = [];
    for (let made = 0; made < count; made++) {
      const held = [...this.#messages.keys()];
      const key = held.length > 0 && this.#random.chance(removedOfHundred + 20) ? this.#random.pick(held) : undefined;
      if (key !== undefined && this.#random.chance(70)) this.#remove(changes, key);
      else this.#put(changes, key ?? this.#nextKey(), this.#random.between(16, this.#random.pick(sizes)));
    }
    this.#putInventory(changes);
    this.#disk.commit(changes);
  }

  #nextKey(): string {
    const key = Buffer.alloc(KEY_BYTES);
    key[0] = SEGMENT;
    key.writeUInt32BE(this.#random.below(5), 1);
    key.writeUInt32BE(++this.#position, 9);
    return key.toString('hex');
  }

  #put(changes: LmdbChange[], hex: string, size: number): void {
    const messages = (this.#messages.get(hex) ?? 0) + this.#random.between(1, 9);
    const body = Buffer.alloc(4 + size);
    for (let at = 4; at + 4 <= body.length; at += 4) body.writeUInt32BE(this.#random.bits(), at);
    body.writeUInt32BE(messages, 0);
    this.#messages.set(hex, messages);
    this.#change(changes, hex, sealed(Buffer.from(hex, 'hex'), body));
  }

  #remove(changes: LmdbChange[], hex: string): void {
    this.#messages.delete(hex);
    this.#change(changes, hex, undefined);
  }

  #putInventory(changes: LmdbChange[]): void {
    const key = Buffer.alloc(KEY_BYTES);
    key[0] = INVENTORY;
    const body = Buffer.alloc(8);
    body.writeUInt32BE(this.#messages.size, 0);
    body.writeUInt32BE([...this.#messages.values()].reduce((sum, messages) => sum + messages, 0), 4);
    this.#change(changes, key.toString('hex'), sealed(key, body));
  }

  #change(changes: LmdbChange[], hex: string, value: Buffer | undefined): void {
    if (value === undefined) delete this.expected[hex];
    else this.expected[hex] = digest(value);
    changes.push({ key: Buffer.from(hex, 'hex'), value });
  }
}

export type Reading = {
  /** What the store would notice: checksums that differ, an inventory that does not add up or is gone. */
  readonly noticed: number;
  /** Entries that are not there, or not as they were written. */
  readonly missing: number;
  /** Good by their checksum and yet not what was written, where the inventory does not tell either. */
  readonly wrong: number;
  readonly intact: LmdbEntry[];
};

/** Reads all, as the store would, and compares it with what was written, as only a test can. */
export function readAll(entries: Iterable<LmdbEntry>, expected: Expected): Reading {
  let noticed = 0;
  let wrong = 0;
  let found = { entries: 0, messages: 0 };
  let promised: typeof found | undefined;
  const intact: LmdbEntry[] = [];
  for (const entry of entries) {
    const { key, value } = entry;
    if (!isSealed(key, value)) {
      noticed++;
      continue;
    }
    if (key[0] === INVENTORY) promised = { entries: value.readUInt32BE(0), messages: value.readUInt32BE(4) };
    else found = { entries: found.entries + 1, messages: found.messages + value.readUInt32BE(0) };
    if (expected[key.toString('hex')] === digest(value)) intact.push(entry);
    else wrong++;
  }
  if (promised?.entries !== found.entries || promised.messages !== found.messages) noticed++;
  const missing = Object.keys(expected).length - intact.length;
  return { noticed, missing, wrong: noticed > 0 ? 0 : wrong + missing, intact };
}

function sealed(key: Buffer, body: Buffer): Buffer {
  const value = Buffer.alloc(body.length + CHECKSUM_BYTES);
  body.copy(value);
  value.writeUInt32BE(crc32(body, crc32(key)), body.length);
  return value;
}

function isSealed(key: Buffer, value: Buffer): boolean {
  if (value.length < 8 + CHECKSUM_BYTES) return false;
  const end = value.length - CHECKSUM_BYTES;
  return crc32(value.subarray(0, end), crc32(key)) === value.readUInt32BE(end);
}

function digest(value: Buffer): string {
  return createHash('sha1').update(value).digest('base64');
}
