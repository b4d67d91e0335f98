/** Stores that a node must not start on: it says why and how to go on, in one message, ends with 1, and changes nothing. */
import { mkdtempSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LmdbDisk } from '../../native-free-io/lmdb/lmdb-disk.ts';
import { createBroker } from '../../src/main/index.ts';
import { STORE_KEY } from '../../src/store/store-keys.ts';
import { seal } from '../../src/store/checksum.ts';
import { RawClient } from '../support/raw-client.ts';
import { startChild } from './support/child.ts';

const LAUNCHER = join(import.meta.dirname, '../../bin/leveret.js');
const FORMAT_OFFSET = 6;

const folder = mkdtempSync(join(tmpdir(), 'leveret-refused-'));
const dataDir = join(folder, 'data');
const file = join(dataDir, 'store.mdb');
let pristine: Buffer;

const refused = suite('a store that a node must not start on');

refused.before(async () => {
  const broker = await createBroker({ dataDir });
  const client = await RawClient.connect({ ...broker, user: 'guest', password: 'guest' });
  const channel = await client.openChannel(1);
  await channel.call('queue.declare', { queue: 'precious', durable: true });
  await channel.call('confirm.select');
  channel.publish({ routingKey: 'precious' }, 'kept', { deliveryMode: 2 });
  await channel.expect('basic.ack');
  await client.close();
  await broker.close();
  pristine = readFileSync(file);
});

refused.after.each(() => {
  writeFileSync(file, pristine);
  rmSync(`${file}-lock`, { force: true });
});

refused.after(() => rmSync(folder, { recursive: true, force: true }));

/** What is said on standard error; the store is as it was. */
async function refusal(): Promise<string> {
  const child = startChild(process.execPath, [LAUNCHER, 'start', '--port', '0', '--data-dir', dataDir, '--log-level', 'error']);
  assert.is(await child.ended, 1, child.stderr());
  assert.is(child.stdout(), '', 'no banner');
  assert.match(child.stderr(), /^leveret: /);
  assert.is(child.stderr().match(/^leveret: /gm)?.length, 1, 'one message');
  assert.not.match(child.stderr(), /\n +at /, 'and no stack');
  return child.stderr();
}

refused('one that is missing, or empty', async () => {
  unlinkSync(file);
  assert.match(await refusal(), /store\.mdb, which held definitions and messages, is missing; put back a copy of the data directory/);
  writeFileSync(file, pristine);
  truncateSync(file, 0);
  assert.match(await refusal(), /store\.mdb, which held definitions and messages, is empty; put back/);
  assert.is(readFileSync(file).length, 0);
});

refused('one of an older or a newer format', async () => {
  for (const [format, advice] of [
    [0, /have format 0, and this version of Leveret reads format 1: let the older version that wrote them deliver them first/],
    [2, /have format 2, and this version of Leveret reads formats up to 1: start the newer version that wrote them/],
  ] as const) {
    const disk = LmdbDisk.open({ path: file, durability: 'written', mapSizeBytes: 1 << 26 });
    const record = disk.get(STORE_KEY)!;
    record.writeUInt16BE(format, FORMAT_OFFSET);
    seal(crc32, STORE_KEY, record);
    disk.commit([{ key: STORE_KEY, value: record }]);
    disk.close();
    const before = readFileSync(file);
    const text = await refusal();
    assert.match(text, advice);
    assert.match(text, 'another data directory');
    assert.equal(readFileSync(file), before);
    writeFileSync(file, pristine);
  }
});

refused('a data directory of a newer version', async () => {
  const schema = join(dataDir, 'schema');
  const before = readFileSync(schema);
  writeFileSync(schema, '3\n');
  assert.match(await refusal(), /has version 3, and this Leveret reads up to 2; run the newer Leveret on it/);
  writeFileSync(schema, before);
});

refused('one whose definitions are damaged', async () => {
  const spoilt = Buffer.from(pristine);
  let found = 0;
  for (let at = spoilt.indexOf('precious'); at !== -1; at = spoilt.indexOf('precious', at + 8), found++) spoilt[at] = 'P'.charCodeAt(0);
  assert.ok(found > 0);
  writeFileSync(file, spoilt);
  const text = await refusal();
  assert.match(text, /the definitions in the data directory are damaged/);
  assert.match(text, /The record of a queue \([0-9a-f]+\) is damaged: its checksum is wrong\. It seems to be queue 'Precious' in vhost '\/'\./);
  assert.match(text, /Put a copy of the data directory in its place/);
  assert.equal(readFileSync(file), spoilt);
});

refused('one whose file is torn', async () => {
  const torn = pristine.subarray(0, 20_000);
  writeFileSync(file, torn);
  const text = await refusal();
  assert.match(text, /store\.mdb is damaged/);
  assert.match(text, /[Pp]ut back a copy of the data directory/);
  assert.equal(readFileSync(file), torn);
});

refused('and what was put back is served', async () => {
  const broker = await createBroker({ dataDir });
  const client = await RawClient.connect({ ...broker, user: 'guest', password: 'guest' });
  assert.is((await (await client.openChannel(1)).get('precious')).text, 'kept');
  await client.close();
  await broker.close();
});

refused.run();
