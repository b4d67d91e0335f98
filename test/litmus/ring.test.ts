/**
 * Real threads on one ring. Each test has a control: the same test must fail with a ring that is broken on purpose, or its
 * silence would mean nothing.
 */
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RingConsumer } from '../../actors/runtime/ring/ring-consumer.ts';
import { createRing, payloadBytesMax, ringStatistics } from '../../actors/runtime/ring/ring-layout.ts';
import { RingProducer } from '../../actors/runtime/ring/ring-producer.ts';
import { HastyConsumer, LoadChecker, Pause, mixed, putLoad } from './ring-load.ts';
import { KEPT_AGAIN, KEPT_SEQUENCE, KEPT_WORDS, type ReaderOrders } from './ring-kept.ts';
import type { ProducerOrders } from './ring-thread.ts';

const RECORDS = 10_000_000;
/**
 * The run over all records must end within this time, milliseconds: some ten times what it takes when both cores are free. Threads that wait
 * for each other at every record would take many minutes.
 */
const RUN_MS_MAX = 60_000;
/** Small, so that the positions go round thousands of times and the ring is often full and often empty. */
const RING_BYTES = 64 * 1024;
/** Shortly before the positions wrap. */
const FIRST_POSITION = 2 ** 31 - 1024 * 1024;
const KILLS = 40;
/** Records of a length that a producer is likely to be ended in. */
const KILL_RING_BYTES = 64 * 1024;

function startProducer(orders: ProducerOrders): Worker {
  return new Worker(new URL('./ring-thread.ts', import.meta.url), { workerData: orders });
}

/** Reads until `records` are checked. Blocks this thread, as the one that is ended is the other. */
function readAll(consumer: RingConsumer, checker: LoadChecker, records: number, deadlineMs: number): void {
  const pause = new Pause();
  while (checker.records < records) {
    if (consumer.read(checker, 1000) > 0) pause.reset();
    else {
      pause.take();
      if (performance.now() > deadlineMs) throw new Error(`late: ${checker.records} of ${records} records came`);
    }
  }
}

async function stream(records: number, hasty: 'producer' | 'consumer' | 'nobody'): Promise<number> {
  const ring = createRing(RING_BYTES, FIRST_POSITION);
  const lengthMax = payloadBytesMax(RING_BYTES);
  const consumer = hasty === 'consumer' ? new HastyConsumer(ring) : new RingConsumer(ring);
  const checker = new LoadChecker(consumer, lengthMax);
  const startedAtMs = performance.now();
  const worker = startProducer({ ring, records, generation: 0, lengthMax, hasty: hasty === 'producer' });
  try {
    await once(worker, 'online');
    readAll(consumer, checker, records, startedAtMs + 2 * RUN_MS_MAX);
    assert.ok(consumer.empty);
    assert.is(ringStatistics(ring).records, records);
    return performance.now() - startedAtMs;
  } finally {
    await worker.terminate();
  }
}

/** Ends the producer at random moments and lets a new one take over; answers how many were ended in the middle of a record. */
async function killProducers(hasty: boolean, kills: number): Promise<number> {
  const ring = createRing(KILL_RING_BYTES, FIRST_POSITION);
  const lengthMax = payloadBytesMax(KILL_RING_BYTES);
  let consumer = new RingConsumer(ring);
  const checker = new LoadChecker(consumer, lengthMax);
  const claimed = new SharedArrayBuffer(4);
  const pause = new Pause();
  let inRecord = 0;
  for (let generation = 1; generation <= kills; generation += 1) {
    Atomics.store(new Int32Array(claimed), 0, 0);
    const worker = startProducer({ ring, records: RECORDS, generation, lengthMax, hasty, claimed });
    try {
      await once(worker, 'online');
      const enough = checker.records + 1 + ((mixed(generation, kills) >>> 0) % 500);
      while (checker.records < enough) {
        if (consumer.read(checker, 10) > 0) pause.reset();
        else pause.take();
      }
    } finally {
      await worker.terminate();
    }
    inRecord += Atomics.load(new Int32Array(claimed), 0);
    // The other side is taken over as well now and then, with records left in the ring.
    if (generation % 3 === 0) consumer = new RingConsumer(ring);
    else while (consumer.read(checker, 1000) > 0);
  }
  while (consumer.read(checker, 1000) > 0);
  const surplus = ringStatistics(ring).records - checker.records;
  assert.ok(surplus >= 0 && surplus <= kills, `${surplus} records more are counted than came`);
  return inRecord;
}

