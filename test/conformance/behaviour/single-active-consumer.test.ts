/** x-single-active-consumer (RabbitMQ's guide "Consumers", section "Single Active Consumer"). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import type { RawChannel } from '../../support/raw-channel.ts';
import { freshName } from '../../support/fresh-name.ts';
import { table } from '../../support/raw-table.ts';

const { test, run } = conversation('single active consumer');

const SINGLE = { arguments: table({ 'x-single-active-consumer': ['t', true] }) };

async function delivered(to: RawChannel, by: RawChannel, queue: string, count: number): Promise<string[]> {
  for (let number = 0; number < count; number += 1) by.publish({ routingKey: queue }, String(number));
  return (await to.deliveries(count)).map((delivery) => delivery.fields.consumerTag);
}

test('one is served, the next after its cancel, in the order of registration', async ({ channel }) => {
  const queue = await channel.queue(freshName('single'), SINGLE);
  for (const consumerTag of ['a', 'b', 'c']) await channel.consume(queue, { consumerTag, noAck: true });
  assert.equal(await delivered(channel, channel, queue, 4), ['a', 'a', 'a', 'a']);
  await channel.call('basic.cancel', { consumerTag: 'a' });
  assert.equal(await delivered(channel, channel, queue, 2), ['b', 'b']);
  await channel.call('basic.cancel', { consumerTag: 'c' });
  assert.equal(await delivered(channel, channel, queue, 2), ['b', 'b']);
});

test('the next takes over when the channel of the active one closes, unsettled messages first', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('single'), SINGLE);
  const other = await client.openChannel(2);
  await channel.consume(queue, { consumerTag: 'active' });
  await other.consume(queue, { consumerTag: 'waiting' });
  for (const body of ['1', '2']) other.publish({ routingKey: queue }, body);
  await channel.deliveries(2);
  await channel.call('channel.close', { replyCode: 200 });
  const taken = await other.deliveries(2);
  assert.equal(taken.map((delivery) => [delivery.text, delivery.fields.redelivered]), [['1', true], ['2', true]]);
});

test('the next takes over when the connection of the active one breaks', async (scene) => {
  const queue = await scene.sharedQueue(SINGLE);
  const lost = await scene.connect();
  const active = await lost.openChannel();
  await active.consume(queue);
  await scene.channel.consume(queue);
  scene.channel.publish({ routingKey: queue }, 'x');
  await active.delivery();
  lost.drop();
  const { text, fields } = await scene.channel.delivery();
  assert.is(text, 'x');
  assert.is(fields.redelivered, true);
});

test('a full active consumer is waited for', async ({ channel }) => {
  const queue = await channel.queue(freshName('single'), SINGLE);
  await channel.call('basic.qos', { prefetchCount: 1 });
  await channel.consume(queue, { consumerTag: 'active' });
  await channel.consume(queue, { consumerTag: 'waiting' });
  assert.equal(await delivered(channel, channel, queue, 1), ['active']);
  channel.publish({ routingKey: queue }, 'later');
  await channel.untilReady(queue, 1);
  await channel.quiet(queue);
  channel.send('basic.ack', { deliveryTag: 1 });
  assert.is((await channel.delivery()).fields.consumerTag, 'active');
});

test('an exclusive consumer is refused', async ({ channel }) => {
  const queue = await channel.queue(freshName('single'), SINGLE);
  channel.send('basic.consume', { queue, exclusive: true });
  assert.is((await channel.refused()).code, 403);
});

run();
