/**
 * What the store relies on and lmdb's documentation does not promise, seen from outside: in the system calls of a process that
 * uses it. Where strace is missing, or may not trace, those tests are skipped and say so.
 *
 * Not proven here: that what was not flushed is lost with the power. The end of a process loses nothing that was written,
 * flushed or not, so a kill cannot tell the two apart; a device that forgets can (`test/fault/power-loss.test.ts`).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import type { RootDatabase } from 'lmdb';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

/** Longer than a thread is kept from running. */
const SLOW_FLUSH_US = 500_000;
const CALLS = 'openat,write,pwrite64,pwritev,writev,fdatasync,fsync,msync,sync_file_range';
/** The second of its thread: the first one is of the value before. */
const FAILED_FLUSH = 'fdatasync:error=EIO:when=2';
const SLOW_FLUSH = `fdatasync:delay_enter=${SLOW_FLUSH_US}`;

type Traced = { readonly calls: readonly string[]; readonly output: string; readonly path: string };

const facts = suite('facts about lmdb');
const folder = mkdtempSync(join(tmpdir(), 'leveret-facts-'));
facts.after(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

const strace = spawnSync('strace', ['-o', '/dev/null', 'true'], { encoding: 'utf8' });
const traced = strace.status === 0 ? facts : facts.skip;
if (strace.status !== 0) process.stdout.write(`system calls are not looked at: ${strace.error?.message ?? strace.stderr}\n`);

/** Calls on the file between the marks, all threads: `data` is its first descriptor, `meta` the one that writes through. */
function trace(way: string, ...faults: readonly string[]): Traced {
  const path = join(folder, `${++count}.mdb`);
  const log = `${path}.strace`;
  const options = ['-f', '-o', log, '-e', 'signal=none', '-e', `trace=${CALLS}`, ...faults.flatMap((fault) => ['-e', `inject=${fault}`])];
  const program = [process.execPath, join(import.meta.dirname, 'committing-once.ts'), way, path];
  const run = spawnSync('strace', [...options, ...program], { encoding: 'utf8' });
  assert.match(run.stdout, /begin mark[^]*end mark/, run.stderr);
  const files = new Map<string, string>();
  const calls: string[] = [];
  let between = false;
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    if (line.includes('"begin mark')) between = true;
    else if (line.includes('"end mark')) {
      calls.push('end');
      if (!faults.includes(SLOW_FLUSH)) between = false;
    }
    const opened = /openat\(.*"([^"]*)", ([A-Z_|]+).*\) = (\d+)/.exec(line);
    if (opened?.[1] === path) files.set(opened[3]!, opened[2]!.includes('DSYNC') ? 'meta' : 'data');
    const call = /^\d+ +(\w+)\((\d+)/.exec(line);
    const file = files.get(call?.[2] ?? '');
    if (between && file !== undefined) calls.push(`${call![1]!.includes('write') ? 'write' : call![1]} ${file}`);
  }
  return { calls, output: run.stdout, path };
}

const DURABLE = ['write data', 'fdatasync data', 'write meta', 'end'];

traced('flushed: pages are written and flushed, then the meta page through a descriptor that flushes, before the commit returns', () => {
  assert.equal(trace('disk flushed').calls, DURABLE);
});

traced('written: nothing is flushed, and nothing happens behind the back of the caller', () => {
  assert.equal(trace('disk written').calls, ['write data', 'write data', 'end']);
});

traced('with overlapping, a synchronous transaction is no less durable when it returns', () => {
  assert.equal(trace('transactionSync').calls, DURABLE);
});

traced('with overlapping, putSync shows the change before it is flushed, and yet returns after', () => {
  assert.equal(trace('putSync').calls, ['write data', 'write data', 'fdatasync data', 'write meta', 'end']);
});

traced('with overlapping, a change can be read before it is flushed; the promise of put waits for the flush all the same', () => {
  const read = trace('put and read', SLOW_FLUSH).calls;
  assert.ok(read.includes('write meta') && read.indexOf('end') < read.indexOf('write meta'), read.join(', '));
  assert.equal(trace('put', SLOW_FLUSH).calls.slice(-2), ['write meta', 'end']);
});

traced('a failed flush fails the commit, and LMDB would go on as if nothing had been: whoever uses it has to stop', () => {
  const { output } = trace('again', FAILED_FLUSH);
  assert.match(output, /failed with 5, before is read, mark\nend mark/);
});

traced('with overlapping, the end of the process keeps what could be read, unless safeRestore goes back to what was flushed', () => {
  const { path } = trace('put, read and die', SLOW_FLUSH);
  assert.is(valueIn(path, false), 'after');
  const again = trace('put, read and die', SLOW_FLUSH);
  assert.is(valueIn(again.path, true), 'before');
});

function opened(path: string, safeRestore: boolean, overlappingSync: boolean): RootDatabase<Buffer, Uint8Array> {
  const settings = { noSubdir: true, keyEncoding: 'binary', encoding: 'binary', overlappingSync, safeRestore } as const;
  return open<Buffer, Uint8Array>(path, settings);
}

function valueIn(path: string, safeRestore: boolean): string {
  const database = opened(path, safeRestore, true);
  const value = String(database.get(Buffer.from('key')));
  void database.close();
  return value;
}

facts('a read transaction that stays open keeps pages from being used again', () => {
  const path = join(folder, `${++count}.mdb`);
  const database = opened(path, false, false);
  const value = Buffer.alloc(50_000);
  const pagesAfter = (commits: number): number => {
    for (let commit = 0; commit < commits; commit++) database.transactionSync(() => void database.put(Buffer.from([1]), value));
    return (database.getStats() as { readonly lastPageNumber: number }).lastPageNumber;
  };
  const start = pagesAfter(20);
  assert.is(pagesAfter(100), start);
  const transaction = database.useReadTransaction();
  const held = pagesAfter(100);
  assert.ok(held > start + 90 * 13, `${start} pages became ${held}`);
  transaction.done();
  assert.is(pagesAfter(100), held);
  void database.close();
});

facts.run();
