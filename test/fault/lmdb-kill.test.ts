/**
 * A process that is killed (SIGKILL) between any two instructions of its commits: the last commit that returned is there, at most
 * one more is, and each of them wholly. This says nothing about the loss of power: see `power-loss.test.ts`.
 *
 * LEVERET_KILLS=200 kills that often.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LmdbDisk } from '../../native-free-io/lmdb/lmdb-disk.ts';
import { LAST_NUMBER, contentAfter } from './lmdb-kill-content.ts';

const KILLS = Number(process.env['LEVERET_KILLS'] ?? 5);
/** A process that reports before it commits is found out in one of so many. */
const CONTROL_KILLS_MAX = 40;
/** It is killed at one of the first so many reports. */
const REPORTS_MAX = 60;

const kills = suite('killed in the middle of commits');
const folder = mkdtempSync(join(tmpdir(), 'leveret-kill-'));
kills.after(() => rmSync(folder, { recursive: true, force: true }));

/** Lets the writer go on in the database at `path` and kills it at its report `reports`. Its last report. */
async function killedWriter(path: string, reports: number, ...manner: readonly string[]): Promise<number> {
  const writer = spawn(process.execPath, [join(import.meta.dirname, 'lmdb-kill-writer.ts'), path, ...manner], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  writer.stdout.setEncoding('latin1').on('data', (text: string) => {
    output += text;
    if (output.split('\n').length > reports) writer.kill('SIGKILL');
  });
  const [, signal] = (await once(writer, 'close')) as [number | null, string | null];
  assert.is(signal, 'SIGKILL', 'the writer ended by itself');
  return Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1));
}

/** What is wrong with the database after `reported` was the last report; undefined when all is well. */
function faultIn(path: string, reported: number): string | undefined {
  const disk = LmdbDisk.open({ path, durability: 'flushed', mapSizeBytes: 1 << 20 });
  try {
    const last = disk.get(LAST_NUMBER)?.readUInt32BE() ?? 0;
    if (last < reported) return `commit ${reported} returned, and ${last} is the last one there`;
    if (last > reported + 1) return `commit ${reported} was the last to return, and ${last} is there`;
    assert.equal([...disk.entries(Buffer.from([1]), Buffer.from([2]))], contentAfter(last));
    return undefined;
  } finally {
    disk.close();
  }
}

for (const durability of ['flushed', 'written']) {
  kills(`what a commit made ${durability} is there, and no half of another one`, async () => {
    const path = join(folder, `${durability}.mdb`);
    for (let kill = 0; kill < KILLS; kill++) {
      const reported = await killedWriter(path, 1 + ((kill * 37) % REPORTS_MAX), durability);
      assert.is(faultIn(path, reported), undefined, `kill ${kill}`);
    }
  });
}

kills('control: a process that reports before it commits is found out', async () => {
  const path = join(folder, 'hasty.mdb');
  for (let kill = 0; kill < CONTROL_KILLS_MAX; kill++) {
    const reported = await killedWriter(path, 1 + ((kill * 37) % REPORTS_MAX), 'flushed', 'hasty');
    const fault = faultIn(path, reported);
    if (fault !== undefined) return assert.match(fault, /returned, and/);
  }
  assert.unreachable('never found out');
});

kills.run();
