/**
 * The directory that a broker owns: made on first use, readable by its owner alone, held by one broker at a time, and marked
 * with the version of what it contains.
 *
 *   lock      empty; locked by the running broker, free again the moment its process ends (see exclusive-lock.ts)
 *   owner     process id of the last holder, for the sentence that a second broker gets
 *   schema    one decimal number and a newline; written before anything else is stored
 *   kept      names of files, a line each, that hold what must not get lost: a directory without one of them is not opened
 */
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { takeExclusiveLock, type ExclusiveLock } from './exclusive-lock.ts';

/**
 * The version of the data that this program writes. Raised with every change that an older one cannot read.
 *
 *   1   definitions and messages in store.mdb
 *   2   and a journal in front of it, store.journal, whose records may be in no other place
 */
export const SCHEMA_VERSION = 2;
/** The oldest that it reads. An opening makes it the present one. */
export const OLDEST_SCHEMA_VERSION = 1;
/** A predecessor that was killed a moment ago may still be on its way out; so long a new broker waits for it. */
export const LOCK_PATIENCE_MS = 1_000;
const LOCK_RETRY_MS = 25;
const OWNER_ONLY = 0o700;
const OWNER_FILE_ONLY = 0o600;
const KEPT = 'kept';
/** What may lie in a directory that is about to become a data directory. */
const HARMLESS: ReadonlySet<string> = new Set(['lock', 'owner', 'schema.new', 'lost+found']);

export type DataDirectory = {
  /** Absolute. */
  readonly path: string;
  /** True when this opening created the schema mark. */
  readonly fresh: boolean;
  /** What the operator should know although it is no failure, such as a directory that others may read. */
  readonly warnings: readonly string[];
  /** From now on the directory is not opened when its file `name` is missing or empty. Answers false when that cannot be written down. */
  keep(name: string): boolean;
  /** Lets the next broker in. Call it after the last file in the directory is closed; a second call does nothing. */
  release(): void;
};

export type DataDirectoryFailure = {
  readonly kind: 'in-use' | 'not-writable' | 'not-a-directory' | 'foreign' | 'unreadable-schema' | 'newer-schema' | 'older-schema' | 'lost-file';
  /** One sentence: what, where, and how to mend it. */
  readonly text: string;
};

export type DataDirectoryOutcome =
  | { readonly ok: true; readonly directory: DataDirectory }
  | { readonly ok: false; readonly failure: DataDirectoryFailure };

/** Opens and holds the directory at `path`. Every failure is a value; nothing is thrown for what a disk or an operator does. */
export async function openDataDirectory(path: string, patienceMs: number = LOCK_PATIENCE_MS): Promise<DataDirectoryOutcome> {
  const root = resolve(path);
  const unusable = prepare(root);
  if (unusable !== undefined) return refused(unusable.kind, unusable.text);

  const lock = await takeWithPatience(join(root, 'lock'), patienceMs);
  if (lock === 'held') {
    return refused('in-use', `the data directory ${root} is in use by ${holder(root)}; stop it, or choose another one with --data-dir.`);
  }
  if (lock instanceof Error) return refused('not-writable', notWritable(root, lock));

  const warnings = keepToOwner(root);
  const marked = markSchema(root);
  if (typeof marked !== 'boolean') {
    lock.release();
    return { ok: false, failure: marked };
  }
  const lost = marked ? undefined : lostFile(root);
  if (lost !== undefined) {
    lock.release();
    return refused('lost-file', lost);
  }
  return { ok: true, directory: { path: root, fresh: marked, warnings, keep: (name) => keep(root, name), release: () => lock.release() } };
}

/** A sentence when a file that must not get lost is missing from the data directory `root`, or is empty. */
export function lostFile(root: string): string | undefined {
  for (const name of keptFiles(root)) {
    const path = join(root, name);
    const isThere = existsSync(path);
    if (isThere && statSync(path).size > 0) continue;
    return (
      `${path}, which held definitions and messages, is ${isThere ? 'empty' : 'missing'}; put back a copy of the data directory, ` +
      `choose another one with --data-dir, or remove ${join(root, KEPT)} to start empty.`
    );
  }
  return undefined;
}

function keptFiles(root: string): string[] {
  const path = join(root, KEPT);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8').split('\n').filter((name) => name !== '');
}

function keep(root: string, name: string): boolean {
  try {
    const names = keptFiles(root);
    if (!names.includes(name)) writeWhole(root, KEPT, [...names, name].join('\n'));
    return true;
  } catch {
    return false;
  }
}

