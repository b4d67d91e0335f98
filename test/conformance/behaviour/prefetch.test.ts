/** basic.qos (RabbitMQ's guide "Consumer Prefetch"; rabbit_limiter). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import type { RawChannel } from '../../support/raw-channel.ts';
import { freshName } from '../../support/fresh-name.ts';

const { test, run } = conversation('prefetch');

async function filled(channel: RawChannel, count: number): Promise<string> {
  const queue = await channel.queue(freshName('prefetch'));
  for (let number = 1; number <= count; number += 1) channel.publish({ routingKey: queue }, String(number));
  await channel.untilReady(queue, count);
  return queue;
}

const texts = async (channel: RawChannel, count: number): Promise<string[]> =>
  (await channel.deliveries(count)).map((delivery) => delivery.text);

test('a consumer gets as many as its prefetch, and one more for each ack', async ({ channel }) => {
  const queue = await filled(channel, 5);
  await channel.call('basic.qos', { prefetchCount: 2 });
  await channel.consume(queue);
  assert.equal(await texts(channel, 2), ['1', '2']);
  await channel.quiet(queue);
  channel.send('basic.ack', { deliveryTag: 1 });
  assert.equal(await texts(channel, 1), ['3']);
  channel.send('basic.ack', { deliveryTag: 3, multiple: true });
  assert.equal(await texts(channel, 2), ['4', '5']);
});

test('each consumer of a channel has its own prefetch', async ({ channel }) => {
  const queue = await filled(channel, 5);
  await channel.call('basic.qos', { prefetchCount: 1 });
  await channel.consume(queue);
  await channel.delivery();
  await channel.call('basic.qos', { prefetchCount: 2 });
  await channel.consume(queue);
  await channel.deliveries(2);
  await channel.quiet(queue);
});

test('a global prefetch is shared by the consumers of the channel', async ({ channel }) => {
  const queue = await filled(channel, 5);
  await channel.call('basic.qos', { prefetchCount: 3, global: true });
  await channel.consume(queue, { consumerTag: 'a' });
  const first = await channel.deliveries(3);
  await channel.consume(queue, { consumerTag: 'b' });
  await channel.quiet(queue);
  assert.is(first.length, 3);
  channel.send('basic.ack', { deliveryTag: 3, multiple: true });
  await channel.deliveries(2);
});

test('a global prefetch counts at once for consumers that are there', async ({ channel }) => {
  const queue = await filled(channel, 4);
  await channel.call('basic.qos', { prefetchCount: 1, global: true });
  await channel.consume(queue);
  assert.equal(await texts(channel, 1), ['1']);
  await channel.quiet(queue);
  await channel.call('basic.qos', { prefetchCount: 3, global: true });
  assert.equal(await texts(channel, 2), ['2', '3']);
  await channel.quiet(queue);
  await channel.call('basic.qos', { prefetchCount: 0, global: true });
  assert.equal(await texts(channel, 1), ['4']);
});

test('what is unsettled stops those of the channel, too, who do not acknowledge', async ({ channel }) => {
  const held = await filled(channel, 1);
  const queue = await filled(channel, 5);
  await channel.call('basic.qos', { prefetchCount: 1, global: true });
  await channel.consume(held);
  const { deliveryTag } = (await channel.delivery()).fields;
  await channel.consume(queue, { noAck: true });
  await channel.quiet(queue);
  await channel.untilReady(queue, 5);
  channel.send('basic.ack', { deliveryTag });
  assert.equal(await texts(channel, 5), ['1', '2', '3', '4', '5']);
});

test('both limits hold when both are set', async ({ channel }) => {
  const queue = await filled(channel, 6);
  await channel.call('basic.qos', { prefetchCount: 2 });
  await channel.call('basic.qos', { prefetchCount: 3, global: true });
  await channel.consume(queue, { consumerTag: 'a' });
  await channel.deliveries(2);
  await channel.quiet(queue);
  await channel.consume(queue, { consumerTag: 'b' });
  assert.is((await channel.delivery()).fields.consumerTag, 'b');
  await channel.quiet(queue);
});

test('zero is no limit', async ({ channel }) => {
  const queue = await filled(channel, 50);
  await channel.call('basic.qos', { prefetchCount: 0 });
  await channel.consume(queue);
  await channel.deliveries(50);
});

test('consumers that do not acknowledge have no limit', async ({ channel }) => {
  const queue = await filled(channel, 10);
  await channel.call('basic.qos', { prefetchCount: 1 });
  await channel.consume(queue, { noAck: true });
  await channel.deliveries(10);
});

test('a nack frees its place too', async ({ channel }) => {
  const queue = await filled(channel, 2);
  await channel.call('basic.qos', { prefetchCount: 1 });
  await channel.consume(queue);
  assert.equal(await texts(channel, 1), ['1']);
  channel.send('basic.nack', { deliveryTag: 1 });
  assert.equal(await texts(channel, 1), ['2']);
});

run();