/**
 * Ends the consumer at random moments and lets a new one take over, while this thread sends. Answers how many records were
 * delivered again. Each reader checks that nothing is missing and that only the record of the dead one comes twice.
 */
async function killConsumers(hasty: boolean, kills: number): Promise<number> {
  const ring = createRing(RING_BYTES, FIRST_POSITION);
  const lengthMax = payloadBytesMax(RING_BYTES);
  const producer = new RingProducer(ring);
  const kept = new Int32Array(new SharedArrayBuffer(4 * KEPT_WORDS));
  kept[KEPT_SEQUENCE] = -1;
  const startedAtMs = performance.now();
  let sequence = 0;
  let failed: Error | undefined;
  const sendUntil = async (seen: () => boolean): Promise<void> => {
    while (!seen()) {
      for (let n = 0; n < 1000 && putLoad(producer, sequence, 0, lengthMax); n += 1) sequence += 1;
      producer.show();
      await setImmediate();
      if (failed !== undefined) throw failed;
      if (performance.now() - startedAtMs > 2 * RUN_MS_MAX) throw new Error('late: the readers do not get on');
    }
  };
  for (let round = 1; round <= kills; round += 1) {
    const enough = kept[KEPT_SEQUENCE]! + 1 + ((mixed(round, kills) >>> 0) % 500);
    const worker = new Worker(new URL('./ring-reader.ts', import.meta.url), {
      workerData: { ring, kept: kept.buffer, lengthMax, hasty } satisfies ReaderOrders,
    });
    worker.on('error', (error) => (failed = error instanceof Error ? error : new Error(String(error))));
    try {
      await sendUntil(() => Atomics.load(kept, KEPT_SEQUENCE) >= enough);
    } finally {
      await worker.terminate();
    }
  }
  if (failed !== undefined) throw failed;
  return kept[KEPT_AGAIN]!;
}

async function failure(run: Promise<unknown>): Promise<string> {
  try {
    await run;
    return 'no failure';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const ring = suite('ring litmus');

ring('ten million records of random sizes arrive whole, once and in order', async () => {
  const tookMs = await stream(RECORDS, 'nobody');
  assert.ok(tookMs < RUN_MS_MAX, `it took ${Math.round(tookMs)} ms`);
});

ring('control: the stream fails when the commit word comes first', async () => {
  assert.match(await failure(stream(RECORDS, 'producer')), /^torn/);
});

ring('control: the stream fails when a record is given free before it is read', async () => {
  assert.match(await failure(stream(RECORDS, 'consumer')), /^torn/);
});

ring('a producer that is ended in the middle of a record shows nothing of it, and the next one goes on', async () => {
  const inRecord = await killProducers(false, KILLS);
  assert.ok(inRecord > KILLS / 10, `only ${inRecord} of ${KILLS} producers were in the middle of a record`);
});

ring('control: the same fails when the commit word comes first', async () => {
  assert.match(await failure(killProducers(true, KILLS)), /^torn/);
});

ring('a consumer that is ended in the middle of a record leaves that one to the next, and loses none', async () => {
  const again = await killConsumers(false, KILLS);
  assert.ok(again > KILLS / 10, `only ${again} of ${KILLS} readers were in the middle of a record`);
});

ring('control: the same fails when a record is given free before it is read', async () => {
  assert.match(await failure(killConsumers(true, KILLS)), /^torn|^lost/);
});

ring.run();
