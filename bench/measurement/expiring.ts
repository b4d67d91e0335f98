/** How fast a queue gets rid of messages whose time has passed. */
import { nowNs, pause } from '../client/clock.ts';
import { CALLS_ONLY, Connection } from '../client/connection.ts';
import { fillQueue, patienceMs } from '../client/fill.ts';
import { queueDepth, takeOne } from '../client/queue-calls.ts';
import type { ExpiringScenario } from '../scenario/scenario.ts';
import { MachineWatch } from './machine-watch.ts';
import { withDurableQueue } from './queue-of-its-own.ts';
import type { Target } from './target.ts';

export type ExpiringFigures = {
  readonly kind: 'expiring';
  readonly messages: number;
  /** From the moment at which the message before them was taken until the queue was empty. */
  readonly clearedPerSecond: number;
  readonly othersShare?: number;
};

/** The last message that was published is past its time by then. */
const PASSED_MS = 200;
const LOOK_MS = 2;

/**
 * Expired messages go from the head of a queue, and behind one that has not expired they stay: so all of them are past their time
 * before the first one can go, however slowly the queue was filled.
 */
export function measureExpiring({ fill }: ExpiringScenario, { url, pid }: Target): Promise<ExpiringFigures> {
  return withDurableQueue(url, async (queue) => {
    const watch = pid === undefined ? undefined : new MachineWatch(pid);
    await fillQueue(url, queue, { ...fill, messages: 1, properties: {} });
    await fillQueue(url, queue, fill);
    await pause(PASSED_MS);
    const connection = await Connection.open(url, CALLS_ONLY);
    try {
      const startNs = nowNs();
      await takeOne(connection, queue);
      const limitNs = startNs + patienceMs(fill.messages) * 1e6;
      while ((await queueDepth(connection, queue)) > 0) {
        if (nowNs() > limitNs) throw new Error('the queue did not get rid of its expired messages');
        await pause(LOOK_MS);
      }
      const seconds = (nowNs() - startNs) / 1e9;
      watch?.close();
      return { kind: 'expiring', messages: fill.messages, clearedPerSecond: fill.messages / seconds, ...(watch === undefined ? {} : { othersShare: watch.othersShare }) };
    } finally {
      await connection.close();
    }
  });
}
