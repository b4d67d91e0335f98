/**
 * One side of a load, in a process of its own: all its producers or all its consumers. It opens them, starts on a signal, and
 * counts what passes during the window. Started by fork only; its orders come over the process channel.
 */
import { callAt, nowNs } from './clock.ts';
import { Consumer, type LatencyWindow } from './consumer.ts';
import { createHistogram, encodeHistogram } from './latency.ts';
import type { Notice, Order, Window } from './orders.ts';
import { Pacer, sleepUntilNear, spinUntil } from './pacer.ts';
import { Producer } from './producer.ts';

/** How many overdue messages leave in one write after a stall. */
const CATCH_UP_LIMIT = 500;

type OpenOrder = Extract<Order, { kind: 'open' }>;

type Side = {
  readonly total: () => number;
  readonly confirmed: () => number;
  /** Begins to send at the window's start; consumers always receive. */
  readonly run: (window: Window) => void;
  readonly finish: () => string;
};

function tell(notice: Notice): void {
  process.send?.(notice);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

async function openConsumers({ url, queues, load }: OpenOrder): Promise<Side> {
  const latency: LatencyWindow | undefined =
    load.ratePerSecond === undefined ? undefined : { histogram: createHistogram(), fromNs: Infinity, toNs: Infinity };
  const consumers: Consumer[] = [];
  for (let index = 0; index < load.consumers; index += 1) {
    consumers.push(await Consumer.open(url, queues[index % queues.length] as string, { ...load, latency }));
  }
  return {
    total: () => sum(consumers.map(({ received }) => received)),
    confirmed: () => 0,
    run: ({ fromNs, toNs }) => {
      if (latency !== undefined) Object.assign(latency, { fromNs, toNs });
    },
    finish: () => {
      for (const consumer of consumers) consumer.drop();
      return encodeHistogram(latency?.histogram ?? createHistogram());
    },
  };
}

/**
 * Sends what the schedule asks for, turn by turn, until it is over. The thread sleeps right after a write and the event loop
 * gets its turn after the sleep: the kernel often wakes the broker on the writer's core, and there it can run only once the
 * writer rests.
 */
async function keepPace(producers: readonly Producer[], pacer: Pacer): Promise<void> {
  let taken: Promise<void> = Promise.resolve();
  for (let turn = 0; ; turn += 1) {
    const nextNs = pacer.nextNs;
    if (nextNs === undefined) return;
    for (let near = false; !near; ) {
      near = sleepUntilNear(nextNs);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await taken;
    spinUntil(nextNs);
    taken = (producers[turn % producers.length] as Producer).sendStamped(pacer.take(nowNs(), CATCH_UP_LIMIT));
  }
}

async function openProducers({ url, queues, load }: OpenOrder): Promise<Side> {
  const producers: Producer[] = [];
  for (let index = 0; index < load.producers; index += 1) {
    producers.push(await Producer.open(url, queues[index % queues.length] as string, load));
  }
  return {
    total: () => sum(producers.map(({ sent }) => sent)),
    confirmed: () => sum(producers.map(({ confirmed }) => confirmed)),
    run: ({ startNs, toNs }) => {
      if (load.ratePerSecond === undefined) {
        callAt(startNs, () => producers.forEach((producer) => producer.start()));
        callAt(toNs, () => producers.forEach((producer) => producer.stop()));
      } else {
        const pacer = new Pacer(startNs, toNs, load.ratePerSecond);
        callAt(startNs, () => void keepPace(producers, pacer).catch(fail));
      }
    },
    finish: () => {
      for (const producer of producers) producer.drop();
      return encodeHistogram(createHistogram());
    },
  };
}

/** Reads the counter at both ends of the window and divides by the time that really lay between the two readings. */
function countWindow(side: Side, { fromNs, toNs }: Window): void {
  callAt(fromNs, () => {
    const begunNs = nowNs();
    const before = side.total();
    callAt(toNs, () => {
      const seconds = (nowNs() - begunNs) / 1e9;
      tell({ kind: 'counted', messages: side.total() - before, seconds });
    });
  });
}

function fail(error: unknown): void {
  tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
}

let side: Side | undefined;

async function obey(order: Order): Promise<void> {
  if (order.kind === 'open') {
    side = await (order.role === 'producers' ? openProducers(order) : openConsumers(order));
    tell({ kind: 'opened' });
    return;
  }
  if (side === undefined) throw new Error(`${order.kind} before open`);
  if (order.kind === 'run') {
    countWindow(side, order.window);
    side.run(order.window);
  } else if (order.kind === 'total') tell({ kind: 'total', messages: side.total(), confirmed: side.confirmed() });
  else tell({ kind: 'finished', histogram: side.finish() });
}

process.on('message', (order: Order) => void obey(order).catch(fail));
process.on('uncaughtException', fail);
// The conductor is gone: nobody is left to report to.
process.on('disconnect', () => process.exit());
