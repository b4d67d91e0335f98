/** Sees whether a consumer has had nothing for a second, or whether its queues are empty too, and lets it settle what it still owes. */
import { nowNs, pause } from './clock.ts';
import { queueDepth } from './queue-calls.ts';
import type { Receiver } from './receiver.ts';

export type ExitWhen = 'idle' | 'empty';

const IDLE_NS = 1_000_000_000;
const LOOK_MS = 100;

/** Who is on the way out already, and whose connection has a call under way: it bears one at a time. */
export type Ends = { readonly ending: ReadonlySet<Receiver>; readonly asking: Set<Receiver> };

/** Resolves once the consumer has nothing more to do, or is ending anyway; it must have subscribed. */
export async function idled(receiver: Receiver, exitWhen: ExitWhen, { ending, asking }: Ends): Promise<void> {
  let seen = receiver.connection.scanner.deliveries;
  let sinceNs = nowNs();
  for (;;) {
    await pause(LOOK_MS);
    if (ending.has(receiver)) return;
    const { deliveries } = receiver.connection.scanner;
    if (deliveries !== seen) {
      seen = deliveries;
      sinceNs = nowNs();
    } else if (nowNs() - sinceNs > IDLE_NS) {
      if (exitWhen === 'idle') break;
      asking.add(receiver);
      const messages = await ready(receiver);
      asking.delete(receiver);
      if (messages === 0) break;
    }
  }
  receiver.settleRest();
}

/** Messages in all its queues that wait for a consumer. */
async function ready({ connection, queues }: Receiver): Promise<number> {
  let messages = 0;
  for (const queue of queues) messages += await queueDepth(connection, queue);
  return messages;
}
