/** x-message-ttl and `expiration`: what has waited too long is never delivered, and goes when it is at the head. */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { dyingTo, expired } from '../../support/dead-letters.ts';
import { freshName } from '../../support/fresh-name.ts';
import type { RawChannel } from '../../support/raw-channel.ts';
import type { RawProperties } from '../../support/raw-properties.ts';
import { table } from '../../support/raw-table.ts';
import { TOO_LATE, timely } from '../../support/timely.ts';

const { test, run } = conversation('message ttl');

const LONG = '60000';

function queueOf(channel: RawChannel, ttlMs?: number): Promise<string> {
  return channel.queue(freshName('ttl'), ttlMs === undefined ? {} : { arguments: table({ 'x-message-ttl': ['I', ttlMs] }) });
}

/** A queue whose messages are heard of when they have expired: they go to `grave`. */
async function mortal(channel: RawChannel, ttlMs?: number): Promise<{ readonly queue: string; readonly grave: string }> {
  const grave = await channel.queue(freshName('grave'));
  return { queue: await dyingTo(channel, grave, ttlMs === undefined ? {} : { 'x-message-ttl': ['I', ttlMs] }), grave };
}

/** Publishes a message that lives for `ttlMs`, and waits for its end. */
async function livesFor(channel: RawChannel, ttlMs: number, { queue, grave }: { readonly queue: string; readonly grave: string }, properties: RawProperties = {}): Promise<void> {
  const sinceMs = performance.now();
  channel.publish({ routingKey: queue }, 'a', properties);
  assert.is((await expired(channel, grave, queue, { sinceMs, ttlMs })).text, 'a');
}

/** Talks with the broker until so many milliseconds have passed since everything before was done. */
async function passes(channel: RawChannel, ms: number): Promise<void> {
  const queue = await queueOf(channel);
  channel.publish({ routingKey: queue }, 'the last before');
  await channel.untilReady(queue, 1);
  const until = performance.now() + ms;
  while (performance.now() < until) await channel.call('queue.declare', { queue, passive: true });
}

test('a message of a queue with a time goes when it is over', async ({ channel }) => {
  const dying = await mortal(channel, 300);
  await livesFor(channel, 300, dying);
  channel.send('basic.get', { queue: dying.queue, noAck: true });
  await channel.expect('basic.get-empty');
});

test('a message with a time of its own goes when it is over', async ({ channel }) => {
  await livesFor(channel, 300, await mortal(channel), { expiration: '300' });
});

test('what has time left stays', async ({ channel }) => {
  const queue = await queueOf(channel, 60_000);
  channel.publish({ routingKey: queue }, 'a');
  channel.publish({ routingKey: queue }, 'b', { expiration: LONG });
  await passes(channel, 40);
  assert.is((await channel.get(queue)).text, 'a');
  assert.is((await channel.get(queue)).text, 'b');
});

test('what stood behind a message that is got, and has expired, does not count any more', async ({ channel }) => {
  const queue = await queueOf(channel);
  channel.publish({ routingKey: queue }, 'a');
  channel.publish({ routingKey: queue }, 'b', { expiration: '20' });
  channel.publish({ routingKey: queue }, 'c');
  await channel.untilReady(queue, 3);
  await passes(channel, 40);
  const { text, fields } = await channel.get(queue);
  assert.equal([text, fields.messageCount], ['a', 1]);
});

test('the smaller time counts: that of the queue', async ({ channel }) => {
  await livesFor(channel, 300, await mortal(channel, 300), { expiration: LONG });
});

test('the smaller time counts: that of the message', async ({ channel }) => {
  await livesFor(channel, 300, await mortal(channel, 60_000), { expiration: '300' });
});

test('each queue has its own time for the same message', async ({ channel }) => {
  const exchange = freshName('fan');
  await channel.call('exchange.declare', { exchange, type: 'fanout', autoDelete: true });
  const { queue: short, grave } = await mortal(channel, 300);
  const long = await queueOf(channel, 60_000);
  const none = await queueOf(channel);
  for (const queue of [short, long, none]) await channel.call('queue.bind', { queue, exchange });
  const sinceMs = performance.now();
  channel.publish({ exchange, routingKey: '' }, 'a');
  await expired(channel, grave, short, { sinceMs, ttlMs: 300 });
  assert.is((await channel.get(long)).text, 'a');
  assert.is((await channel.get(none)).text, 'a');
});

test('what has expired behind a head that has not stays counted', async ({ channel }) => {
  const queue = await queueOf(channel);
  channel.publish({ routingKey: queue }, 'a', { expiration: LONG });
  channel.publish({ routingKey: queue }, 'b', { expiration: '1' });
  await passes(channel, 50);
  await channel.untilReady(queue, 2);
});

test('what has expired behind the head goes with the head', async ({ channel }) => {
  const queue = await queueOf(channel);
  channel.publish({ routingKey: queue }, 'a');
  channel.publish({ routingKey: queue }, 'b', { expiration: '1' });
  channel.publish({ routingKey: queue }, 'c', { expiration: '1' });
  channel.publish({ routingKey: queue }, 'd');
  await passes(channel, 50);
  assert.is((await channel.get(queue)).text, 'a');
  await channel.untilReady(queue, 1);
  assert.is((await channel.get(queue)).text, 'd');
});

