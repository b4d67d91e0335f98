/** basic.get, queue.purge and queue.delete: what they count and what they leave. */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { freshName } from '../../support/fresh-name.ts';

const { test, run } = conversation('queue content');

test('get from an empty queue', async ({ channel }) => {
  const queue = await channel.queue(freshName('empty'));
  channel.send('basic.get', { queue });
  assert.equal(await channel.expect('basic.get-empty'), { clusterId: '' });
});

test('get tells what is left and where the message came from', async ({ channel }) => {
  const queue = await channel.queue(freshName('get'));
  await channel.call('queue.bind', { queue, exchange: 'amq.direct', routingKey: queue });
  for (const body of ['a', 'b', 'c']) channel.publish({ exchange: 'amq.direct', routingKey: queue }, body);
  const first = await channel.get(queue, false);
  assert.equal(first.fields, { deliveryTag: 1, redelivered: false, exchange: 'amq.direct', routingKey: queue, messageCount: 2 });
  assert.is(first.text, 'a');
  assert.is((await channel.get(queue, true)).fields.messageCount, 1);
  assert.is((await channel.get(queue, false)).fields.deliveryTag, 3);
});

test('get works beside consumers and shares the numbers of their deliveries', async ({ channel }) => {
  const queue = await channel.queue(freshName('both'));
  await channel.call('basic.qos', { prefetchCount: 1 });
  await channel.consume(queue);
  for (const body of ['a', 'b']) channel.publish({ routingKey: queue }, body);
  assert.is((await channel.delivery()).fields.deliveryTag, 1);
  const got = await channel.get(queue, false);
  assert.is(got.fields.deliveryTag, 2);
  assert.is(got.text, 'b');
});

test('purge counts and takes what is ready, not what is unsettled', async ({ channel }) => {
  const queue = await channel.queue(freshName('purge'));
  for (const body of ['a', 'b', 'c']) channel.publish({ routingKey: queue }, body);
  const { fields } = await channel.get(queue, false);
  assert.equal(await channel.call('queue.purge', { queue }), { messageCount: 2 });
  assert.equal(await channel.call('queue.purge', { queue }), { messageCount: 0 });
  channel.send('basic.reject', { deliveryTag: fields.deliveryTag, requeue: true });
  await channel.untilReady(queue, 1);
  assert.is((await channel.get(queue)).text, 'a');
});

test('delete counts what was ready', async ({ channel }) => {
  const queue = await channel.queue(freshName('delete'));
  for (const body of ['a', 'b', 'c']) channel.publish({ routingKey: queue }, body);
  await channel.get(queue, false);
  assert.equal(await channel.call('queue.delete', { queue }), { messageCount: 2 });
});

test('delete of a missing queue counts nothing', async ({ channel }) => {
  assert.equal(await channel.call('queue.delete', { queue: freshName('missing') }), { messageCount: 0 });
});

test('delete if-empty looks at ready messages only', async ({ channel }) => {
  const queue = await channel.queue(freshName('unsettled'));
  channel.publish({ routingKey: queue }, 'x');
  await channel.get(queue, false);
  assert.equal(await channel.call('queue.delete', { queue, ifEmpty: true }), { messageCount: 0 });
});

test('delete if-unused of a queue without consumers', async ({ channel }) => {
  const queue = await channel.queue(freshName('unused'));
  channel.publish({ routingKey: queue }, 'x');
  assert.equal(await channel.call('queue.delete', { queue, ifUnused: true }), { messageCount: 1 });
});

test('a settle for a deleted queue is accepted', async ({ channel }) => {
  const queue = await channel.queue(freshName('gone'));
  channel.publish({ routingKey: queue }, 'x');
  const { fields } = await channel.get(queue, false);
  await channel.call('queue.delete', { queue });
  channel.send('basic.ack', { deliveryTag: fields.deliveryTag });
  await channel.call('basic.qos', { prefetchCount: 1 });
});

test('deleting a queue takes its bindings along', async ({ channel }) => {
  const queue = await channel.queue(freshName('bound'));
  await channel.call('queue.bind', { queue, exchange: 'amq.direct', routingKey: queue });
  await channel.call('queue.delete', { queue });
  await channel.queue(queue);
  channel.publish({ exchange: 'amq.direct', routingKey: queue, mandatory: true }, 'x');
  assert.is((await channel.expectContent('basic.return')).fields.replyCode, 312);
});

run();
