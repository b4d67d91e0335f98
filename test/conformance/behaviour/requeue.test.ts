/** Requeued messages go back to their old place and are marked (RabbitMQ's guide "Queues", section "Ordering"). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import type { Scene } from '../../support/conversation.ts';
import type { RawChannel } from '../../support/raw-channel.ts';
import { freshName } from '../../support/fresh-name.ts';

const { test, run } = conversation('requeue');

/** A shared queue holding a, b, c, d. */
async function lettered(scene: Scene): Promise<string> {
  const queue = await scene.sharedQueue();
  for (const body of ['a', 'b', 'c', 'd']) scene.channel.publish({ routingKey: queue }, body);
  await scene.channel.untilReady(queue, 4);
  return queue;
}

/** Everything in the queue, in order; a redelivered message is written with a star. */
async function contents(channel: RawChannel, queue: string, count: number): Promise<string> {
  let found = '';
  await channel.untilReady(queue, count);
  while (count-- > 0) {
    const { text, fields } = await channel.get(queue);
    found += fields.redelivered ? `${text}*` : text;
  }
  channel.send('basic.get', { queue });
  await channel.expect('basic.get-empty');
  return found;
}

async function takeAll(channel: RawChannel, queue: string, count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) await channel.get(queue, false);
}

test('reject puts one back to its place', async (scene) => {
  const queue = await lettered(scene);
  await takeAll(scene.channel, queue, 3);
  scene.channel.send('basic.reject', { deliveryTag: 2, requeue: true });
  assert.is(await contents(scene.channel, queue, 2), 'b*d');
});

test('nack of many puts them back in their order', async (scene) => {
  const queue = await lettered(scene);
  await takeAll(scene.channel, queue, 3);
  scene.channel.send('basic.nack', { deliveryTag: 2, multiple: true, requeue: true });
  scene.channel.send('basic.ack', { deliveryTag: 3 });
  assert.is(await contents(scene.channel, queue, 3), 'a*b*d');
});

test('nacks in any order end in the old order', async (scene) => {
  const queue = await lettered(scene);
  await takeAll(scene.channel, queue, 4);
  for (const deliveryTag of [3, 1, 4, 2]) scene.channel.send('basic.nack', { deliveryTag, requeue: true });
  assert.is(await contents(scene.channel, queue, 4), 'a*b*c*d*');
});

test('nack without requeue drops', async (scene) => {
  const queue = await lettered(scene);
  await takeAll(scene.channel, queue, 3);
  scene.channel.send('basic.nack', { deliveryTag: 2, multiple: true, requeue: false });
  scene.channel.send('basic.reject', { deliveryTag: 3, requeue: false });
  assert.is(await contents(scene.channel, queue, 1), 'd');
});

test('recover puts everything of the channel back', async (scene) => {
  const queue = await lettered(scene);
  await takeAll(scene.channel, queue, 2);
  await scene.channel.call('basic.recover', { requeue: true });
  assert.is(await contents(scene.channel, queue, 4), 'a*b*cd');
});

test('recover-async does the same without an answer', async (scene) => {
  const queue = await lettered(scene);
  await takeAll(scene.channel, queue, 2);
  scene.channel.send('basic.recover-async', { requeue: true });
  assert.is(await contents(scene.channel, queue, 4), 'a*b*cd');
});

test('closing the channel puts everything back', async (scene) => {
  const queue = await lettered(scene);
  const other = await scene.client.openChannel(2);
  await takeAll(other, queue, 3);
  await other.call('channel.close', { replyCode: 200 });
  assert.is(await contents(scene.channel, queue, 4), 'a*b*c*d');
});

test('closing the connection puts everything back before close-ok', async (scene) => {
  const queue = await lettered(scene);
  const other = await scene.connect();
  await takeAll(await other.openChannel(), queue, 3);
  await other.close();
  assert.is(await contents(scene.channel, queue, 4), 'a*b*c*d');
});

test('losing the connection puts everything back', async (scene) => {
  const queue = await lettered(scene);
  const other = await scene.connect();
  const channel = await other.openChannel();
  await channel.consume(queue);
  await channel.deliveries(4);
  channel.send('basic.ack', { deliveryTag: 1 });
  await scene.channel.quiet(queue);
  channel.send('basic.qos', {});
  await channel.expect('basic.qos-ok');
  other.drop();
  assert.is(await contents(scene.channel, queue, 3), 'b*c*d*');
});

test('an error of the channel puts everything back', async (scene) => {
  const queue = await lettered(scene);
  const other = await scene.client.openChannel(2);
  await takeAll(other, queue, 2);
  other.send('basic.ack', { deliveryTag: 9 });
  assert.is((await other.refused()).code, 406);
  assert.is(await contents(scene.channel, queue, 4), 'a*b*cd');
});

test('what came back goes to another consumer before what is newer', async (scene) => {
  const queue = await lettered(scene);
  const other = await scene.client.openChannel(2);
  await other.call('basic.qos', { prefetchCount: 1 });
  await other.consume(queue);
  const first = await other.delivery();
  assert.is(first.text, 'a');
  other.send('basic.nack', { deliveryTag: first.fields.deliveryTag, requeue: true });
  const again = await other.delivery();
  assert.is(again.text, 'a');
  assert.is(again.fields.redelivered, true);
  assert.is(again.fields.deliveryTag, 2);
});

test('a message that was dropped by its queue is not marked elsewhere', async (scene) => {
  const queue = await scene.channel.queue(freshName('fresh'));
  scene.channel.publish({ routingKey: queue }, 'x');
  const { fields } = await scene.channel.get(queue, false);
  assert.is(fields.redelivered, false);
  scene.channel.send('basic.ack', { deliveryTag: fields.deliveryTag });
  scene.channel.publish({ routingKey: queue }, 'y');
  assert.is((await scene.channel.get(queue)).fields.redelivered, false);
});

run();