test('a consumer gets nothing that has expired', async ({ channel }) => {
  const queue = await queueOf(channel);
  channel.publish({ routingKey: queue }, 'a');
  channel.publish({ routingKey: queue }, 'b', { expiration: '1' });
  channel.publish({ routingKey: queue }, 'c');
  // The times of all three have begun.
  await channel.untilReady(queue, 3);
  await passes(channel, 50);
  await channel.consume(queue, { noAck: true });
  assert.is((await channel.delivery()).text, 'a');
  assert.is((await channel.delivery()).text, 'c');
  await channel.quiet(queue);
});

test('a message that may not wait is delivered to a consumer that can take it', async ({ channel }) => {
  const queue = await queueOf(channel, 0);
  await channel.consume(queue, { noAck: true });
  for (const body of ['a', 'b']) channel.publish({ routingKey: queue }, body);
  assert.is((await channel.delivery()).text, 'a');
  assert.is((await channel.delivery()).text, 'b');
});

test('a message that may not wait is gone when nobody takes it', async ({ channel }) => {
  const queue = await queueOf(channel, 0);
  channel.publish({ routingKey: queue }, 'a');
  await channel.consume(queue, { noAck: true });
  await channel.quiet(queue);
});

test('a message that may not wait is gone when the consumer is full', async ({ channel }) => {
  const queue = await queueOf(channel);
  await channel.call('basic.qos', { prefetchCount: 1 });
  await channel.consume(queue);
  await channel.call('confirm.select');
  channel.publish({ routingKey: queue }, 'a', { expiration: '0' });
  const names = [(await channel.inbox.take('one')).name, (await channel.inbox.take('the other')).name].sort();
  assert.equal(names, ['basic.ack', 'basic.deliver']);
  channel.publish({ routingKey: queue }, 'b', { expiration: '0' });
  assert.is((await channel.expect('basic.ack')).deliveryTag, 2);
  channel.send('basic.ack', { deliveryTag: 1 });
  await channel.quiet(queue);
});

test('one that may not wait waits behind another', async ({ channel }) => {
  const queue = await queueOf(channel);
  channel.publish({ routingKey: queue }, 'a');
  channel.publish({ routingKey: queue }, 'b', { expiration: '0' });
  await channel.untilReady(queue, 2);
  assert.is((await channel.get(queue)).text, 'a');
  await channel.untilReady(queue, 0);
});

test('what is unsettled does not expire', async ({ channel }) => {
  const queue = await queueOf(channel, 20);
  // Delivered when it comes, before any time can pass.
  await channel.consume(queue);
  channel.publish({ routingKey: queue }, 'a');
  const { fields } = await channel.delivery();
  await passes(channel, 60);
  channel.send('basic.ack', { deliveryTag: fields.deliveryTag });
  await channel.quiet(queue);
});

test('what comes back after its time is gone', async ({ channel }) => {
  const queue = await queueOf(channel, 20);
  await channel.consume(queue);
  channel.publish({ routingKey: queue }, 'a');
  const { fields } = await channel.delivery();
  await passes(channel, 60);
  channel.send('basic.reject', { deliveryTag: fields.deliveryTag, requeue: true });
  await channel.quiet(queue);
});

test('what comes back within its time is there, and its time is not a new one', async ({ channel }) => {
  const ttlMs = 1500;
  await timely(async () => {
    const { queue, grave } = await mortal(channel, ttlMs);
    const consumerTag = await channel.consume(queue);
    const sinceMs = performance.now();
    channel.publish({ routingKey: queue }, 'a');
    const { fields } = await channel.delivery();
    await channel.call('basic.cancel', { consumerTag });
    await passes(channel, 900);
    const backSinceMs = performance.now();
    channel.send('basic.nack', { deliveryTag: fields.deliveryTag, requeue: true });
    await expired(channel, grave, queue, { sinceMs, ttlMs });
    // Had its time begun anew, every attempt would take so long.
    return performance.now() - backSinceMs < ttlMs ? undefined : TOO_LATE;
  });
});

test('a message that expires is confirmed', async ({ channel }) => {
  const queue = await queueOf(channel, 0);
  await channel.call('confirm.select');
  channel.publish({ routingKey: queue }, 'a', { deliveryMode: 2 });
  assert.is((await channel.expect('basic.ack')).deliveryTag, 1);
});

test('the time of what a transaction publishes begins with its commit', async ({ channel, client }) => {
  const { queue, grave } = await mortal(channel, 300);
  await channel.call('tx.select');
  channel.publish({ routingKey: queue }, 'a');
  await passes(await client.openChannel(2), 350);
  const sinceMs = performance.now();
  await channel.call('tx.commit');
  await expired(channel, grave, queue, { sinceMs, ttlMs: 300 });
});

test('a consumer sees the expiration that the publisher set', async ({ channel }) => {
  const queue = await queueOf(channel, 60_000);
  channel.publish({ routingKey: queue }, 'a', { expiration: LONG });
  assert.is((await channel.get(queue)).properties.expiration, LONG);
});

test('many messages expire together', async ({ channel }) => {
  const { queue, grave } = await mortal(channel, 300);
  for (let each = 0; each < 3000; each++) channel.publish({ routingKey: queue }, 'x');
  await channel.untilReady(grave, 3000);
  await channel.untilReady(queue, 0);
});

run();
