/** The pseudo-queue amq.rabbitmq.reply-to (RabbitMQ's guide "Direct Reply-to"). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import type { Scene } from '../../support/conversation.ts';
import type { RawChannel } from '../../support/raw-channel.ts';
import { freshName } from '../../support/fresh-name.ts';

const { test, run } = conversation('direct reply-to');

const REPLY_TO = 'amq.rabbitmq.reply-to';

/** A requester on channel 1 that has sent one request; the address to which its reply goes. */
async function requested({ channel, client }: Scene): Promise<{ address: string; replier: RawChannel }> {
  const replier = await client.openChannel(2);
  const queue = await replier.queue(freshName('requests'));
  await channel.consume(REPLY_TO, { noAck: true, consumerTag: 'replies' });
  channel.publish({ routingKey: queue }, 'question', { replyTo: REPLY_TO, correlationId: 'c1' });
  await replier.consume(queue, { noAck: true });
  const { properties, text } = await replier.delivery();
  assert.is(text, 'question');
  assert.is(properties.correlationId, 'c1');
  return { address: properties.replyTo ?? '', replier };
}

test('a request carries an address of its own, a reply comes to the consumer', async (scene) => {
  const { address, replier } = await requested(scene);
  assert.match(address, /^amq\.rabbitmq\.reply-to\..+/);
  replier.publish({ routingKey: address }, 'answer', { correlationId: 'c1' });
  const { fields, properties, text } = await scene.channel.delivery();
  assert.is(text, 'answer');
  assert.is(properties.correlationId, 'c1');
  assert.equal(fields, { consumerTag: 'replies', deliveryTag: 1, redelivered: false, exchange: '', routingKey: address });
});

test('replies come in their order', async (scene) => {
  const { address, replier } = await requested(scene);
  for (const text of ['a', 'b', 'c']) replier.publish({ routingKey: address }, text);
  const replies = await scene.channel.deliveries(3);
  assert.equal(replies.map((reply) => reply.text), ['a', 'b', 'c']);
  // RabbitMQ shows the number of the channel's next delivery and does not use it up: 1, 1, 1. Counting on does no harm,
  // because a reply cannot be settled.
  const tags = replies.map((reply) => reply.fields.deliveryTag).join();
  assert.ok(['1,1,1', '1,2,3'].includes(tags), tags);
});

test('a reply over another connection', async (scene) => {
  const { address } = await requested(scene);
  const elsewhere = await (await scene.connect()).openChannel();
  elsewhere.publish({ routingKey: address }, 'from afar');
  assert.is((await scene.channel.delivery()).text, 'from afar');
});

test('a mandatory reply reaches its requester', async (scene) => {
  const { address, replier } = await requested(scene);
  await replier.call('confirm.select');
  replier.publish({ routingKey: address, mandatory: true }, 'answer');
  // Before 4.2 the address is no queue, so the message is routed to none and comes back although it was delivered.
  const answer = await replier.inbox.take('a return or an ack');
  if (answer.name === 'basic.return') await replier.expect('basic.ack');
  else assert.is(answer.name, 'basic.ack');
  assert.is((await scene.channel.delivery()).text, 'answer');
});

test('a reply to a requester that is gone is dropped', async (scene) => {
  const { address, replier } = await requested(scene);
  await scene.channel.call('channel.close', { replyCode: 200 });
  await replier.call('confirm.select');
  replier.publish({ routingKey: address }, 'too late');
  assert.equal(await replier.expect('basic.ack'), { deliveryTag: 1, multiple: false });
});

test('the address can be asked for while the requester is there', async (scene) => {
  const { address, replier } = await requested(scene);
  for (const passive of [true, false]) {
    assert.equal(await replier.call('queue.declare', { queue: address, passive }), { queue: address, messageCount: 0, consumerCount: 1 });
  }
  await scene.channel.call('channel.close', { replyCode: 200 });
  replier.send('queue.declare', { queue: address, passive: true });
  assert.equal(await replier.refused(), {
    code: 404,
    text: `NOT_FOUND - no queue '${address}' in vhost '/'`,
    method: 'queue.declare',
  });
});

test('cancelled, the consumer is no address any more', async (scene) => {
  const { replier } = await requested(scene);
  assert.equal(await scene.channel.call('basic.cancel', { consumerTag: 'replies' }), { consumerTag: 'replies' });
  scene.channel.publish({ routingKey: freshName('any') }, 'question', { replyTo: REPLY_TO });
  const refusal = await scene.channel.refused();
  assert.is(refusal.text, 'PRECONDITION_FAILED - fast reply consumer does not exist');
  await replier.call('basic.qos');
});

const REFUSALS: readonly (readonly [title: string, provoke: (channel: RawChannel) => Promise<void>, text: string, method: string])[] = [
  [
    'a consumer that wants to acknowledge',
    async (channel) => channel.send('basic.consume', { queue: REPLY_TO }),
    'PRECONDITION_FAILED - reply consumer cannot acknowledge',
    'basic.consume',
  ],
  [
    'a second consumer on a channel',
    async (channel) => {
      await channel.consume(REPLY_TO, { noAck: true });
      channel.send('basic.consume', { queue: REPLY_TO, noAck: true });
    },
    'PRECONDITION_FAILED - reply consumer already set',
    'basic.consume',
  ],
  [
    'a request without a consumer',
    async (channel) => channel.publish({ routingKey: 'any' }, 'question', { replyTo: REPLY_TO }),
    'PRECONDITION_FAILED - fast reply consumer does not exist',
    'basic.publish',
  ],
];

for (const [title, provoke, text, method] of REFUSALS) {
  test(`${title} is refused`, async ({ channel }) => {
    await provoke(channel);
    assert.equal(await channel.refused(), { code: 406, text, method });
  });
}

test('each channel has a consumer of its own', async ({ channel, client }) => {
  await channel.consume(REPLY_TO, { noAck: true });
  const other = await client.openChannel(2);
  assert.match(await other.consume(REPLY_TO, { noAck: true }), /^amq\.ctag-/);
});

run();
