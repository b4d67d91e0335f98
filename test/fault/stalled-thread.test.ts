/** A thread that is busy with something else holds up its own connections and queues, and nobody else's. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FaultNode, startFaultNode } from '../support/fault-node.ts';
import { RawClient } from '../support/raw-client.ts';
import type { RawChannel } from '../support/raw-channel.ts';

const STALL_MS = 1_500;
/** An answer of the thread that works, milliseconds: far below the stall, far above what it takes. */
const ANSWER_MAX_MS = 700;
const CLIENTS = 8;
const stalled = suite('a stalled thread');

/** Publishes a message to a queue of the connection's own thread and reads it back; answers how long that took. */
async function roundTripMs(channel: RawChannel, queue: string): Promise<number> {
  const startedAt = performance.now();
  channel.publish({ routingKey: queue }, 'x');
  await channel.delivery();
  return performance.now() - startedAt;
}

async function channels(fault: FaultNode): Promise<{ readonly client: RawClient; readonly channel: RawChannel; readonly queue: string }[]> {
  return Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = await RawClient.connect(fault.broker);
      const channel = await client.openChannel();
      const queue = await channel.queue('');
      await channel.consume(queue, { noAck: true });
      return { client, channel, queue };
    }),
  );
}

stalled('the connections of the other thread are served meanwhile, and its own afterwards', async () => {
  const fault = await startFaultNode({ schedulers: 2 });
  try {
    const all = await channels(fault);
    for (const { channel, queue } of all) await roundTripMs(channel, queue);
    // Which connection lives where is the system's choice: those that answer during the stall are the others.
    fault.node.fault(1, { type: 'stall', ms: STALL_MS });
    await new Promise<void>((resolve) => setTimeout(resolve, 50));
    const times = await Promise.all(all.map(({ channel, queue }) => roundTripMs(channel, queue)));
    const quick = times.filter((ms) => ms <= ANSWER_MAX_MS).length;
    const text = `round trips of ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`;
    process.stdout.write(`${text}\n`);
    assert.ok(times.every((ms) => ms <= ANSWER_MAX_MS || ms >= STALL_MS / 2), `either of this thread or of the other: ${text}`);
    const tree = (await fault.node.liveTree()) as { readonly threads: readonly { readonly thread: number; readonly connections: number }[] };
    assert.is(quick, tree.threads.find(({ thread }) => thread === 2)!.connections, text);
    for (const { channel, queue } of all) assert.ok((await roundTripMs(channel, queue)) <= ANSWER_MAX_MS);
    for (const { client } of all) await client.close();
  } finally {
    await fault.close();
  }
});

stalled.run();
