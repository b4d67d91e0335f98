/** A queue that crashes more often than is forgiven is marked and stays down, where all can see it; nobody else suffers. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { queueGroup } from '../../actors/supervision-tree.ts';
import { type FaultNode, startFaultNode } from '../support/fault-node.ts';
import { RawClient } from '../support/raw-client.ts';
import type { RawChannel } from '../support/raw-channel.ts';
import { until } from '../support/traffic.ts';

const FORGIVEN = 5;
/** The period of the test's node: longer than the test, so that the crashes come within it on any machine. */
const PERIOD_MS = 600_000;
const giveUp = suite('a queue that crashes too often');

function plan(fault: FaultNode, crashesMax: number): void {
  // Each letter to a queue is one crash, before or after it, until as many have happened.
  fault.node.fault(1, { type: 'plan', plan: crashesMax === 0 ? undefined : { group: 'queue', seed: 3, everyLetters: 1, crashesMax } });
}

/** Publishes one message and answers whether it was confirmed. */
async function confirmed(channel: RawChannel, queue: string): Promise<boolean> {
  channel.publish({ routingKey: queue }, 'x');
  const { name } = await channel.inbox.take('a confirm');
  assert.ok(name === 'basic.ack' || name === 'basic.nack', name);
  return name === 'basic.ack';
}

async function crash(fault: FaultNode, channel: RawChannel, queue: string): Promise<boolean> {
  const before = fault.crashes();
  plan(fault, 1);
  let answer = true;
  while (fault.crashes() === before) answer = await confirmed(channel, queue);
  return answer;
}

/** The states of the queues of the only thread, by name, as the live tree shows them. */
async function states(fault: FaultNode): Promise<string> {
  return JSON.stringify(await fault.node.liveTree());
}

giveUp(`${FORGIVEN} crashes in ten seconds are forgiven; the next one marks the queue, and its neighbours go on`, async () => {
  assert.equal(queueGroup.intensity, { restarts: FORGIVEN, periodMs: 10_000 });
  const fault = await startFaultNode({ schedulers: 1, queueRestarts: { restarts: FORGIVEN, periodMs: PERIOD_MS } });
  try {
    const client = await RawClient.connect(fault.broker);
    const publisher = await client.openChannel(1);
    const reader = await client.openChannel(2);
    const other = await client.openChannel(3);
    await publisher.call('queue.declare', { queue: 'fragile' });
    await publisher.call('queue.declare', { queue: 'sound' });
    await publisher.call('confirm.select');
    const tag = await reader.consume('fragile');
    for (let each = 1; each <= FORGIVEN; each++) assert.ok(await crash(fault, publisher, 'fragile'), `the publish of crash ${each}`);
    assert.not.ok((await states(fault)).includes('"state":"crashed"'));

    plan(fault, 1);
    const before = fault.crashes();
    let answer = true;
    while (fault.crashes() === before) answer = await confirmed(publisher, 'fragile');
    plan(fault, 0);
    await until(() => fault.surprises.length > 0, 'the log says so', () => 0);
    assert.match(fault.surprises.join(), 'a queue crashed too often and stays down');
    assert.match(await states(fault), '"state":"crashed"');
    // The last one may have been in the ledger before the crash.
    void answer;
    for (let each = 0; each < 3; each++) assert.not.ok(await confirmed(publisher, 'fragile'));

    // Its consumer hears of it.
    for (;;) {
      const incoming = await reader.inbox.take('the cancel of the consumer');
      if (incoming.name === 'basic.deliver') continue;
      reader.inbox.putBack(incoming);
      break;
    }
    assert.is((await reader.expect('basic.cancel')).consumerTag, tag);

    // Who asks it anything gets an answer, the neighbour works, and it can be deleted and declared anew.
    other.send('basic.consume', { queue: 'fragile' });
    assert.is((await other.refused()).code, 404);
    assert.ok(await confirmed(publisher, 'sound'));
    const fresh = await client.openChannel(4);
    assert.is((await fresh.get('sound')).text, 'x');
    await fresh.call('queue.delete', { queue: 'fragile' });
    await fresh.call('queue.declare', { queue: 'fragile' });
    assert.ok(await confirmed(publisher, 'fragile'));
    assert.is((await fresh.get('fragile')).text, 'x');
    await client.close();
  } finally {
    await fault.close();
  }
});

giveUp.run();
