import { existsSync, readFileSync, statSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { checkLmdbFile } from './file-check.ts';
import { keepLaterCommit } from './later-commit.ts';
import { LmdbFailure, failureText } from './lmdb-errors.ts';

/**
 * What LMDB has to find, or it ends the process without a word: lmdb-js crashes after an open that failed late (a file that is no
 * database, no address space), and LMDB maps its lock file before the device has given it blocks (SIGBUS on a full one).
 */

/** The lock file, the first pages, and what a file system needs for them. */
const FRESH_ROOM_BYTES = 1 << 20;

/** Whether there is a database to open; an empty file is as good as none. */
export function holdsBytes(path: string): boolean {
  return existsSync(path) && statSync(path).size > 0;
}

/** Throws LmdbFailure, whose text is for the operator, when the database at `path` must not be opened. Mends what can be mended. */
export function requireConditions(path: string, mapSizeBytes: number): void {
  if (holdsBytes(path)) requireSound(path);
  requireLockRoom(path);
  requireAddressSpace(path, mapSizeBytes);
}

export function roomBytesOf(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

function requireSound(path: string): void {
  let check = checkLmdbFile(path);
  if (!check.sound && check.later !== undefined) {
    try {
      keepLaterCommit(path, check.later);
    } catch (error) {
      throw new LmdbFailure(failureText('mend', path, error), { cause: error });
    }
    check = checkLmdbFile(path);
  }
  if (check.sound) return;
  throw new LmdbFailure(`the store ${path} is damaged, or is no store: ${check.fault}. Put back a copy of the data directory, or choose another one with --data-dir.`);
}

function requireLockRoom(path: string): void {
  const folder = dirname(path);
  if (!existsSync(folder) || roomBytesOf(folder) >= FRESH_ROOM_BYTES) return;
  if (holdsBytes(path) && holdsBlocks(`${path}-lock`)) return;
  throw new LmdbFailure(`the store ${path} cannot be opened: its device is full, and ${FRESH_ROOM_BYTES} bytes are needed`);
}

function holdsBlocks(path: string): boolean {
  if (!existsSync(path)) return false;
  // The first page is all that a single reader touches.
  return statSync(path).blocks > 0;
}

/** Linux alone tells the limit; elsewhere it is seldom set. */
function requireAddressSpace(path: string, mapSizeBytes: number): void {
  const limits = '/proc/self/limits';
  if (!existsSync(limits)) return;
  const soft = /^Max address space +(\d+)/m.exec(readFileSync(limits, 'latin1'))?.[1];
  if (soft === undefined) return;
  const taken = Number(/^VmSize:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? 0) * 1024;
  if (taken + mapSizeBytes <= Number(soft)) return;
  throw new LmdbFailure(
    `the store ${path} cannot be opened: it needs ${mapSizeBytes} bytes of address space, and the limit (ulimit -v) is ${soft}, ${taken} of it taken`,
  );
}
