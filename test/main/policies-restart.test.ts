/** What a queue is asked to keep to holds over a restart: times go on, bytes are known, priorities too. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createBroker } from '../../src/main/index.ts';
import { RawClient } from '../support/raw-client.ts';
import type { RawChannel } from '../support/raw-channel.ts';
import { table } from '../support/raw-table.ts';

const test = suite('limits over a restart');

/** A broker over `dataDir`, and one channel to it. */
async function during(dataDir: string, body: (channel: RawChannel) => Promise<void>): Promise<void> {
  const broker = await createBroker({ dataDir });
  try {
    const { url, host, port } = broker;
    const client = await RawClient.connect({ url, host, port, user: 'guest', password: 'guest', close: () => Promise.resolve() });
    await body(await client.openChannel());
    client.drop();
  } finally {
    await broker.close();
  }
}

async function overRestart(before: (channel: RawChannel) => Promise<void>, after: (channel: RawChannel) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'leveret-limits-'));
  try {
    await during(dataDir, before);
    await during(dataDir, after);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

const KEPT = { exclusive: false, durable: true } as const;

async function publishKept(channel: RawChannel, queue: string, body: string, expiration?: string): Promise<void> {
  channel.publish({ routingKey: queue }, body, { deliveryMode: 2, ...(expiration === undefined ? {} : { expiration }) });
  await channel.expect('basic.ack');
}

test('what expires goes on to do so, without a consumer', async () => {
  let publishedAt = 0;
  await overRestart(
    async (channel) => {
      await channel.queue('own', KEPT);
      await channel.queue('all', { ...KEPT, arguments: table({ 'x-message-ttl': ['I', 3000] }) });
      await channel.call('confirm.select');
      publishedAt = performance.now();
      await publishKept(channel, 'own', 'a', '3000');
      await publishKept(channel, 'own', 'b');
      await publishKept(channel, 'all', 'c');
    },
    async (channel) => {
      await channel.untilReady('own', 1);
      await channel.untilReady('all', 0);
      assert.ok(performance.now() - publishedAt >= 2990, 'not before their time');
      assert.is((await channel.get('own')).text, 'b');
    },
  );
});

test('the bytes of what was there before count', async () => {
  await overRestart(
    async (channel) => {
      await channel.queue('short', { ...KEPT, arguments: table({ 'x-max-length-bytes': ['I', 10] }) });
      await channel.call('confirm.select');
      for (const body of ['aaaa', 'bbb', 'ccc']) await publishKept(channel, 'short', body);
    },
    async (channel) => {
      await channel.call('confirm.select');
      await publishKept(channel, 'short', 'dddd');
      const bodies = [];
      for (let each = 0; each < 3; each++) bodies.push((await channel.get('short')).text);
      assert.equal(bodies, ['bbb', 'ccc', 'dddd']);
      channel.send('basic.get', { queue: 'short', noAck: true });
      await channel.expect('basic.get-empty');
    },
  );
});

test('priorities are known without the contents', async () => {
  const count = 9_000;
  const priorityOf = (index: number): number => (index * 7919) % 13;
  const expected = Array.from({ length: count }, (_, index) => index)
    .filter((index) => index !== 6)
    .sort((a, b) => priorityOf(b) - priorityOf(a) || a - b);
  await overRestart(
    async (channel) => {
      await channel.call('exchange.declare', { exchange: 'both', type: 'fanout', durable: true });
      for (const queue of ['sorted', 'plain']) {
        await channel.queue(queue, queue === 'plain' ? KEPT : { ...KEPT, arguments: table({ 'x-max-priority': ['I', 12] }) });
        await channel.call('queue.bind', { queue, exchange: 'both' });
      }
      await channel.call('confirm.select');
      // Some have a body of their own, others one that two queues share.
      for (let index = 0; index < count; index++) {
        const destination = index % 100 === 0 ? { exchange: 'both', routingKey: '' } : { routingKey: 'sorted' };
        channel.publish(destination, String(index), { deliveryMode: 2, priority: priorityOf(index) });
      }
      for (let confirmed = 0; confirmed < count; ) {
        const { deliveryTag, multiple } = await channel.expect('basic.ack');
        confirmed = multiple ? Number(deliveryTag) : confirmed + 1;
      }
      assert.is((await channel.get('sorted', false)).text, '6');
      channel.send('basic.ack', { deliveryTag: 1 });
      assert.is((await channel.get('sorted', false)).text, '19');
    },
    async (channel) => {
      channel.publish({ routingKey: 'sorted' }, 'late', { deliveryMode: 2, priority: 12 });
      channel.publish({ routingKey: 'sorted' }, 'later', { priority: 200 });
      await channel.untilReady('sorted', count + 1);
      await channel.consume('sorted', { noAck: true });
      const seen = await channel.deliveries(count + 1);
      const [first] = seen;
      assert.equal([first!.text, first!.fields.redelivered], ['19', true]);
      const highest = expected.filter((index) => priorityOf(index) === 12).map(String);
      const lower = expected.filter((index) => priorityOf(index) !== 12).map(String);
      assert.equal(seen.map(({ text }) => text), [...highest, 'late', 'later', ...lower]);
    },
  );
});

/** What the headers of the next message say of how often it came back; 0: nothing. */
async function countOf(channel: RawChannel, queue: string, body: string): Promise<{ readonly count: number; readonly deliveryTag: number }> {
  const { text, fields, properties } = await channel.get(queue, false);
  assert.is(text, body);
  const { headers } = properties;
  if (headers === undefined) return { count: 0, deliveryTag: fields.deliveryTag };
  const count = Number(headers.readBigInt64BE(headers.length - 8));
  assert.equal(headers, table({ 'x-delivery-count': ['l', BigInt(count)] }));
  return { count, deliveryTag: fields.deliveryTag };
}

test('how often a message came back is known, and its limit ends it', async () => {
  await overRestart(
    async (channel) => {
      await channel.queue('limited', { ...KEPT, arguments: table({ 'x-delivery-limit': ['I', 3] }) });
      await channel.call('confirm.select');
      for (const body of ['a', 'b']) await publishKept(channel, 'limited', body);
      for (const count of [0, 1]) {
        const got = await countOf(channel, 'limited', 'a');
        assert.is(got.count, count);
        channel.send('basic.nack', { deliveryTag: got.deliveryTag, requeue: true });
        await channel.untilReady('limited', 2);
      }
      // Held at the end: that counts as well.
      await countOf(channel, 'limited', 'a');
    },
    async (channel) => {
      const { count, deliveryTag } = await countOf(channel, 'limited', 'a');
      assert.is(count, 3);
      assert.is((await countOf(channel, 'limited', 'b')).count, 0);
      channel.send('basic.nack', { deliveryTag, requeue: true });
      await channel.untilReady('limited', 0);
      await channel.quiet('limited');
    },
  );
});

test('what waited for its next delivery does not wait any more', async () => {
  await overRestart(
    async (channel) => {
      const args = { 'x-delayed-retry-type': ['S', 'all'], 'x-delayed-retry-min': ['I', 3_600_000] } as const;
      await channel.queue('retried', { ...KEPT, arguments: table(args) });
      await channel.call('confirm.select');
      for (const body of ['a', 'b']) await publishKept(channel, 'retried', body);
      channel.send('basic.nack', { deliveryTag: (await countOf(channel, 'retried', 'a')).deliveryTag, requeue: true });
      await channel.untilReady('retried', 1);
      await channel.quiet('retried');
    },
    async (channel) => {
      await channel.untilReady('retried', 2);
      assert.is((await countOf(channel, 'retried', 'a')).count, 1);
      assert.is((await countOf(channel, 'retried', 'b')).count, 0);
    },
  );
});

test('an exchange that remembers is there and has forgotten', async () => {
  await overRestart(
    async (channel) => {
      await channel.call('exchange.declare', { exchange: 'news', type: 'x-recent-history', durable: true });
      await channel.call('confirm.select');
      channel.publish({ exchange: 'news', routingKey: '' }, 'old', { deliveryMode: 2 });
      await channel.expect('basic.ack');
    },
    async (channel) => {
      await channel.call('confirm.select');
      channel.publish({ exchange: 'news', routingKey: '' }, 'new', { deliveryMode: 2 });
      await channel.expect('basic.ack');
      await channel.queue('late', KEPT);
      await channel.call('queue.bind', { queue: 'late', exchange: 'news' });
      const { text, fields } = await channel.get('late');
      assert.equal([text, fields.messageCount], ['new', 0]);
      await channel.call('exchange.delete', { exchange: 'news' });
    },
  );
});

test.run();
