/** Delayed messages in numbers that do not fit the memory for them, and over restarts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HELD_MESSAGES_MAX } from '../../actors/delay/timeline-actor.ts';
import { createBroker } from '../../src/main/index.ts';
import { inspectDataDirectory } from '../../src/main/inspection/inspection.ts';
import type { RawChannel } from '../support/raw-channel.ts';
import { RawClient } from '../support/raw-client.ts';
import { table } from '../support/raw-table.ts';
import { TOO_LATE, timely } from '../support/timely.ts';

/** So many publishes are on their way at once. */
const BATCH = 1_000;
/** Threads round their clocks. */
const CLOCK_MS = 2;
/** The latest message of the longest attempt comes within the deadline of a delivery. */
const SCALE_MAX = 7;

const test = suite('delayed messages');

async function during<T>(dataDir: string, body: (channel: RawChannel, client: RawClient) => Promise<T>): Promise<T> {
  const broker = await createBroker({ dataDir });
  try {
    const { url, host, port } = broker;
    const client = await RawClient.connect({ url, host, port, user: 'guest', password: 'guest', close: () => Promise.resolve() });
    const channel = await client.openChannel();
    await channel.call('exchange.declare', { exchange: 'later', type: 'x-delayed-message', durable: true, arguments: table({ 'x-delayed-type': ['S', 'direct'] }) });
    await channel.call('queue.declare', { queue: 'q', durable: true });
    await channel.call('queue.bind', { queue: 'q', exchange: 'later', routingKey: 'k' });
    const result = await body(channel, client);
    client.drop();
    return result;
  } finally {
    await broker.close();
  }
}

async function inFolder<T>(body: (dataDir: string) => Promise<T>): Promise<T> {
  const dataDir = await mkdtemp(join(tmpdir(), 'leveret-later-'));
  try {
    return await body(dataDir);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

function publish(channel: RawChannel, body: string, delayMs: number, deliveryMode = 2): void {
  channel.publish({ exchange: 'later', routingKey: 'k' }, body, { deliveryMode, headers: table({ 'x-delay': ['I', delayMs] }) });
}

async function confirmed(channel: RawChannel, count: number): Promise<void> {
  for (let done = 0; done < count; ) {
    const { deliveryTag, multiple } = await channel.expect('basic.ack');
    done = multiple ? Number(deliveryTag) : done + 1;
  }
}

test('more than memory keeps come in the order of their time, and so do those that come late and are due soon', async () => {
  await inFolder((dataDir) =>
    during(dataDir, async (channel, client) => {
      const count = HELD_MESSAGES_MAX + 10_000;
      const consuming = await client.openChannel(2);
      await consuming.consume('q', { noAck: true });
      // Due at moments of 16 ms from one point on, in an order that is none: what is due last comes in the middle.
      const dueAt = Date.now() + 6_000;
      const delays = Array.from({ length: count }, (_, n) => Math.max(1, dueAt + ((n * 37) % 50) * 16 - Date.now()));
      // The broker's clock starts a delay when it reads the publish: between its sending and an answer to what was sent after it.
      const earliest: number[] = [];
      const latest: number[] = [];
      for (let n = 0; n < count; n += BATCH) {
        const batch = delays.slice(n, n + BATCH);
        for (const [index, delayMs] of batch.entries()) {
          earliest.push(Date.now() + delayMs);
          publish(channel, String(n + index), delayMs, 1);
        }
        await channel.call('queue.declare', { queue: 'q', passive: true });
        const readAt = Date.now();
        for (const delayMs of batch) latest.push(readAt + delayMs + CLOCK_MS);
      }
      publish(channel, 'soon', 1);
      await channel.call('queue.declare', { queue: 'q', passive: true });
      const isFirst = Date.now() < dueAt - 1_000;
      const seen = new Set<number>();
      let isSoonSeen = false;
      let reached = 0;
      while (seen.size < count) {
        const { text } = await consuming.delivery();
        if (text === 'soon') {
          isSoonSeen = true;
          assert.ok(!isFirst || seen.size < count / 2, `after ${seen.size} that were published before it`);
          continue;
        }
        const n = Number(text);
        assert.ok(latest[n]! >= reached, `message ${n} came ${reached - latest[n]!} ms behind one that was due later`);
        reached = Math.max(reached, earliest[n]!);
        seen.add(n);
      }
      assert.ok(isSoonSeen);
    }),
  );
});

test('a restart in order: persistent messages go on waiting, what is due meanwhile comes at the start, nothing comes twice', async () => {
  const overRestart = (number: number): Promise<void | typeof TOO_LATE> => inFolder(async (dataDir) => {
    // More time with each attempt: what is to come later must not come before the restart.
    const scale = Math.min(1 + number, SCALE_MAX);
    const [sooner, later] = [2_000 * scale, 3_000 * scale];
    const sinceMs = performance.now();
    const isLate = await during(dataDir, async (channel) => {
      await channel.call('confirm.select');
      publish(channel, 'came', 1);
      for (const [body, delayMs] of [['later', later], ['soon', 30], ['never', 86_400_000]] as const) publish(channel, body, delayMs);
      publish(channel, 'transient', 30, 1);
      publish(channel, 'transient', sooner, 1);
      await confirmed(channel, 6);
      while ((await channel.call('queue.declare', { queue: 'q', passive: true })).messageCount < 3);
      const { messageCount } = await channel.call('queue.purge', { queue: 'q' });
      if (performance.now() - sinceMs >= sooner) return true;
      assert.is(messageCount, 3);
      publish(channel, 'meanwhile', 150);
      await channel.expect('basic.ack');
      return false;
    });
    // What was to come after the restart came before it.
    if (isLate || performance.now() - sinceMs >= later) return TOO_LATE;
    const outcome = inspectDataDirectory(dataDir);
    if ('problem' in outcome) throw new Error(outcome.problem);
    const looked = outcome.inspection;
    const { id } = looked.definitions.queues.find(({ name }) => name === 'amq.delayed.later')!;
    const { messages, damage } = looked.stored.get(id)!;
    assert.ok(messages === 2 || messages === 3, `${messages} wait`);
    assert.is(damage, null);
    await during(dataDir, async (channel) => {
      await channel.consume('q', { noAck: true });
      const arrived = await channel.deliveries(2);
      assert.equal(arrived.map(({ text }) => text), ['meanwhile', 'later']);
      assert.equal(arrived.map(({ fields }) => fields.redelivered), [false, false]);
      await channel.quiet('q');
    });
    return undefined;
  });
  await timely(overRestart);
});

test('a delayed exchange that is not durable takes what it holds back along', async () => {
  await inFolder(async (dataDir) => {
    const declared = { exchange: 'passing', type: 'x-delayed-message', arguments: table({ 'x-delayed-type': ['S', 'fanout'] }) };
    await during(dataDir, async (channel) => {
      await channel.call('exchange.declare', declared);
      await channel.call('confirm.select');
      channel.publish({ exchange: 'passing', routingKey: '' }, 'gone', { deliveryMode: 2, headers: table({ 'x-delay': ['I', 500] }) });
      await channel.expect('basic.ack');
    });
    await during(dataDir, async (channel) => {
      await channel.call('exchange.declare', declared);
      await channel.call('queue.bind', { queue: 'q', exchange: 'passing' });
      await channel.call('confirm.select');
      channel.publish({ exchange: 'passing', routingKey: '' }, 'new', { deliveryMode: 2, headers: table({ 'x-delay': ['I', 700] }) });
      await channel.expect('basic.ack');
      await channel.consume('q', { noAck: true });
      assert.is((await channel.delivery()).text, 'new');
    });
  });
});

test.run();
