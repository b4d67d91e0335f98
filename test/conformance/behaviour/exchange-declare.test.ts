/** exchange.declare, delete, bind and unbind (RabbitMQ's guide "Exchanges"; rabbit_exchange, rabbit_binding). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { freshName } from '../../support/fresh-name.ts';
import { table } from '../../support/raw-table.ts';

const { test, run } = conversation('exchange declare');

test('the exchanges that are always there', async ({ channel }) => {
  const types = { 'amq.direct': 'direct', 'amq.fanout': 'fanout', 'amq.topic': 'topic', 'amq.headers': 'headers', 'amq.match': 'headers' };
  for (const [exchange, type] of Object.entries(types)) {
    await channel.call('exchange.declare', { exchange, type, durable: true });
  }
  await channel.call('exchange.declare', { exchange: 'amq.rabbitmq.trace', type: 'topic', durable: true, internal: true });
});

test('an equal declare is accepted, a passive one compares nothing', async (scene) => {
  const exchange = await scene.exchange('direct');
  await scene.channel.call('exchange.declare', { exchange, type: 'direct' });
  await scene.channel.call('exchange.declare', { exchange, type: 'topic', durable: true, passive: true });
});

test('every flag is compared', async (scene) => {
  const exchange = await scene.exchange('direct');
  const changes = { durable: 'durable', autoDelete: 'auto_delete', internal: 'internal' };
  let number = 2;
  for (const [flag, name] of Object.entries(changes)) {
    const channel = await scene.client.openChannel(number++);
    channel.send('exchange.declare', { exchange, type: 'direct', [flag]: true });
    assert.equal(await channel.refused(), {
      code: 406,
      text: `PRECONDITION_FAILED - inequivalent arg '${name}' for exchange '${exchange}' in vhost '/': received 'true' but current is 'false'`,
      method: 'exchange.declare',
    });
  }
});

test('the alternate exchange is compared', async (scene) => {
  const exchange = await scene.exchange('direct', { arguments: table({ 'alternate-exchange': ['S', 'amq.fanout'] }) });
  scene.channel.send('exchange.declare', { exchange, type: 'direct' });
  assert.is(
    (await scene.channel.refused()).text,
    `PRECONDITION_FAILED - inequivalent arg 'alternate-exchange' for exchange '${exchange}' in vhost '/': ` +
      "received none but current is the value 'amq.fanout' of type 'longstr'",
  );
});

test('deleting a missing exchange is fine', async ({ channel }) => {
  await channel.call('exchange.delete', { exchange: freshName('missing') });
});

test('an auto-delete exchange stays until it has lost its last binding as a source', async (scene) => {
  const { channel } = scene;
  const exchange = await scene.exchange('fanout', { autoDelete: true });
  const queue = await channel.queue(freshName('bound'));
  await channel.call('exchange.declare', { exchange, type: 'fanout', passive: true });
  for (const routingKey of ['a', 'b']) await channel.call('queue.bind', { queue, exchange, routingKey });
  await channel.call('queue.unbind', { queue, exchange, routingKey: 'a' });
  await channel.call('exchange.declare', { exchange, type: 'fanout', passive: true });
  await channel.call('queue.unbind', { queue, exchange, routingKey: 'b' });
  channel.send('exchange.declare', { exchange, type: 'fanout', passive: true });
  assert.is((await channel.refused()).code, 404);
});

test('an auto-delete exchange goes with its last queue', async (scene) => {
  const { channel } = scene;
  const exchange = await scene.exchange('fanout', { autoDelete: true });
  const queue = await channel.queue(freshName('bound'));
  await channel.call('queue.bind', { queue, exchange });
  await channel.call('queue.delete', { queue });
  channel.send('exchange.declare', { exchange, type: 'fanout', passive: true });
  assert.is((await channel.refused()).code, 404);
});

test('deleting a destination takes auto-delete sources along, step by step', async (scene) => {
  const { channel, client } = scene;
  const first = await scene.exchange('fanout', { autoDelete: true });
  const second = await scene.exchange('fanout', { autoDelete: true });
  const last = await scene.exchange('fanout');
  await channel.call('exchange.bind', { destination: second, source: first });
  await channel.call('exchange.bind', { destination: last, source: second });
  await channel.call('exchange.delete', { exchange: last });
  for (const [place, exchange] of [first, second].entries()) {
    const probe = await client.openChannel(place + 2);
    probe.send('exchange.declare', { exchange, type: 'fanout', passive: true });
    assert.is((await probe.refused()).code, 404);
  }
});

test('if-unused looks at bindings as a source only', async (scene) => {
  const { channel } = scene;
  const exchange = await scene.exchange('fanout');
  await channel.call('exchange.bind', { destination: exchange, source: 'amq.direct', routingKey: exchange });
  await channel.call('exchange.delete', { exchange, ifUnused: true });
});

test('a binding twice is one binding', async (scene) => {
  const { channel } = scene;
  const exchange = await scene.exchange('direct');
  const queue = await channel.queue(freshName('bound'));
  for (let round = 0; round < 2; round += 1) await channel.call('queue.bind', { queue, exchange, routingKey: 'k' });
  channel.publish({ exchange, routingKey: 'k' }, 'once');
  assert.is((await channel.get(queue)).fields.messageCount, 0);
  await channel.call('queue.unbind', { queue, exchange, routingKey: 'k' });
  channel.publish({ exchange, routingKey: 'k', mandatory: true }, 'nowhere');
  assert.is((await channel.expectContent('basic.return')).text, 'nowhere');
});

test('bindings with other arguments are other bindings', async (scene) => {
  const { channel } = scene;
  const exchange = await scene.exchange('direct');
  const queue = await channel.queue(freshName('bound'));
  const extra = table({ n: ['I', 1] });
  await channel.call('queue.bind', { queue, exchange, routingKey: 'k' });
  await channel.call('queue.bind', { queue, exchange, routingKey: 'k', arguments: extra });
  await channel.call('queue.unbind', { queue, exchange, routingKey: 'k' });
  channel.publish({ exchange, routingKey: 'k' }, 'still');
  assert.is((await channel.get(queue)).text, 'still');
});

test('unbinding what is not bound is fine', async (scene) => {
  const queue = await scene.channel.queue(freshName('unbound'));
  await scene.channel.call('queue.unbind', { queue, exchange: 'amq.direct', routingKey: 'no such key' });
  await scene.channel.call('exchange.unbind', { destination: 'amq.fanout', source: 'amq.topic', routingKey: 'no such key' });
});

run();
