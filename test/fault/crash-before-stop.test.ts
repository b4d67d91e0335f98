/**
 * A crash before a clean stop: what the crash gave back to its queue was delivered before, and the next process says so. After a
 * stop in order only what was delivered may come with redelivered, so the store has to know each.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeConfig } from '../../src/main/node.ts';
import { type FaultNode, startFaultNode } from '../support/fault-node.ts';
import type { RawChannel } from '../support/raw-channel.ts';
import { RawClient } from '../support/raw-client.ts';

const DELIVERED = 5;
const KEPT = 10;
const QUEUE = 'kept';
const stops = suite('a crash before a clean stop');

function planCrash(fault: FaultNode): void {
  fault.node.fault(1, { type: 'plan', plan: { group: 'queue', seed: 1, everyLetters: 1, crashesMax: 1 } });
}

/** What a process hands out after one in which the queue had delivered some of its messages, crashed by `crash`, and the node stopped in order. */
async function handedOut(config: Partial<NodeConfig>, crash: (fault: FaultNode, asking: RawChannel) => Promise<void>): Promise<string[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'leveret-crash-stop-'));
  try {
    const first = await startFaultNode({ dataDir, ...config });
    const client = await RawClient.connect(first.broker);
    const channel = await client.openChannel();
    await channel.call('queue.declare', { queue: QUEUE, durable: true });
    await channel.call('confirm.select');
    for (let number = 0; number < KEPT; number++) {
      channel.publish({ routingKey: QUEUE }, String(number), { deliveryMode: 2 });
      await channel.expect('basic.ack');
    }
    for (let number = 0; number < DELIVERED; number++) await channel.get(QUEUE, false);
    const asker = await RawClient.connect(first.broker);
    await crash(first, await asker.openChannel());
    assert.is(first.crashes(), 1);
    asker.drop();
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
    return seen;
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const DELIVERED_BEFORE = ['0 again', '1 again', '2 again', '3 again', '4 again'];

stops('what came back by the crash is redelivered by the next process, and nothing else is', async () => {
  const seen = await handedOut({}, async (fault, asking) => {
    planCrash(fault);
    // Each question is a letter to the queue; the answer comes from the incarnation after the crash.
    while (fault.crashes() === 0) await asking.call('queue.declare', { queue: QUEUE, durable: true, passive: true });
    await asking.untilReady(QUEUE, KEPT);
  });
  assert.equal(seen, [...DELIVERED_BEFORE, '5', '6', '7', '8', '9']);
});

stops('what a queue that stays down had delivered is redelivered by the next process', async () => {
  const seen = await handedOut({ queueRestarts: { restarts: 0, periodMs: 60_000 } }, async (fault, asking) => {
    planCrash(fault);
    while (fault.crashes() === 0) {
      asking.send('queue.declare', { queue: QUEUE, durable: true, passive: true });
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  assert.equal(seen.slice(0, DELIVERED), DELIVERED_BEFORE);
});

stops.run();