/** The file has its old text or its new one, whatever happens. */
function writeWhole(root: string, name: string, text: string): void {
  writeFileSync(join(root, `${name}.new`), `${text}\n`, { mode: OWNER_FILE_ONLY, flush: true });
  renameSync(join(root, `${name}.new`), join(root, name));
  syncDirectory(root);
}

function prepare(root: string): DataDirectoryFailure | undefined {
  try {
    makeDirectory(root);
    if (!statSync(root).isDirectory()) return failure('not-a-directory', notADirectory(root));
    const entries = readdirSync(root);
    if (!entries.includes('schema') && entries.some((entry) => !HARMLESS.has(entry))) {
      return failure('foreign', `${root} holds other files and is no data directory of Leveret; choose an empty or new one with --data-dir.`);
    }
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST' || code === 'ENOTDIR') return failure('not-a-directory', notADirectory(root));
    return failure('not-writable', notWritable(root, error));
  }
}

/** Node's own `recursive` never comes back where the parent exists and yet nothing can be made in it, as in /proc. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  if (path !== dirname(path)) makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: OWNER_ONLY });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

async function takeWithPatience(path: string, patienceMs: number): Promise<ExclusiveLock | 'held' | Error> {
  for (let waitedMs = 0; ; waitedMs += LOCK_RETRY_MS) {
    const lock = takeExclusiveLock(path);
    if (lock !== 'held' || waitedMs >= patienceMs) return lock;
    await delay(LOCK_RETRY_MS);
  }
}

/** Volumes of some platforms belong to another user and are writable through a group: there the mode stays as it is. */
function keepToOwner(root: string): string[] {
  if ((statSync(root).mode & 0o077) === 0) return [];
  try {
    chmodSync(root, OWNER_ONLY);
    return [];
  } catch {
    return [`the data directory ${root} can be entered by other users, and its mode cannot be changed`];
  }
}

/** True when the mark was made now, false when it was there. */
function markSchema(root: string): boolean | DataDirectoryFailure {
  try {
    writeFileSync(join(root, 'owner'), `${process.pid}\n`, { mode: OWNER_FILE_ONLY });
    if (readdirSync(root).includes('schema')) return checkSchema(root);
    writeWhole(root, 'schema', String(SCHEMA_VERSION));
    return true;
  } catch (error) {
    return failure('not-writable', notWritable(root, error));
  }
}

function checkSchema(root: string): false | DataDirectoryFailure {
  const text = readFileSync(join(root, 'schema'), 'utf8').trim();
  if (!/^[0-9]{1,9}$/.test(text)) {
    return failure('unreadable-schema', `${join(root, 'schema')} does not hold a version number; restore the directory from a backup or choose another one.`);
  }
  const version = Number(text);
  if (version > SCHEMA_VERSION) {
    return failure('newer-schema', `the data directory ${root} has version ${version}, and this Leveret reads up to ${SCHEMA_VERSION}; run the newer Leveret on it.`);
  }
  if (version < OLDEST_SCHEMA_VERSION) {
    const advice = `let the Leveret that wrote it deliver its messages, and choose another directory with --data-dir`;
    return failure('older-schema', `the data directory ${root} has version ${version}, and this Leveret reads from ${OLDEST_SCHEMA_VERSION} on; ${advice}.`);
  }
  if (version < SCHEMA_VERSION) writeWhole(root, 'schema', String(SCHEMA_VERSION));
  return false;
}

function syncDirectory(root: string): void {
  const descriptor = openSync(root, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function holder(root: string): string {
  try {
    const pid = Number(readFileSync(join(root, 'owner'), 'utf8'));
    return pid === process.pid ? 'another broker of this process' : `another broker (process ${pid})`;
  } catch {
    return 'another broker';
  }
}

function notADirectory(root: string): string {
  return `the data directory ${root} cannot be made, because a file stands in its way; choose another one with --data-dir.`;
}

function notWritable(root: string, error: unknown): string {
  const code = codeOf(error);
  const reason = code?.startsWith('ERR_') === false ? code : error instanceof Error ? error.message : String(error);
  return `the data directory ${root} cannot be written (${reason}); give this user access to it, or choose another one with --data-dir.`;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function failure(kind: DataDirectoryFailure['kind'], text: string): DataDirectoryFailure {
  return { kind, text };
}

function refused(kind: DataDirectoryFailure['kind'], text: string): DataDirectoryOutcome {
  return { ok: false, failure: failure(kind, text) };
}
