/** What a broker brings back after an end in order, and how soon. */
import { takeDeliveries, type Deliveries } from '../client/deliveries.ts';
import { fillQueue } from '../client/fill.ts';
import type { RestartScenario } from '../scenario/scenario.ts';
import { withDurableQueue } from './queue-of-its-own.ts';
import { settledRss } from './settled-memory.ts';
import type { Target } from './target.ts';

export type RestartFigures = {
  readonly kind: 'restart';
  readonly messages: number;
  /** Messages that were ready after the restart; 0 also where the queue itself was gone. */
  readonly recovered: number;
  /** From SIGTERM to the end of the process. */
  readonly stopSeconds: number;
  /** From the start of the new process to its word that it is ready. */
  readonly readySeconds: number;
  /** From the start of the new process to the first delivery; undefined: nothing was there to deliver. */
  readonly firstDeliverySeconds: number | undefined;
  /** Resident memory at rest, MB of 1,000,000 bytes: with the full queue, and after the restart. */
  readonly filledMb: number;
  readonly restartedMb: number;
};

/** From the subscription to the first delivery: a broker that counts messages as ready must not need longer. */
const FIRST_DELIVERY_LIMIT_MS = 60_000;

export function measureRestart({ name, fill }: RestartScenario, target: Target): Promise<RestartFigures> {
  const { url, pid, restart } = target;
  if (pid === undefined || restart === undefined) throw new Error(`${name} needs a broker that it may stop and start`);
  return withDurableQueue(url, async (queue) => {
    await fillQueue(url, queue, fill);
    const filledMb = (await settledRss(pid)) / 1e6;
    const { stopSeconds, startedNs, readySeconds } = await restart();
    const first = await firstDelivery(url, queue);
    return {
      kind: 'restart',
      messages: fill.messages,
      recovered: first?.ready ?? 0,
      stopSeconds,
      readySeconds,
      firstDeliverySeconds: first?.endNs === undefined ? undefined : (first.endNs - startedNs) / 1e9,
      filledMb,
      restartedMb: (await settledRss(target.pid ?? pid)) / 1e6,
    };
  });
}

/** undefined: the queue is gone. The message goes back to the queue. */
async function firstDelivery(url: string, queue: string): Promise<Deliveries | undefined> {
  try {
    return await takeDeliveries(url, queue, { wanted: 1, automaticAck: false, prefetch: 1, limitMs: FIRST_DELIVERY_LIMIT_MS });
  } catch (error) {
    if (error instanceof Error && /the broker closed: 404/.test(error.message)) return undefined;
    throw error;
  }
}
