/** Brokers that are started and closed in one process leave no thread, no socket and no file. Linux only. */
import { readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createBroker } from '../../src/main/index.ts';
import { DEADLINE_MS } from '../support/deadline.ts';
import { startFaultNode } from '../support/fault-node.ts';
import { RawClient } from '../support/raw-client.ts';

const ROUNDS = 10;
/** Threads and files that the runtime keeps or lets go in its own time. */
const SLACK = 2;
const loop = suite('brokers in a loop');

type Holdings = { readonly threads: number; readonly files: number; readonly resources: number };

function holdings(): Holdings {
  const count = (folder: string): number => readdirSync(`/proc/self/${folder}`).length;
  return { threads: count('task'), files: count('fd'), resources: process.getActiveResourcesInfo().length };
}

async function returned(before: Holdings): Promise<void> {
  const givenUpAt = performance.now() + DEADLINE_MS;
  const isBack = ({ threads, files, resources }: Holdings): boolean =>
    threads <= before.threads + SLACK && files <= before.files + SLACK && resources <= before.resources + SLACK;
  while (!isBack(holdings()) && performance.now() < givenUpAt) await new Promise<void>((resolve) => setTimeout(resolve, 20));
  assert.ok(isBack(holdings()), `before ${JSON.stringify(before)}, after ${JSON.stringify(holdings())}`);
}

async function round(): Promise<void> {
  const broker = await createBroker({ schedulers: 2 });
  const client = await RawClient.connect({ ...broker, user: 'guest', password: 'guest' });
  const channel = await client.openChannel();
  await channel.queue('mine');
  await channel.consume('mine', { noAck: true });
  channel.publish({ routingKey: 'mine' }, 'x');
  assert.is((await channel.delivery()).text, 'x');
  // A connection that is open when the broker closes is the broker's to end.
  const closed = broker.close();
  assert.is((await client.refused()).code, 320);
  await closed;
  await client.ended();
}

loop(`${ROUNDS} brokers, one after the other, each with a client`, async () => {
  await round();
  const before = holdings();
  for (let each = 0; each < ROUNDS; each++) await round();
  await returned(before);
});

loop('a broker that lost threads closes like any other', async () => {
  await round();
  const before = holdings();
  const fault = await startFaultNode({ schedulers: 2 });
  for (let loss = 1; loss <= 4; loss++) {
    fault.node.fault(1 + (loss % 2), { type: 'end thread' });
    while (fault.node.threadsLost() < loss) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await fault.close();
  await returned(before);
});

loop('a thread that fails when its work is done harms nobody', async () => {
  for (let round = 0; round < 12; round++) {
    const fault = await startFaultNode({ schedulers: 1 });
    const closed = fault.close();
    // The moment between the end of a thread's task and its own is short: each turn of the loop tries to hit it.
    for (let turn = 0; turn < 30; turn++) {
      fault.node.fault(1, { type: 'end thread' });
      fault.node.fault(2, { type: 'end thread' });
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await closed;
  }
});

loop.run();
