/** All producers of a load. */
import type { Load } from '../scenario/load.ts';
import { addressOf } from './addresses.ts';
import { callAt, nowNs, pause } from './clock.ts';
import { createHistogram, encodeHistogram, recordLatency } from './latency.ts';
import { routesOf } from './layout.ts';
import type { Plan, Window } from './orders.ts';
import { Pacer, Sleep, spinUntil } from './pacer.ts';
import { Producer, type ReturnCounter } from './producer.ts';
import type { Side } from './side-role.ts';
import { keepPaces, shareOf } from './staggered-pace.ts';

/** How many overdue messages leave in one write after a stall. */
const CATCH_UP_LIMIT = 500;
/** How often producers without room for another publish are asked again, ms. */
const ROOM_STEP_MS = 1;
/** A timer of the event loop is late by up to so much. */
const TIMER_SLACK_NS = 3_000_000;

/** Who still has messages to send, in turn. One turn is a few numbers, and no object: garbage would be counted as latency. */
class Turns {
  readonly #left: number[];
  readonly #producers: readonly Producer[];
  #chosen = -1;
  /** How many the chosen one may send. */
  room = 0;

  constructor(producers: readonly Producer[], messagesEach: number) {
    this.#producers = producers;
    this.#left = producers.map(() => messagesEach);
  }

  /** The next producer that may send; undefined: none has room now, or all are done. */
  choose(): Producer | undefined {
    for (let tried = 1; tried <= this.#producers.length; tried += 1) {
      const index = (this.#chosen + tried) % this.#producers.length;
      const producer = this.#producers[index] as Producer;
      this.room = Math.min(producer.room, this.#left[index] as number, CATCH_UP_LIMIT);
      if (this.room === 0) continue;
      this.#chosen = index;
      return producer;
    }
    return undefined;
  }

  /** The chosen one sends so many. */
  spend(count: number): void {
    (this.#left[this.#chosen] as number) -= count;
  }

  get over(): boolean {
    return this.#left.every((left) => left === 0);
  }
}

/**
 * Sends what the schedule asks for, turn by turn, until it is over. The thread sleeps right after a write and the event loop
 * gets its turn after the sleep: the kernel often wakes the broker on the writer's core, and there it can run only once the
 * writer rests.
 */
async function keepPace(turns: Turns, pacer: Pacer, isListening: boolean): Promise<void> {
  const sleep = new Sleep();
  let taken: Promise<void> = Promise.resolve();
  while (!turns.over) {
    const nextNs = pacer.nextNs;
    if (nextNs === undefined) return;
    if (isListening) await waitAwake(nextNs);
    for (let near = isListening; !near; ) {
      near = sleep.untilNear(nextNs, pacer.intervalNs);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await taken;
    const producer = turns.choose();
    if (producer === undefined) {
      await pause(ROOM_STEP_MS);
      continue;
    }
    spinUntil(nextNs);
    const times = pacer.take(nowNs(), turns.room);
    turns.spend(times.length);
    taken = producer.sendStamped(times);
  }
}

/** Waits without blocking: where the time to each confirm counts, a sleeping thread would be counted as the broker's. */
async function waitAwake(untilNs: number): Promise<void> {
  for (let leftNs = untilNs - nowNs(); leftNs > 0; leftNs = untilNs - nowNs()) {
    if (leftNs > TIMER_SLACK_NS) await pause(Math.floor((leftNs - TIMER_SLACK_NS) / 1e6) + 1);
    else await new Promise((resolve) => setImmediate(resolve));
  }
}

function changeSizes(producers: readonly Producer[], { sizeSteps = [] }: Load, startNs: number): void {
  let atNs = startNs;
  const change = (index: number): void => {
    const step = sizeSteps[index % sizeSteps.length];
    if (step === undefined) return;
    for (const producer of producers) producer.resize(step.value);
    atNs += step.seconds * 1e9;
    callAt(atNs, () => change(index + 1));
  };
  change(0);
}

export async function openProducers(urls: readonly string[], { load, layout }: Plan, fail: (error: unknown) => void): Promise<Side> {
  const channels = load.producerChannels ?? 1;
  const confirmLatency = createHistogram();
  let hear: ((latencyNs: number) => void) | undefined;
  const confirmedAfter = (latencyNs: number): void => {
    recordLatency(confirmLatency, latencyNs);
    hear?.(latencyNs);
  };
  const hearsConfirms = load.timed === true && load.outstandingLimit !== undefined;
  const counter: ReturnCounter = { returned: 0 };
  const producers: Producer[] = [];
  for (let index = 0; index < load.producers; index += 1) {
    const routes = Array.from({ length: channels }, (_, nth) => routesOf(layout.routes, index * channels + nth, load.producers * channels));
    const options = { ...load, confirmedAfter: hearsConfirms ? confirmedAfter : undefined };
    producers.push(...(await Producer.openAll(addressOf(urls, index, load.allocation), routes, options, counter)));
  }
  const sum = (read: (producer: Producer) => number): number => producers.reduce((total, producer) => total + read(producer), 0);
  const each = load.messagesPerProducer ?? Infinity;
  const rate = load.rateSteps ?? load.ratePerSecond;
  const pacers: Pacer[] = [];
  const pacerOf = (...schedule: ConstructorParameters<typeof Pacer>): Pacer => {
    const pacer = new Pacer(...schedule);
    pacers.push(pacer);
    return pacer;
  };
  return {
    total: () => sum(({ sent }) => sent),
    confirmed: () => sum(({ confirmed }) => confirmed),
    refused: () => sum(({ refused }) => refused),
    returned: () => counter.returned,
    timed: hearsConfirms,
    hear: (listener) => {
      hear = listener;
    },
    isDone: () => load.messagesPerProducer !== undefined && producers.every(({ sent, outstanding }) => sent >= each && outstanding === 0),
    heat: (startNs, toNs) => {
      callAt(startNs, () => producers.forEach((producer) => producer.start()));
      callAt(toNs, () => producers.forEach((producer) => producer.stop()));
    },
    run: ({ startNs, toNs }: Window) => {
      if (load.sizeSteps !== undefined) callAt(startNs, () => changeSizes(producers, load, startNs));
      const delaysNs = producers.map(() => Math.random() * (load.producerStartDelaySeconds ?? 0) * 1e9);
      if (load.producerStartDelaySeconds !== undefined && rate !== undefined) {
        const schedules = producers.map((producer, index) => ({ producer, left: each, pacer: pacerOf(startNs + (delaysNs[index] as number), toNs, shareOf(rate, producers.length)) }));
        callAt(startNs, () => void keepPaces(schedules).catch(fail));
      } else if (rate === undefined) {
        producers.forEach((producer, index) => callAt(startNs + (delaysNs[index] as number), () => producer.start(each)));
        if (Number.isFinite(toNs)) callAt(toNs, () => producers.forEach((producer) => producer.stop()));
      } else {
        const turns = new Turns(producers, each);
        callAt(startNs, () => void keepPace(turns, pacerOf(startNs, toNs, rate), hearsConfirms).catch(fail));
      }
    },
    finish: async () => {
      for (const sender of [...producers, ...pacers]) sender.stop();
      if (load.farewellMs !== undefined) await Promise.race([takeLeave(producers), pause(load.farewellMs)]);
      for (const producer of producers) producer.drop();
      return encodeHistogram(confirmLatency);
    },
  };
}

/** The end of a connection may be faster than what was published on it last. */
async function takeLeave(producers: readonly Producer[]): Promise<void> {
  for (const producer of producers) await producer.caughtUp();
}
