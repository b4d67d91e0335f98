/** Sees whether a consumer has had nothing for a second, or whether its queues are empty too, and lets it settle what it still owes. */
import { nowNs, pause } from './clock.ts';
import { queueDepth } from './queue-calls.ts';
import type { Receiver } from './receiver.ts';

export type ExitWhen = 'idle' | 'empty';

const IDLE_NS = 1_000_000_000;
const LOOK_MS = 100;

/** Resolves once the consumer has nothing more to do; it must have subscribed. */
export async function idled(receiver: Receiver, exitWhen: ExitWhen): Promise<void> {
  let seen = receiver.connection.scanner.deliveries;
  let sinceNs = nowNs();
  for (;;) {
    await pause(LOOK_MS);
    const { deliveries } = receiver.connection.scanner;
    if (deliveries !== seen) {
      seen = deliveries;
      sinceNs = nowNs();
    } else if (nowNs() - sinceNs > IDLE_NS && (exitWhen === 'idle' || (await ready(receiver)) === 0)) break;
  }
  receiver.settleRest();
  // Their answer comes behind what has been settled: the broker has read it.
  await ready(receiver);
}

/** Messages in all its queues that wait for a consumer. */
async function ready({ connection, queues }: Receiver): Promise<number> {
  let messages = 0;
  for (const queue of queues) messages += await queueDepth(connection, queue);
  return messages;
}
