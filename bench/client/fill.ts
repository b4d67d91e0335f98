/** Fills a queue: so many publishes, one behind the other, until the last one is confirmed. */
import type { Fill } from '../scenario/scenario.ts';
import { nowNs } from './clock.ts';
import { Producer } from './producer.ts';

/** A broker that is slower than this over the whole fill has failed. */
const SLOWEST_PER_SECOND = 2_000;
const LIMIT_AT_LEAST_MS = 60_000;

/** How long `messages` may take before whoever waits gives up, ms. */
export function patienceMs(messages: number): number {
  return LIMIT_AT_LEAST_MS + (messages / SLOWEST_PER_SECOND) * 1_000;
}

/** Seconds from the first publish to the last confirm. Rejects when the broker refuses one, ends the connection or takes too long. */
export async function fillQueue(url: string, queue: string, fill: Fill): Promise<number> {
  const { messages } = fill;
  const limitMs = patienceMs(messages);
  const { promise: endNs, resolve, reject } = Promise.withResolvers<number>();
  // The producer may fail before anyone waits for the end; that must not end the process.
  endNs.catch(() => undefined);
  const producer = await Producer.open(url, [{ exchange: '', routingKey: queue }], {
    persistent: true,
    ...fill,
    progressed: ({ confirmed, refused }) => {
      if (refused > 0) reject(new Error(`${refused} publishes were refused`));
      else if (confirmed === messages) resolve(nowNs());
    },
    failed: reject,
  });
  const giveUp = (): void => reject(new Error(`${producer.confirmed} of ${messages} publishes were confirmed within ${limitMs / 1_000} s`));
  const timer = setTimeout(giveUp, limitMs);
  try {
    const startNs = nowNs();
    producer.start(messages);
    return ((await endNs) - startNs) / 1e9;
  } finally {
    clearTimeout(timer);
    producer.drop();
  }
}
