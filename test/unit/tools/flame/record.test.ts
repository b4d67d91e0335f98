import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { serveControl } from '../../../../src/main/control-server.ts';
import { createLog } from '../../../../src/main/log.ts';
import { record } from '../../../../tools/flame/record.ts';

const test = suite('record');

/** A node where one thread writes its profile and another one does not answer. */
async function recordInVain(dataDir: string, folder: string): Promise<string> {
  const offers = new Map<string, () => Promise<unknown>>([
    ['profile start', () => Promise.resolve(null)],
    [
      'profile finish',
      () => {
        writeFileSync(join(folder, 'main.cpuprofile'), '{}');
        return Promise.reject(new Error('a thread is silent'));
      },
    ],
  ]);
  const server = await serveControl(dataDir, offers, createLog('silent'));
  try {
    return await record({ dataDir, folder, seconds: 0, intervalUs: 500 }).then(
      () => 'it was recorded',
      (error: Error) => error.message,
    );
  } finally {
    server.close();
  }
}

test('a recording that failed leaves nothing, but for a folder that was there', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'leveret-record-'));
  try {
    const says = `the node in ${dataDir} refused: a thread is silent.`;
    const own = join(dataDir, 'new', 'folder');
    assert.is(await recordInVain(dataDir, own), says);
    assert.is(existsSync(own), false);
    const given = join(dataDir, 'given');
    mkdirSync(given);
    writeFileSync(join(given, 'kept'), '');
    assert.is(await recordInVain(dataDir, given), says);
    assert.ok(existsSync(join(given, 'kept')));
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});

test.run();
