/**
 * Delayed messages in numbers: published with confirms, a restart in between, and then read as they fall due, so many a second. Says what
 * the process had in memory while they were published, and how late they came. The default is small; a full run is
 *
 *   LEVERET_DELAYED=5000000 node test/fault/delayed-load.test.ts
 *
 * A delay begins when the broker reads the publish, after it was written here and before its confirm is there: lateness is counted from
 * the first of these, and then from the last. LEVERET_DELAYED_ORDER=rising publishes what is due first first; otherwise the
 * order is random.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Child, startChild } from '../main/support/child.ts';
import type { TestBroker } from '../support/broker.ts';
import { BODY_BYTES, PublishTemplate, readArrivals } from '../support/delayed/delayed-wire.ts';
import { Lateness } from '../support/delayed/lateness.ts';
import { MemoryWatch } from '../support/delayed/process-memory.ts';
import { type RunTimes, runTimes } from '../support/delayed/run-delay.ts';
import type { RawChannel } from '../support/raw-channel.ts';
import { DEADLINE_MS } from '../support/deadline.ts';
import { RawClient } from '../support/raw-client.ts';
import { StallMeter } from '../support/stall-meter.ts';
import { until } from '../support/socket-pair.ts';
import { table } from '../support/raw-table.ts';
import { SeededRandom, runSeed } from '../support/seeded-random.ts';

const ROOT = join(import.meta.dirname, '../..');
const COUNT = Number(process.env['LEVERET_DELAYED'] ?? 20_000);
const RISING = process.env['LEVERET_DELAYED_ORDER'] === 'rising';
/** How much of the due time is read, milliseconds. */
const READ_MS = Number(process.env['LEVERET_DELAYED_READ_MS'] ?? 30_000);
const DUE_A_SECOND = 20_000;
/** Publishes between two waits for their confirms: few enough that the broker reads them at once. */
const BATCH = 1_000;
/** What a new process reads before the messages that count. */
const FIRST_COUNT = 20 * BATCH;
const FIRST_DELAY_MS = 50;
/** Publishing and the restart take so long at most: as many messages a second, and milliseconds. */
const PUBLISHED_A_SECOND = Number(process.env['LEVERET_DELAYED_RATE'] ?? 25_000);
const RESTART_MS = COUNT > 100_000 ? 20_000 : 3_000;
const LOOK_MS = 100;
const GROWTH_MAX_BYTES = 100e6;
/** Only a run of this size or more says something of memory. */
const FULL_COUNT = 1_000_000;
/** What a busy machine must keep. */
const LATE_MAX_MS = 5_000;
/** Two processes read the time from clocks of their own. */
const CLOCKS_APART_MS = 2;

async function during(dataDir: string, body: (broker: TestBroker, child: Child) => Promise<void>): Promise<void> {
  const child = startChild(process.execPath, [join(ROOT, 'bin/leveret.js'), 'start', '--port', '0', '--data-dir', dataDir, '--log-level', 'error']);
  try {
    await child.said('Server startup complete\n');
    const port = Number(/amqp:\/\/127\.0\.0\.1:(\d+)/.exec(child.stdout())?.[1]);
    await body({ url: `amqp://127.0.0.1:${port}`, host: '127.0.0.1', port, user: 'guest', password: 'guest', close: () => Promise.resolve() }, child);
  } finally {
    child.process.kill('SIGTERM');
    await child.ended;
  }
}

function timesText({ ranMs, waitedMs }: RunTimes): string {
  return `ran for ${(ranMs / 1000).toFixed(1)} s of processor time and waited ${(waitedMs / 1000).toFixed(1)} s for one`;
}

async function confirmed(channel: RawChannel, through: number): Promise<void> {
  for (let done = 0; done < through; ) done = Number((await channel.expect('basic.ack')).deliveryTag);
}

async function declareDelayed(channel: RawChannel, queue: string, exchange: string): Promise<void> {
  await channel.call('exchange.declare', { exchange, type: 'x-delayed-message', durable: true, arguments: table({ 'x-delayed-type': ['S', 'fanout'] }) });
  await channel.call('queue.declare', { queue, durable: true });
  await channel.call('queue.bind', { queue, exchange });
}

/**
 * Publishes `count` messages to `exchange`, on a channel whose last confirm had the tag `lastTag`. Answers how long each batch may have
 * been on its way, milliseconds.
 */
async function publish(client: RawClient, channel: RawChannel, exchange: string, count: number, lastTag: number, dueMsOf: (number: number) => number): Promise<readonly number[]> {
  const template = new PublishTemplate(exchange, '');
  const wayMs: number[] = [];
  for (let number = 0; number < count; ) {
    const bytes = Buffer.allocUnsafe(BATCH * template.bytes);
    const nowMs = Date.now();
    let at = 0;
    for (let each = 0; each < BATCH && number < count; each++, number++) {
      const dueMs = dueMsOf(number);
      at = template.write(bytes, at, Math.max(dueMs - nowMs, 1), number, dueMs);
    }
    client.write(bytes.subarray(0, at));
    await confirmed(channel, lastTag + number);
    wayMs.push(Date.now() - nowMs);
  }
  return wayMs;
}

