/** How fast a queue without consumers fills, what it then occupies, and how fast it drains. */
import { takeDeliveries } from '../client/deliveries.ts';
import { fillQueue, patienceMs } from '../client/fill.ts';
import type { BacklogScenario } from '../scenario/scenario.ts';
import { MachineWatch } from './machine-watch.ts';
import { withDurableQueue } from './queue-of-its-own.ts';
import { settledRss } from './settled-memory.ts';
import type { Target } from './target.ts';

export type BacklogFigures = {
  readonly kind: 'backlog';
  readonly messages: number;
  /** Publishes a second, from the first publish to the last confirm. */
  readonly publishedPerSecond: number;
  /** Resident memory of the full broker once it rests, MB of 1,000,000 bytes. */
  readonly filledMb?: number;
  /** Deliveries a second, from the subscription to the last delivery; undefined: the queue was empty. */
  readonly deliveredPerSecond: number | undefined;
  readonly othersShare?: number;
};

export function measureBacklog({ fill }: BacklogScenario, { url, pid }: Target): Promise<BacklogFigures> {
  return withDurableQueue(url, async (queue) => {
    const watch = pid === undefined ? undefined : new MachineWatch(pid);
    const fillSeconds = await fillQueue(url, queue, fill);
    const filledMb = pid === undefined ? undefined : (await settledRss(pid)) / 1e6;
    const wish = { wanted: fill.messages, automaticAck: true, prefetch: 0, limitMs: patienceMs(fill.messages) };
    const { startNs, endNs } = await takeDeliveries(url, queue, wish);
    watch?.close();
    return {
      kind: 'backlog',
      messages: fill.messages,
      publishedPerSecond: fill.messages / fillSeconds,
      deliveredPerSecond: endNs === undefined ? undefined : fill.messages / ((endNs - startNs) / 1e9),
      ...(filledMb === undefined ? {} : { filledMb }),
      ...(watch === undefined ? {} : { othersShare: watch.othersShare }),
    };
  });
}
