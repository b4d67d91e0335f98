/** How fast messages that nobody takes in time come out as dead letters. */
import { nowNs } from '../client/clock.ts';
import { BUSY_RECEIVE_BYTES, CALLS_ONLY, Connection } from '../client/connection.ts';
import { fillQueue, patienceMs } from '../client/fill.ts';
import { declareLayout, deleteLayout, layOut } from '../client/layout.ts';
import { subscribe } from '../client/queue-calls.ts';
import { PLAIN_LOAD } from '../scenario/load.ts';
import type { DeadLetterScenario } from '../scenario/scenario.ts';
import { MachineWatch } from './machine-watch.ts';
import type { Target } from './target.ts';

export type DeadLetterFigures = {
  readonly kind: 'dead-letter';
  readonly messages: number;
  /** From the first publish to the last dead letter, without the time that each message had to wait anyway. */
  readonly arrivedPerSecond: number;
  readonly othersShare?: number;
};

/**
 * A flood without end would be measured in the moment at which it stands still: all of its first second expires in the next, and
 * publishers are held back until that is gone. So it is so many messages, from the first publish to the last arrival.
 */
export async function measureDeadLetters({ fill, ttlMs }: DeadLetterScenario, { url, pid }: Target): Promise<DeadLetterFigures> {
  const control = await Connection.open(url, CALLS_ONLY);
  const layout = layOut({ ...PLAIN_LOAD, topology: 'expired', queueArguments: { 'x-message-ttl': ttlMs } });
  const watch = pid === undefined ? undefined : new MachineWatch(pid);
  let consumer: Connection | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    await declareLayout(control, layout);
    const { promise: endNs, resolve, reject } = Promise.withResolvers<number>();
    // It may fail while the queue is still being filled; that must not end the process.
    endNs.catch(() => undefined);
    consumer = await Connection.open(url, {
      receiveBytes: BUSY_RECEIVE_BYTES,
      scanned: () => {
        if (consumer !== undefined && consumer.scanner.deliveries >= fill.messages) resolve(nowNs());
      },
      failed: reject,
    });
    await subscribe(consumer, layout.subscriptions[0]?.queues[0] ?? '', true, 0);
    const giveUp = (): void => reject(new Error(`${consumer?.scanner.deliveries} of ${fill.messages} dead letters arrived within ${patienceMs(fill.messages) / 1_000} s`));
    timer = setTimeout(giveUp, patienceMs(fill.messages));
    const startNs = nowNs();
    await fillQueue(url, layout.routes[0]?.routingKey ?? '', fill);
    const seconds = ((await endNs) - startNs) / 1e9 - ttlMs / 1_000;
    watch?.close();
    return { kind: 'dead-letter', messages: fill.messages, arrivedPerSecond: fill.messages / seconds, ...(watch === undefined ? {} : { othersShare: watch.othersShare }) };
  } finally {
    clearTimeout(timer);
    consumer?.drop();
    await deleteLayout(control, layout);
    await control.close();
  }
}
