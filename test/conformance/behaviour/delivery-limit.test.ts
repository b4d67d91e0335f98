/** x-delivery-limit and x-delivery-count (RabbitMQ's guide "Quorum Queues", section "Poison Message Handling"). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import type { Scene } from '../../support/conversation.ts';
import type { RawChannel } from '../../support/raw-channel.ts';
import { headersOf } from '../../support/dead-letters.ts';
import { freshName } from '../../support/fresh-name.ts';
import { encodeProperties } from '../../support/raw-properties.ts';
import { type RawValue, table } from '../../support/raw-table.ts';

const { test, run } = conversation('delivery limit');

function limitedTo(limit: number, more: Readonly<Record<string, RawValue>> = {}): { durable: boolean; arguments: Buffer } {
  return { durable: true, arguments: table({ 'x-queue-type': ['S', 'quorum'], 'x-delivery-limit': ['I', limit], ...more }) };
}

/** The next delivery's headers say that it came back so often; 0: nothing. */
async function expectCount(channel: RawChannel, count: number): Promise<number> {
  const { fields, properties } = await channel.delivery();
  assert.is(fields.redelivered, count > 0);
  if (count === 0) assert.is(properties.headers, undefined);
  else assert.equal(properties.headers, table({ 'x-delivery-count': ['l', BigInt(count)] }));
  return fields.deliveryTag;
}

async function loaded(scene: Scene, limit: number): Promise<string> {
  const queue = await scene.sharedQueue(limitedTo(limit));
  scene.channel.publish({ routingKey: queue }, 'poison', { contentType: 'text/plain', deliveryMode: 2, messageId: 'm' });
  await scene.channel.untilReady(queue, 1);
  return queue;
}

for (const method of ['basic.reject', 'basic.nack'] as const) {
  test(`a message that comes back by ${method} is delivered once more than its limit`, async (scene) => {
    const { channel } = scene;
    const queue = await loaded(scene, 2);
    await channel.consume(queue);
    for (const count of [0, 1, 2]) channel.send(method, { deliveryTag: await expectCount(channel, count), requeue: true });
    await channel.untilReady(queue, 0);
    await channel.quiet(queue);
    assert.equal(await channel.call('queue.delete', { queue }), { messageCount: 0 });
  });
}

test('a limit of 0 lets nothing come back', async (scene) => {
  const { channel } = scene;
  const queue = await loaded(scene, 0);
  channel.send('basic.reject', { deliveryTag: (await channel.get(queue, false)).fields.deliveryTag, requeue: true });
  await channel.untilReady(queue, 0);
  await channel.quiet(queue);
});

test('the end of a channel counts', async (scene) => {
  const { channel, client } = scene;
  const queue = await loaded(scene, 5);
  for (const count of [0, 1, 2]) {
    const other = await client.openChannel(2 + count);
    await other.consume(queue);
    await expectCount(other, count);
    await other.call('channel.close', { replyCode: 200 });
    await channel.untilReady(queue, 1);
  }
});

test('the end of a connection counts', async (scene) => {
  const { channel } = scene;
  const queue = await loaded(scene, 5);
  for (const count of [0, 1]) {
    const other = await scene.connect();
    const onOther = await other.openChannel();
    await onOther.consume(queue);
    await expectCount(onOther, count);
    other.drop();
    await channel.untilReady(queue, 1);
  }
});

test('recover counts', async (scene) => {
  const { channel } = scene;
  const queue = await loaded(scene, 5);
  await channel.consume(queue);
  await expectCount(channel, 0);
  await channel.call('basic.recover', { requeue: true });
  await expectCount(channel, 1);
});

test('get tells the count, and its deliveries count', async (scene) => {
  const { channel } = scene;
  const queue = await loaded(scene, 5);
  const first = await channel.get(queue, false);
  // RabbitMQ 3.10 says 0 here, and nothing in a first basic.deliver.
  assert.ok([undefined, table({ 'x-delivery-count': ['l', 0n] }).toString('hex')].includes(first.properties.headers?.toString('hex')));
  channel.send('basic.nack', { deliveryTag: first.fields.deliveryTag, requeue: true });
  await channel.untilReady(queue, 1);
  const second = await channel.get(queue);
  assert.equal(second.properties, {
    contentType: 'text/plain',
    headers: table({ 'x-delivery-count': ['l', 1n] }),
    deliveryMode: 2,
    messageId: 'm',
  });
  assert.is(second.text, 'poison');
});

test('a consumer without acknowledgements hears the count too', async (scene) => {
  const { channel } = scene;
  const queue = await loaded(scene, 5);
  channel.send('basic.nack', { deliveryTag: (await channel.get(queue, false)).fields.deliveryTag, requeue: true });
  await channel.untilReady(queue, 1);
  await channel.consume(queue, { noAck: true });
  await expectCount(channel, 1);
});

test('other headers stay, and a publisher cannot say the count', async (scene) => {
  const { channel } = scene;
  const queue = await scene.sharedQueue(limitedTo(3));
  const headers = table({ a: ['S', 'before'], 'x-delivery-count': ['S', 'many'], z: ['F', { deep: ['A', [['t', true], ['V']]] }] });
  channel.publish({ routingKey: queue }, Buffer.alloc(20_000, 7), { headers, correlationId: 'c' });
  await channel.consume(queue);
  const first = await channel.delivery();
  assert.equal(first.properties, { headers, correlationId: 'c' });
  channel.send('basic.nack', { deliveryTag: first.fields.deliveryTag, requeue: true });
  const second = await channel.delivery();
  const fields = (second.properties.headers?.toString('latin1') ?? '').split('x-delivery-count');
  assert.is(fields.length, 2, 'the count stands there once');
  assert.ok(fields[1]!.startsWith('l\0\0\0\0\0\0\0\x01'));
  assert.ok(fields.join('').includes('before') && fields.join('').includes('deep'));
  assert.is(second.properties.correlationId, 'c');
  assert.equal(second.body, Buffer.alloc(20_000, 7));
  assert.is(encodeProperties(second.properties).length, second.header.length);
});

test('what comes back too often is dead-lettered for that reason', async (scene) => {
  const { channel } = scene;
  const grave = await channel.queue(freshName('grave'));
  const queue = await scene.sharedQueue(limitedTo(1, { 'x-dead-letter-exchange': ['S', ''], 'x-dead-letter-routing-key': ['S', grave] }));
  channel.publish({ routingKey: queue }, 'poison', { deliveryMode: 2, headers: table({ own: ['S', 'x'] }) });
  await channel.consume(queue);
  for (let count = 0; count < 2; count++) {
    channel.send('basic.nack', { deliveryTag: (await channel.delivery()).fields.deliveryTag, requeue: true });
  }
  await channel.untilReady(grave, 1);
  const { text, fields, properties } = await channel.get(grave);
  assert.is(text, 'poison');
  assert.is(fields.redelivered, false);
  const { 'x-death': deaths, 'x-first-death-reason': first, own } = headersOf(properties);
  assert.equal(deaths, [{ count: 1, exchange: '', queue, reason: 'delivery_limit', 'routing-keys': [queue], time: 'a time' }]);
  assert.equal([first, own], ['delivery_limit', 'x']);
});

test('a classic queue without a limit tells no count', async (scene) => {
  const { channel } = scene;
  const queue = await scene.sharedQueue();
  channel.publish({ routingKey: queue }, 'x');
  await channel.consume(queue);
  channel.send('basic.nack', { deliveryTag: await expectCount(channel, 0), requeue: true });
  const { fields, properties } = await channel.delivery();
  assert.is(fields.redelivered, true);
  assert.is(properties.headers, undefined);
});

run();
