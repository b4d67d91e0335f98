/** x-message-ttl and `expiration`: what has waited too long is never delivered, and goes when it is at the head. */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { freshName } from '../../support/fresh-name.ts';
import type { RawChannel } from '../../support/raw-channel.ts';
import { table } from '../../support/raw-table.ts';

const { test, run } = conversation('message ttl');

const LONG = '60000';

function queueOf(channel: RawChannel, ttlMs?: number): Promise<string> {
  return channel.queue(freshName('ttl'), ttlMs === undefined ? {} : { arguments: table({ 'x-message-ttl': ['I', ttlMs] }) });
}

/** The message arrives and goes. Both are waited for: a queue may tell its count before it takes what was published. */
async function comesAndGoes(channel: RawChannel, queue: string): Promise<void> {
  await channel.untilReady(queue, 1);
  await channel.untilReady(queue, 0);
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
  const queue = await queueOf(channel, 300);
  channel.publish({ routingKey: queue }, 'a');
  await comesAndGoes(channel, queue);
  channel.send('basic.get', { queue, noAck: true });
  await channel.expect('basic.get-empty');
});

test('a message with a time of its own goes when it is over', async ({ channel }) => {
  const queue = await queueOf(channel);
  channel.publish({ routingKey: queue }, 'a', { expiration: '300' });
  await comesAndGoes(channel, queue);
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
  const queue = await queueOf(channel, 300);
  channel.publish({ routingKey: queue }, 'a', { expiration: LONG });
  await comesAndGoes(channel, queue);
});

test('the smaller time counts: that of the message', async ({ channel }) => {
  const queue = await queueOf(channel, 60_000);
  channel.publish({ routingKey: queue }, 'a', { expiration: '300' });
  await comesAndGoes(channel, queue);
});

test('each queue has its own time for the same message', async ({ channel }) => {
  const exchange = freshName('fan');
  await channel.call('exchange.declare', { exchange, type: 'fanout', autoDelete: true });
  const short = await queueOf(channel, 300);
  const long = await queueOf(channel, 60_000);
  const none = await queueOf(channel);
  for (const queue of [short, long, none]) await channel.call('queue.bind', { queue, exchange });
  channel.publish({ exchange, routingKey: '' }, 'a');
  await comesAndGoes(channel, short);
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
  channel.publish({ routingKey: queue }, 'a');
  const { fields } = await channel.get(queue, false);
  await passes(channel, 60);
  channel.send('basic.ack', { deliveryTag: fields.deliveryTag });
  await channel.quiet(queue);
});

test('what comes back after its time is gone', async ({ channel }) => {
  const queue = await queueOf(channel, 20);
  channel.publish({ routingKey: queue }, 'a');
  const { fields } = await channel.get(queue, false);
  await passes(channel, 60);
  await channel.consume(queue, { noAck: true });
  channel.send('basic.reject', { deliveryTag: fields.deliveryTag, requeue: true });
  await channel.quiet(queue);
});

test('what comes back within its time is there, and its time is not a new one', async ({ channel }) => {
  const queue = await queueOf(channel, 1500);
  const began = performance.now();
  channel.publish({ routingKey: queue }, 'a');
  await passes(channel, 900);
  const { fields } = await channel.get(queue, false);
  channel.send('basic.nack', { deliveryTag: fields.deliveryTag, requeue: true });
  await comesAndGoes(channel, queue);
  assert.ok(performance.now() - began < 2300, 'its time began at the publish');
});

test('a message that expires is confirmed', async ({ channel }) => {
  const queue = await queueOf(channel, 0);
  await channel.call('confirm.select');
  channel.publish({ routingKey: queue }, 'a', { deliveryMode: 2 });
  assert.is((await channel.expect('basic.ack')).deliveryTag, 1);
});

test('the time of what a transaction publishes begins with its commit', async ({ channel, client }) => {
  const queue = await queueOf(channel, 300);
  await channel.call('tx.select');
  channel.publish({ routingKey: queue }, 'a');
  await passes(await client.openChannel(2), 350);
  await channel.call('tx.commit');
  await comesAndGoes(channel, queue);
});

test('a consumer sees the expiration that the publisher set', async ({ channel }) => {
  const queue = await queueOf(channel, 60_000);
  channel.publish({ routingKey: queue }, 'a', { expiration: LONG });
  assert.is((await channel.get(queue)).properties.expiration, LONG);
});

test('many messages expire together', async ({ channel }) => {
  const queue = await queueOf(channel, 1000);
  for (let each = 0; each < 3000; each++) channel.publish({ routingKey: queue }, 'x');
  await channel.untilReady(queue, 3000);
  await channel.untilReady(queue, 0);
});

run();
