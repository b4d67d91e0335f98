/** A queue that is found damaged at the start: visible, refused, told once, kept over stops and lost threads, and to be deleted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LmdbDisk } from '../../native-free-io/lmdb/lmdb-disk.ts';
import { LmdbFileDisk } from '../../native-free-io/lmdb/file-disk.ts';
import { StoredQueues } from '../../src/main/inspection/stored-queues.ts';
import { QueuePart, queueKey, queueKeysEnd } from '../../src/store/store-keys.ts';
import { type FaultNode, startFaultNode } from '../support/fault-node.ts';
import { RawClient } from '../support/raw-client.ts';
import { until } from '../support/traffic.ts';

/** The first queue of a data directory, and the second. */
const HARMED = 1;
const MESSAGES = 5;

const dataDir = mkdtempSync(join(tmpdir(), 'leveret-damaged-queue-'));
const file = join(dataDir, 'store.mdb');
const damaged = suite('a damaged queue');

damaged.after(() => rmSync(dataDir, { recursive: true, force: true }));

damaged.before(async () => {
  await withNode(async (_fault, client) => {
    const channel = await client.openChannel(1);
    await channel.call('confirm.select');
    for (const queue of ['harmed', 'sound']) {
      await channel.call('queue.declare', { queue, durable: true });
      for (let each = 0; each < MESSAGES; each++) {
        channel.publish({ routingKey: queue }, `${queue} ${each}`, { deliveryMode: 2 });
        await channel.expect('basic.ack');
      }
    }
  });
  const disk = LmdbDisk.open({ path: file, durability: 'written', mapSizeBytes: 1 << 26 });
  const key = queueKey(HARMED, QueuePart.record);
  const record = disk.get(key)!;
  record[10]! ^= 1;
  disk.commit([{ key, value: record }]);
  disk.close();
});

async function withNode(run: (fault: FaultNode, client: RawClient) => Promise<void>): Promise<void> {
  const fault = await startFaultNode({ dataDir, schedulers: 1 });
  try {
    const client = await RawClient.connect(fault.broker);
    await run(fault, client);
    client.drop();
  } finally {
    await fault.close();
  }
}

function linesOf({ surprises }: FaultNode, text: string): string[] {
  return surprises.filter((line) => line.includes(text));
}

async function stateOf(fault: FaultNode, queue: string): Promise<string | undefined> {
  const tree = JSON.stringify(await fault.node.liveTree());
  return new RegExp(`"state":"([a-z]+)"[^{}]*"name":"${queue}"`).exec(tree)?.[1];
}

damaged('is told once, seen as crashed, and refused to everybody; its neighbour is served', async () => {
  await withNode(async (fault, client) => {
    const [line, ...more] = linesOf(fault, 'a stored queue is damaged');
    assert.equal(more, []);
    assert.match(line!, '"vhost":"/","queue":"harmed","reason":"Queue 1 is damaged: its record does not match its checksum."');
    assert.is(fault.surprises.length, 1, fault.surprises.join());
    assert.is(await stateOf(fault, 'harmed'), 'crashed');
    assert.is(await stateOf(fault, 'sound'), 'running');

    const text = "NOT_FOUND - queue 'harmed' in vhost '/' has crashed and failed to restart";
    let number = 0;
    for (const ask of [
      ['basic.get', { queue: 'harmed' }],
      ['queue.declare', { queue: 'harmed', durable: true }],
      ['queue.declare', { queue: 'harmed', passive: true }],
      ['queue.purge', { queue: 'harmed' }],
      ['queue.delete', { queue: 'harmed', ifEmpty: true }],
      ['basic.consume', { queue: 'harmed' }],
    ] as const) {
      const channel = await client.openChannel(++number);
      channel.send(ask[0], ask[1]);
      const refusal = await channel.refused();
      assert.is(refusal.code, 404);
      assert.is(refusal.text, text, ask[0]);
    }
    const channel = await client.openChannel(++number);
    await channel.call('confirm.select');
    channel.publish({ routingKey: 'harmed' }, 'more', { deliveryMode: 2 });
    await channel.expect('basic.nack');
    for (let each = 0; each < MESSAGES; each++) assert.is((await channel.get('sound', false)).text, `sound ${each}`);
  });
});

damaged('stays so when its thread is lost, and says no more of it', async () => {
  await withNode(async (fault) => {
    fault.node.fault(1, { type: 'end thread' });
    await until(() => fault.node.threadsLost() === 1, 'the loss of the thread', () => fault.node.threadsLost());
    let state: string | undefined;
    await until(
      () => state === 'crashed',
      'the queue on the new thread',
      () => {
        // A node that is replacing the thread may have no answer.
        stateOf(fault, 'harmed').then((found) => (state = found), () => undefined);
        return 0;
      },
    );
    assert.is(linesOf(fault, 'a stored queue is damaged').length, 1);
  });
});

damaged('goes with all that is stored of it when it is deleted, and its name is free', async () => {
  await withNode(async (fault, client) => {
    const channel = await client.openChannel(1);
    await channel.call('queue.delete', { queue: 'harmed' });
    await channel.call('queue.declare', { queue: 'harmed', durable: true });
    await channel.call('confirm.select');
    channel.publish({ routingKey: 'harmed' }, 'anew', { deliveryMode: 2 });
    await channel.expect('basic.ack');
    assert.is(await stateOf(fault, 'harmed'), 'running');
  });
  const looked = new LmdbFileDisk(file);
  assert.equal([...looked.keys(queueKey(HARMED, QueuePart.record), queueKeysEnd(HARMED))], []);
  const stored = new StoredQueues(looked);
  assert.equal(stored.faults, []);
  assert.equal(stored.ids().map((id) => stored.examine(id).damage), [null, null]);
  await withNode(async (fault, client) => {
    assert.equal(fault.surprises, []);
    const channel = await client.openChannel(1);
    assert.is((await channel.get('harmed')).text, 'anew');
  });
});

damaged.run();
