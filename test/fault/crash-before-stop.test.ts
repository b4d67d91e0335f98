/**
 * A crash before a clean stop: what the crash gave back to its queue was delivered before, and the next process says so. After a
 * stop in order only what was delivered may come with redelivered, so the store has to know each.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FaultNode, startFaultNode } from '../support/fault-node.ts';
import { RawClient } from '../support/raw-client.ts';
import { until } from '../support/traffic.ts';

const DELIVERED = 5;
const KEPT = 10;
const QUEUE = 'kept';
const stops = suite('a crash before a clean stop');

async function crashQueue(fault: FaultNode): Promise<void> {
  const before = fault.crashes();
  fault.node.fault(1, { type: 'plan', plan: { group: 'queue', seed: 1, everyLetters: 1, crashesMax: 1 } });
  const asker = await RawClient.connect(fault.broker);
  const channel = await asker.openChannel();
  // Each question is a letter to the queue; the answer comes from the incarnation after the crash.
  while (fault.crashes() === before) await channel.call('queue.declare', { queue: QUEUE, durable: true, passive: true });
  await channel.untilReady(QUEUE, KEPT);
  await asker.close();
}

stops('what came back by the crash is redelivered by the next process, and nothing else is', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'leveret-crash-stop-'));
  try {
    const first = await startFaultNode({ dataDir });
    const client = await RawClient.connect(first.broker);
    const channel = await client.openChannel();
    await channel.call('queue.declare', { queue: QUEUE, durable: true });
    await channel.call('confirm.select');
    for (let number = 0; number < KEPT; number++) {
      channel.publish({ routingKey: QUEUE }, String(number), { deliveryMode: 2 });
      await channel.expect('basic.ack');
    }
    for (let number = 0; number < DELIVERED; number++) await channel.get(QUEUE, false);
    await crashQueue(first);
    await until(() => first.crashes() === 1, 'the queue has crashed', () => first.crashes());
    client.drop();
    await first.close();

    const second = await startFaultNode({ dataDir });
    const reader = await RawClient.connect(second.broker);
    const reading = await reader.openChannel();
    const seen: string[] = [];
    for (let number = 0; number < KEPT; number++) {
      const { fields, text } = await reading.get(QUEUE);
      seen.push(`${text}${fields.redelivered ? ' again' : ''}`);
    }
    await reader.close();
    await second.close();
    assert.equal(seen, ['0 again', '1 again', '2 again', '3 again', '4 again', '5', '6', '7', '8', '9']);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

stops('what a queue that stays down had delivered is redelivered by the next process', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'leveret-crash-stop-'));
  try {
    const first = await startFaultNode({ dataDir, queueRestarts: { restarts: 0, periodMs: 60_000 } });
    const client = await RawClient.connect(first.broker);
    const channel = await client.openChannel();
    await channel.call('queue.declare', { queue: QUEUE, durable: true });
    await channel.call('confirm.select');
    for (let number = 0; number < KEPT; number++) {
      channel.publish({ routingKey: QUEUE }, String(number), { deliveryMode: 2 });
      await channel.expect('basic.ack');
    }
    for (let number = 0; number < DELIVERED; number++) await channel.get(QUEUE, false);
    first.node.fault(1, { type: 'plan', plan: { group: 'queue', seed: 1, everyLetters: 1, crashesMax: 1 } });
    const asker = await RawClient.connect(first.broker);
    const asking = await asker.openChannel();
    while (first.crashes() === 0) {
      asking.send('queue.declare', { queue: QUEUE, durable: true, passive: true });
      await new Promise((resolve) => setImmediate(resolve));
    }
    asker.drop();
    client.drop();
    await first.close();

    const second = await startFaultNode({ dataDir });
    const reader = await RawClient.connect(second.broker);
    const reading = await reader.openChannel();
    for (let number = 0; number < DELIVERED; number++) {
      const { fields, text } = await reading.get(QUEUE);
      assert.equal([text, fields.redelivered], [String(number), true]);
    }
    await reader.close();
    await second.close();
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

stops.run();
