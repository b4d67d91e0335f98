/** Publisher confirms and returned messages (RabbitMQ's guide "Consumer Acknowledgements and Publisher Confirms"). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import type { RawChannel } from '../../support/raw-channel.ts';
import { freshName } from '../../support/fresh-name.ts';
import { table } from '../../support/raw-table.ts';

const { test, run } = conversation('confirm');

/** Takes acks and nacks until every sequence number up to `last` is settled; the nacked ones are the answer. */
async function settled(channel: RawChannel, last: number): Promise<number[]> {
  const open = new Set(Array.from({ length: last }, (_, place) => place + 1));
  const refused: number[] = [];
  while (open.size > 0) {
    const name = (await peek(channel)) as 'basic.ack' | 'basic.nack';
    const { deliveryTag, multiple } = await channel.expect(name);
    const numbers = multiple ? [...open].filter((number) => number <= deliveryTag) : [deliveryTag];
    for (const number of numbers) {
      assert.ok(open.delete(number), `${number} is settled once`);
      if (name === 'basic.nack') refused.push(number);
    }
  }
  return refused;
}

async function peek(channel: RawChannel): Promise<string> {
  const incoming = await channel.inbox.take('an ack or a nack');
  channel.inbox.putBack(incoming);
  return incoming.name;
}

test('sequence numbers start at 1 with confirm.select', async ({ channel }) => {
  const queue = await channel.queue(freshName('confirm'));
  channel.publish({ routingKey: queue }, 'before');
  await channel.call('confirm.select');
  await channel.call('confirm.select');
  channel.publish({ routingKey: queue }, 'after');
  assert.equal(await channel.expect('basic.ack'), { deliveryTag: 1, multiple: false });
});

test('every message of a burst is confirmed exactly once', async (scene) => {
  const { channel } = scene;
  const queue = await scene.sharedQueue({ durable: true });
  await channel.call('confirm.select');
  for (let number = 1; number <= 500; number += 1) {
    channel.publish({ routingKey: number % 5 === 0 ? freshName('nowhere') : queue }, 'x', { deliveryMode: number % 2 === 0 ? 2 : 1 });
  }
  assert.equal(await settled(channel, 500), []);
  assert.is((await channel.call('queue.purge', { queue })).messageCount, 400);
});

test('a mandatory message without a queue comes back before its ack', async ({ channel }) => {
  await channel.call('confirm.select');
  const routingKey = freshName('nowhere');
  const headers = table({ a: ['S', 'b'] });
  channel.publish({ exchange: 'amq.direct', routingKey, mandatory: true }, 'come back', { headers, messageId: 'm1' });
  const returned = await channel.expectContent('basic.return');
  assert.equal(returned.fields, { replyCode: 312, replyText: 'NO_ROUTE', exchange: 'amq.direct', routingKey });
  assert.equal(returned.properties, { headers, messageId: 'm1' });
  assert.is(returned.text, 'come back');
  assert.equal(await channel.expect('basic.ack'), { deliveryTag: 1, multiple: false });
});

test('a mandatory message with a queue does not come back', async ({ channel }) => {
  const queue = await channel.queue(freshName('mandatory'));
  await channel.call('confirm.select');
  channel.publish({ routingKey: queue, mandatory: true }, 'stay');
  await channel.expect('basic.ack');
});

test('an unroutable message that is not mandatory is dropped and confirmed', async ({ channel }) => {
  await channel.call('confirm.select');
  channel.publish({ exchange: 'amq.direct', routingKey: freshName('nowhere') }, 'gone');
  assert.equal(await channel.expect('basic.ack'), { deliveryTag: 1, multiple: false });
});

test('returns come without confirms too', async ({ channel }) => {
  channel.publish({ routingKey: freshName('nowhere'), mandatory: true }, Buffer.alloc(0));
  const returned = await channel.expectContent('basic.return');
  assert.is(returned.fields.replyCode, 312);
  assert.is(returned.body.length, 0);
});

test('a full queue that rejects publishes answers nack', async ({ channel }) => {
  const limits = table({ 'x-max-length': ['I', 1], 'x-overflow': ['S', 'reject-publish'] });
  const queue = await channel.queue(freshName('full'), { arguments: limits });
  await channel.call('confirm.select');
  for (const body of ['first', 'second']) channel.publish({ routingKey: queue }, body);
  assert.equal(await settled(channel, 2), [2]);
  assert.is((await channel.get(queue)).text, 'first');
});

test('a message for a consumer is confirmed without its ack', async ({ channel }) => {
  const queue = await channel.queue(freshName('confirm'));
  await channel.consume(queue);
  await channel.call('confirm.select');
  channel.publish({ routingKey: queue }, 'x');
  const names = [(await channel.inbox.take('one')).name, (await channel.inbox.take('the other')).name].sort();
  assert.equal(names, ['basic.ack', 'basic.deliver']);
});

test('a failed publish closes the channel and is not confirmed', async ({ channel }) => {
  await channel.call('confirm.select');
  channel.publish({ exchange: freshName('missing'), routingKey: 'k' }, 'x');
  assert.is((await channel.refused()).code, 404);
});

test('each channel counts for itself', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('confirm'));
  const other = await client.openChannel(2);
  for (const each of [channel, other]) {
    await each.call('confirm.select');
    each.publish({ routingKey: queue }, 'x');
    assert.is((await each.expect('basic.ack')).deliveryTag, 1);
  }
});

run();
