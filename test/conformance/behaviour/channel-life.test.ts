/** Opening, closing and reusing channels (AMQP 0-9-1 section 2.2.4; RabbitMQ's rabbit_channel and rabbit_reader). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { freshName } from '../../support/fresh-name.ts';

const { test, run } = conversation('channel life');

test('a number can be used again after the broker closed its channel', async ({ channel, client }) => {
  channel.send('queue.declare', { queue: freshName('missing'), passive: true });
  assert.is((await channel.refused()).code, 404);
  const again = await client.openChannel(1);
  const queue = await again.queue(freshName('again'));
  again.publish({ routingKey: queue }, 'alive');
  assert.is((await again.get(queue)).text, 'alive');
});

test('a number can be used again after the client closed its channel', async ({ channel, client }) => {
  await channel.call('channel.close', { replyCode: 200, replyText: 'bye' });
  await client.openChannel(1);
  await channel.call('basic.qos', { prefetchCount: 1 });
});

test('delivery tags start at 1 again on a reopened channel', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('tags'));
  for (const body of ['a', 'b']) channel.publish({ routingKey: queue }, body);
  assert.is((await channel.get(queue)).fields.deliveryTag, 1);
  await channel.call('channel.close', { replyCode: 200 });
  await client.openChannel(1);
  assert.is((await channel.get(queue)).fields.deliveryTag, 1);
});

test('what the client sends between the close and its close-ok is discarded', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('discarded'));
  channel.send('basic.ack', { deliveryTag: 7 });
  channel.publish({ routingKey: queue }, 'too late');
  channel.send('queue.delete', { queue });
  channel.send('basic.qos', { prefetchCount: 1 });
  assert.is((await channel.refused()).text, 'PRECONDITION_FAILED - unknown delivery tag 7');
  await client.openChannel(1);
  channel.send('basic.get', { queue });
  await channel.expect('basic.get-empty');
});

test('a close of the client that crosses the close of the broker is answered', async ({ channel, client }) => {
  channel.send('basic.ack', { deliveryTag: 7 });
  channel.send('channel.close', { replyCode: 200, replyText: 'bye' });
  await channel.expect('channel.close');
  await channel.expect('channel.close-ok');
  channel.send('channel.close-ok');
  await client.openChannel(1);
});

test('one channel fails, its neighbours work on', async ({ channel, client }) => {
  const neighbour = await client.openChannel(2);
  const queue = await neighbour.queue(freshName('neighbour'));
  await neighbour.consume(queue, { noAck: true });
  channel.send('queue.purge', { queue: freshName('missing') });
  assert.is((await channel.refused()).code, 404);
  neighbour.publish({ routingKey: queue }, 'still here');
  assert.is((await neighbour.delivery()).text, 'still here');
});

test('as many channels as were agreed on can be opened, one more is refused', async (scene) => {
  const client = await scene.connect({ channelMax: 3 });
  for (const number of [1, 2, 3]) await client.openChannel(number);
  client.channelAt(4).send('channel.open');
  assert.equal(await client.refused(), {
    code: 530,
    text: 'NOT_ALLOWED - number of channels opened (3) has reached the negotiated channel_max (3)',
    method: '0.0',
  });
});

test('flow on is answered with flow on', async ({ channel }) => {
  assert.equal(await channel.call('channel.flow', { active: true }), { active: true });
});

test('access.request is answered with ticket 1', async ({ channel }) => {
  assert.equal(await channel.call('access.request', { realm: '/data', active: true, read: true }), { ticket: 1 });
});

test('nowait suppresses the answers, not the effects', async ({ channel }) => {
  const queue = freshName('silent');
  const exchange = freshName('silent');
  channel.send('queue.declare', { queue, exclusive: true, nowait: true });
  channel.send('exchange.declare', { exchange, type: 'fanout', autoDelete: true, nowait: true });
  channel.send('queue.bind', { queue, exchange, nowait: true });
  channel.send('confirm.select', { nowait: true });
  channel.publish({ exchange, routingKey: '' }, 'one');
  assert.equal(await channel.expect('basic.ack'), { deliveryTag: 1, multiple: false });
  channel.send('queue.purge', { queue, nowait: true });
  channel.send('basic.consume', { queue, consumerTag: 'silent', nowait: true });
  channel.send('basic.cancel', { consumerTag: 'silent', nowait: true });
  assert.equal(await channel.call('queue.declare', { queue, passive: true }), { queue, messageCount: 0, consumerCount: 0 });
  channel.send('queue.delete', { queue, nowait: true });
  channel.send('exchange.delete', { exchange, nowait: true });
  channel.send('queue.declare', { queue, passive: true });
  assert.is((await channel.refused()).code, 404);
});

test('an error in a nowait method still closes the channel', async ({ channel }) => {
  channel.send('queue.bind', { queue: freshName('missing'), exchange: 'amq.direct', nowait: true });
  assert.is((await channel.refused()).code, 404);
});

run();
