/** A thread that is busy with something else holds up its own connections and queues, and nobody else's. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FaultNode, startFaultNode } from '../support/fault-node.ts';
import { RawClient } from '../support/raw-client.ts';
import type { RawChannel } from '../support/raw-channel.ts';
import { StallMeter } from '../support/stall-meter.ts';
import { TOO_LATE, timely } from '../support/timely.ts';

const STALL_MS = 3_000;
/** By then the thread has read the order, milliseconds. */
const BEGUN_MS = 300;
/** An answer of the thread that works, milliseconds: far below the stall, far above what it takes. */
const ANSWER_MAX_MS = 1_000;
/** What this process may lose in an attempt, milliseconds: more, and the times say nothing of a single thread. */
const LOST_MAX_MS = 500;
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
    const times = await timely(async () => {
      const stalls = new StallMeter();
      fault.node.fault(1, { type: 'stall', ms: STALL_MS });
      await new Promise<void>((resolve) => setTimeout(resolve, BEGUN_MS));
      const taken = await Promise.all(all.map(({ channel, queue }) => roundTripMs(channel, queue)));
      stalls.end();
      return stalls.lostMs > LOST_MAX_MS ? TOO_LATE : taken;
    });
    const quick = times.filter((ms) => ms <= ANSWER_MAX_MS).length;
    const text = `round trips of ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`;
    process.stdout.write(`${text}\n`);
    assert.ok(times.every((ms) => ms <= ANSWER_MAX_MS || ms >= STALL_MS / 2), `either of this thread or of the other: ${text}`);
    const tree = (await fault.node.liveTree()) as { readonly threads: readonly { readonly thread: number; readonly connections: number }[] };
    assert.is(quick, tree.threads.find(({ thread }) => thread === 2)!.connections, text);
    for (const { channel, queue } of all) await roundTripMs(channel, queue);
    for (const { client } of all) await client.close();
  } finally {
    await fault.close();
  }
});

stalled.run();
