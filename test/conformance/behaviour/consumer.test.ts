/** basic.consume and basic.cancel (RabbitMQ's guides "Consumers", "Consumer Priorities", "Consumer Cancel Notification"). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { freshName } from '../../support/fresh-name.ts';
import { table } from '../../support/raw-table.ts';

const { test, run } = conversation('consumer');

const priority = (value: number): Buffer => table({ 'x-priority': ['I', value] });

test('a nameless consumer gets a tag of the broker', async ({ channel }) => {
  const queue = await channel.queue(freshName('tag'));
  const first = await channel.consume(queue);
  assert.match(first, /^amq\.ctag-[\w-]{22}$/);
  assert.is.not(await channel.consume(queue), first);
});

test('a tag is unique in its channel only', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('tag'));
  await channel.consume(queue, { consumerTag: 'same' });
  await (await client.openChannel(2)).consume(queue, { consumerTag: 'same' });
});

test('a tag can be used again after its cancel', async ({ channel }) => {
  const queue = await channel.queue(freshName('tag'));
  for (let round = 0; round < 2; round += 1) {
    assert.is(await channel.consume(queue, { consumerTag: 'again' }), 'again');
    assert.equal(await channel.call('basic.cancel', { consumerTag: 'again' }), { consumerTag: 'again' });
  }
});

test('cancelling an unknown tag is fine', async ({ channel }) => {
  assert.equal(await channel.call('basic.cancel', { consumerTag: 'nobody' }), { consumerTag: 'nobody' });
});

test('consume-ok comes before the first delivery', async ({ channel }) => {
  const queue = await channel.queue(freshName('order'));
  for (let number = 0; number < 20; number += 1) channel.publish({ routingKey: queue }, 'x');
  await channel.consume(queue, { consumerTag: 'first' });
  for (const [place, delivery] of (await channel.deliveries(20)).entries()) {
    assert.equal(delivery.fields, {
      consumerTag: 'first',
      deliveryTag: place + 1,
      redelivered: false,
      exchange: '',
      routingKey: queue,
    });
  }
});

test('nothing comes after cancel-ok, what is unsettled can still be settled', async ({ channel }) => {
  const queue = await channel.queue(freshName('cancel'));
  await channel.consume(queue, { consumerTag: 'c' });
  channel.publish({ routingKey: queue }, 'a');
  const { fields } = await channel.delivery();
  await channel.call('basic.cancel', { consumerTag: 'c' });
  channel.publish({ routingKey: queue }, 'b');
  await channel.untilReady(queue, 1);
  await channel.quiet(queue);
  channel.send('basic.ack', { deliveryTag: fields.deliveryTag });
  assert.is((await channel.get(queue)).text, 'b');
});

test('consumers of equal priority take turns', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('turns'));
  for (const consumerTag of ['a', 'b', 'c']) await channel.consume(queue, { consumerTag, noAck: true });
  const publisher = await client.openChannel(2);
  for (let number = 0; number < 9; number += 1) publisher.publish({ routingKey: queue }, String(number));
  const tags = (await channel.deliveries(9)).map((delivery) => delivery.fields.consumerTag);
  for (const tag of ['a', 'b', 'c']) assert.is(tags.filter((each) => each === tag).length, 3, `${tag} of ${tags.join('')}`);
  assert.is(new Set(tags.slice(0, 3)).size, 3, 'every consumer has one before any has two');
});

test('a consumer that is full is passed over', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('full'));
  await channel.call('basic.qos', { prefetchCount: 1 });
  await channel.consume(queue, { consumerTag: 'slow' });
  const fast = await client.openChannel(2);
  await fast.consume(queue, { consumerTag: 'fast', noAck: true });
  for (let number = 0; number < 6; number += 1) fast.publish({ routingKey: queue }, String(number));
  await channel.delivery();
  assert.is((await fast.deliveries(5)).length, 5);
});

test('a higher priority is served first while it has room', async ({ channel }) => {
  const queue = await channel.queue(freshName('priority'));
  await channel.call('basic.qos', { prefetchCount: 2 });
  await channel.consume(queue, { consumerTag: 'low', arguments: priority(-1) });
  await channel.consume(queue, { consumerTag: 'usual' });
  await channel.consume(queue, { consumerTag: 'high', arguments: priority(10) });
  for (let number = 0; number < 5; number += 1) channel.publish({ routingKey: queue }, 'x');
  const deliveries = await channel.deliveries(5);
  assert.equal(deliveries.map((delivery) => delivery.fields.consumerTag), ['high', 'high', 'usual', 'usual', 'low']);
  channel.send('basic.ack', { deliveryTag: 1 });
  channel.publish({ routingKey: queue }, 'x');
  assert.is((await channel.delivery()).fields.consumerTag, 'high');
});

test('an exclusive consumer cannot join others, and is free again after its cancel', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('sole'));
  const usual = await channel.consume(queue);
  const late = await client.openChannel(2);
  late.send('basic.consume', { queue, exclusive: true });
  assert.equal(await late.refused(), {
    code: 403,
    text: `ACCESS_REFUSED - queue '${queue}' in vhost '/' in exclusive use`,
    method: 'basic.consume',
  });
  await channel.call('basic.cancel', { consumerTag: usual });
  const sole = await channel.consume(queue, { exclusive: true });
  await channel.call('basic.cancel', { consumerTag: sole });
  await channel.consume(queue);
});

test('the deletion of its queue is told to a consumer', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('deleted'));
  await channel.consume(queue, { consumerTag: 'told' });
  await (await client.openChannel(2)).call('queue.delete', { queue });
  assert.equal(await channel.expect('basic.cancel'), { consumerTag: 'told', nowait: true });
  await channel.queue(queue);
  assert.is(await channel.consume(queue, { consumerTag: 'told' }), 'told');
});

test('a client without the capability is not told', async (scene) => {
  const client = await scene.connect({ capabilities: {} });
  const channel = await client.openChannel();
  const queue = await channel.queue(freshName('deleted'));
  await channel.consume(queue);
  await channel.call('queue.delete', { queue });
  await channel.quiet(await channel.queue(freshName('quiet')));
});

test('a consumer on the channel that deletes is told as well', async ({ channel }) => {
  const queue = await channel.queue(freshName('deleted'));
  await channel.consume(queue, { consumerTag: 'own' });
  channel.send('queue.delete', { queue });
  const names = [(await channel.inbox.take('one')).name, (await channel.inbox.take('the other')).name].sort();
  assert.equal(names, ['basic.cancel', 'queue.delete-ok']);
});

test('no_local is taken and means nothing', async ({ channel }) => {
  const queue = await channel.queue(freshName('local'));
  await channel.consume(queue, { noLocal: true });
  channel.publish({ routingKey: queue }, 'own');
  assert.is((await channel.delivery()).text, 'own');
});

run();