/**
 * Messages that do not count, of an exchange of their own: the broker takes a tenth of a second to read its first batches, and so long
 * nobody knows when their delays begin; and who reads what comes is to be compiled before it counts.
 */
async function warmUp(broker: TestBroker, client: RawClient, channel: RawChannel): Promise<void> {
  await declareDelayed(channel, 'early', 'first');
  let come = 0;
  const stop = await readArrivals(broker, 'early', () => come++);
  await publish(client, channel, 'first', FIRST_COUNT, 0, () => Date.now() + FIRST_DELAY_MS);
  await until(() => come === FIRST_COUNT, 'the first messages came');
  stop();
  await channel.call('exchange.delete', { exchange: 'first' });
  await channel.call('queue.delete', { queue: 'early' });
}

/** As `publish`. */
async function publishAll(broker: TestBroker, dueMsOf: (number: number) => number): Promise<readonly number[]> {
  const client = await RawClient.connect(broker);
  const channel = await client.openChannel();
  await channel.call('confirm.select');
  await warmUp(broker, client, channel);
  await declareDelayed(channel, 'arrived', 'later');
  const wayMs = await publish(client, channel, 'later', COUNT, FIRST_COUNT, dueMsOf);
  await client.close();
  return wayMs;
}

const load = suite('delayed messages in numbers');

load(`${COUNT} of ${BODY_BYTES} bytes wait on the disk, and each comes at its time after a restart`, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'leveret-delayed-load-'));
  const random = new SeededRandom(runSeed());
  const spreadMs = (COUNT / DUE_A_SECOND) * 1000;
  const firstDueMs = Math.ceil(Date.now() + RESTART_MS + (COUNT / PUBLISHED_A_SECOND) * 1000);
  const offsets = Uint32Array.from({ length: COUNT }, (_, number) => (RISING ? (number * 1000) / DUE_A_SECOND : random.below(Math.ceil(spreadMs))));
  let wayMs: readonly number[] = [];
  try {
    await during(dataDir, async (broker, { process: { pid } }) => {
      const watch = new MemoryWatch(pid!, LOOK_MS);
      const beganMs = Date.now();
      wayMs = await publishAll(broker, (number) => firstDueMs + offsets[number]!);
      watch.end();
      process.stdout.write(`published ${COUNT} in ${((Date.now() - beganMs) / 1000).toFixed(1)} s; ${timesText(runTimes(pid!))}; ${watch.text}\n`);
      if (COUNT >= FULL_COUNT) assert.ok(watch.anonMaxBytes - watch.first.anonBytes < GROWTH_MAX_BYTES, watch.text);
    });
    const stoppedMs = Date.now();
    await during(dataDir, async (broker, { process: { pid } }) => {
      process.stdout.write(`ended and started in ${((Date.now() - stoppedMs) / 1000).toFixed(1)} s, ${((firstDueMs - Date.now()) / 1000).toFixed(1)} s before the first is due\n`);
      const watch = new MemoryWatch(pid!, LOOK_MS);
      const lateness = new Lateness();
      const atLeast = new Lateness();
      const seen = new Uint8Array(COUNT);
      const readMs = Math.min(READ_MS, spreadMs);
      const expected = offsets.reduce((sum, offset) => sum + (offset < readMs ? 1 : 0), 0);
      // On a slow machine some are due while the node still runs, or ends: they may come twice, and say so.
      let unmarked = 0;
      // Nothing can come before the node is there again, and nothing while the machine stands still.
      const stalls = new StallMeter();
      const readyMs = Date.now();
      let servedMs = 0;
      const worst: number[] = [];
      const stop = await readArrivals(broker, 'arrived', (number, dueMs, redelivered) => {
        if (seen[number] !== 0) {
          if (!redelivered) unmarked++;
          return;
        }
        seen[number] = 1;
        if (offsets[number]! >= readMs) return;
        const nowMs = Date.now();
        const lateMs = nowMs - dueMs;
        lateness.add(lateMs);
        const onItsWayMs = wayMs[Math.floor(number / BATCH)]!;
        servedMs = Math.max(servedMs, nowMs - Math.max(dueMs + onItsWayMs, readyMs));
        atLeast.add(Math.max(lateMs - onItsWayMs, 0));
        const second = Math.floor(offsets[number]! / 1000);
        worst[second] = Math.max(worst[second] ?? 0, lateMs);
      });
      const lastMs = Math.max(firstDueMs, readyMs) + readMs + LATE_MAX_MS + DEADLINE_MS;
      while (lateness.count < expected && Date.now() < lastMs) await new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS));
      stop();
      watch.end();
      stalls.end();
      process.stdout.write(`counted from the confirm: ${atLeast.text}\n`);
      process.stdout.write(`${lateness.text}; the latest of each second: ${worst.join(' ')}; ${timesText(runTimes(pid!))}; ${watch.text}\n`);
      assert.is(lateness.count, expected);
      assert.is(unmarked, 0);
      assert.ok(lateness.minMs >= -CLOCKS_APART_MS, `one came ${-lateness.minMs} ms early`);
      assert.ok(servedMs - stalls.lostMs < LATE_MAX_MS, lateness.text);
    });
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

load.run();
