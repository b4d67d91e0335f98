/** Delivery tags: which can be settled, and what an unknown one does (RabbitMQ's guide "Consumer Acknowledgements"). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import type { RawChannel } from '../../support/raw-channel.ts';
import { freshName } from '../../support/fresh-name.ts';

const { test, run } = conversation('settle');

async function delivered(channel: RawChannel, count: number, noAck = false): Promise<string> {
  const queue = await channel.queue(freshName('settle'));
  for (let number = 1; number <= count; number += 1) channel.publish({ routingKey: queue }, String(number));
  for (let number = 1; number <= count; number += 1) await channel.get(queue, noAck);
  return queue;
}

const unknown = (deliveryTag: number, method: string): object => ({
  code: 406,
  text: `PRECONDITION_FAILED - unknown delivery tag ${deliveryTag}`,
  method,
});

for (const method of ['basic.ack', 'basic.nack', 'basic.reject'] as const) {
  test(`${method} of a tag that was never given`, async ({ channel }) => {
    await delivered(channel, 1);
    channel.send(method, { deliveryTag: 2 });
    assert.equal(await channel.refused(), unknown(2, method));
  });

  test(`${method} a second time`, async ({ channel }) => {
    await delivered(channel, 1);
    for (let round = 0; round < 2; round += 1) channel.send(method, { deliveryTag: 1 });
    assert.equal(await channel.refused(), unknown(1, method));
  });
}

test('a delivery without acknowledgement has a tag that cannot be settled', async ({ channel }) => {
  await delivered(channel, 1, true);
  channel.send('basic.ack', { deliveryTag: 1 });
  assert.equal(await channel.refused(), unknown(1, 'basic.ack'));
});

test("another channel's tag is unknown", async ({ channel, client }) => {
  await delivered(channel, 1);
  const other = await client.openChannel(2);
  other.send('basic.ack', { deliveryTag: 1 });
  assert.equal(await other.refused(), unknown(1, 'basic.ack'));
});

test('multiple with tag 0 is everything, and nothing when there is nothing', async ({ channel, client }) => {
  channel.send('basic.ack', { deliveryTag: 0, multiple: true });
  const queue = await delivered(channel, 3);
  channel.send('basic.ack', { deliveryTag: 0, multiple: true });
  await channel.call('channel.close', { replyCode: 200 });
  await client.openChannel(1);
  channel.send('basic.get', { queue });
  await channel.expect('basic.get-empty');
});

test('tag 0 without multiple is unknown', async ({ channel }) => {
  await delivered(channel, 1);
  channel.send('basic.ack', { deliveryTag: 0 });
  assert.equal(await channel.refused(), unknown(0, 'basic.ack'));
});

test('multiple settles the tags up to its own, the gap of a settled one included', async ({ channel, client }) => {
  const queue = await delivered(channel, 4);
  channel.send('basic.ack', { deliveryTag: 2 });
  channel.send('basic.ack', { deliveryTag: 3, multiple: true });
  await channel.call('channel.close', { replyCode: 200 });
  await client.openChannel(1);
  await channel.untilReady(queue, 1);
  assert.is((await channel.get(queue)).text, '4');
});

test('multiple with a tag above all is unknown', async ({ channel }) => {
  await delivered(channel, 2);
  channel.send('basic.ack', { deliveryTag: 3, multiple: true });
  assert.equal(await channel.refused(), unknown(3, 'basic.ack'));
});

test('multiple with a tag that is settled, and all below it', async ({ channel }) => {
  await delivered(channel, 2);
  for (let round = 0; round < 2; round += 1) channel.send('basic.ack', { deliveryTag: 2, multiple: true });
  assert.equal(await channel.refused(), unknown(2, 'basic.ack'));
});

test('tags of deliveries can be settled in any order', async ({ channel }) => {
  const queue = await delivered(channel, 5);
  for (const deliveryTag of [4, 2, 5, 1, 3]) channel.send('basic.ack', { deliveryTag });
  await channel.quiet(queue);
  assert.is((await channel.call('queue.delete', { queue })).messageCount, 0);
});

test('a negative acknowledgement of everything with tag 0', async ({ channel }) => {
  const queue = await delivered(channel, 2);
  channel.send('basic.nack', { deliveryTag: 0, multiple: true, requeue: true });
  await channel.untilReady(queue, 2);
  assert.is((await channel.get(queue)).text, '1');
});

run();
