/** queue.declare to the letter (RabbitMQ's guide "Queues"; rabbit_amqqueue). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { freshName } from '../../support/fresh-name.ts';
import { table } from '../../support/raw-table.ts';

const { test, run } = conversation('queue declare');

test('a nameless queue gets a name of the broker', async ({ channel }) => {
  const first = await channel.queue('');
  const second = await channel.queue('');
  assert.match(first, /^amq\.gen-[\w-]{22}$/);
  assert.match(second, /^amq\.gen-[\w-]{22}$/);
  assert.is.not(first, second);
});

test("the broker's own name may be declared passively, not again", async ({ channel }) => {
  const queue = await channel.queue('');
  assert.is((await channel.call('queue.declare', { queue, passive: true })).queue, queue);
  channel.send('queue.declare', { queue, exclusive: true });
  assert.equal(await channel.refused(), {
    code: 403,
    text: `ACCESS_REFUSED - queue name '${queue}' contains reserved prefix 'amq.*'`,
    method: 'queue.declare',
  });
});

test('an empty name stands for the queue declared last on the channel', async ({ channel }) => {
  const queue = await channel.queue('');
  await channel.call('queue.bind', { exchange: 'amq.direct', routingKey: queue });
  channel.publish({ exchange: 'amq.direct', routingKey: queue }, 'x');
  assert.is((await channel.get('')).text, 'x');
  channel.publish({ routingKey: queue }, 'y');
  await channel.untilReady(queue, 1);
  assert.is((await channel.call('queue.purge')).messageCount, 1);
  await channel.consume('');
  await channel.call('queue.delete');
});

test('an empty name with an empty key binds the queue under its own name', async ({ channel }) => {
  const queue = await channel.queue('');
  await channel.call('queue.bind', { exchange: 'amq.direct' });
  channel.publish({ exchange: 'amq.direct', routingKey: queue }, 'x');
  assert.is((await channel.get(queue)).text, 'x');
});

test('declare-ok counts the messages ready and the consumers', async ({ channel }) => {
  const queue = await channel.queue(freshName('counts'));
  for (const body of ['a', 'b', 'c']) channel.publish({ routingKey: queue }, body);
  await channel.get(queue, false);
  assert.equal(await channel.call('queue.declare', { queue, exclusive: true }), { queue, messageCount: 2, consumerCount: 0 });
  await channel.call('basic.qos', { prefetchCount: 1 });
  await channel.consume(queue);
  assert.is((await channel.delivery()).text, 'b');
  assert.equal(await channel.call('queue.declare', { queue, passive: true }), { queue, messageCount: 1, consumerCount: 1 });
});

test('an equal declare is accepted, numbers of any width', async ({ channel }) => {
  const queue = freshName('equal');
  await channel.queue(queue, { arguments: table({ 'x-message-ttl': ['I', 60_000], 'x-max-length': ['s', 9] }) });
  await channel.queue(queue, { arguments: table({ 'x-max-length': ['l', 9n], 'x-message-ttl': ['l', 60_000n] }) });
});

test('arguments that mean nothing are not compared', async ({ channel }) => {
  const queue = freshName('loose');
  await channel.queue(queue, { arguments: table({ colour: ['S', 'red'] }) });
  await channel.queue(queue, { arguments: table({ colour: ['S', 'blue'] }) });
});

test('an absent queue type is the classic one', async ({ channel }) => {
  const queue = await channel.queue(freshName('classic'));
  await channel.queue(queue, { arguments: table({ 'x-queue-type': ['S', 'classic'] }) });
});

test('a passive declare compares nothing', async (scene) => {
  const queue = await scene.sharedQueue({ durable: true, arguments: table({ 'x-max-length': ['I', 5] }) });
  await scene.channel.call('queue.declare', { queue, passive: true });
});

test('an exclusive queue ends with its connection', async (scene) => {
  const other = await scene.connect();
  const queue = await (await other.openChannel()).queue(freshName('exclusive'), { durable: true });
  await other.close();
  scene.channel.send('queue.declare', { queue, passive: true });
  assert.is((await scene.channel.refused()).code, 404);
});

test('an exclusive queue outlives its channel', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('exclusive'));
  await channel.call('channel.close', { replyCode: 200 });
  const other = await client.openChannel(2);
  await other.call('queue.declare', { queue, passive: true });
});

test('the durable flag of an exclusive queue is not compared', async ({ channel }) => {
  const queue = await channel.queue(freshName('exclusive'));
  await channel.queue(queue, { durable: true });
});

test('an auto-delete queue stays until it has lost its last consumer', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('auto'), { exclusive: false, autoDelete: true });
  channel.publish({ routingKey: queue }, 'x');
  await channel.get(queue);
  const first = await channel.consume(queue);
  const second = await channel.consume(queue);
  await channel.call('basic.cancel', { consumerTag: first });
  const other = await client.openChannel(2);
  await other.call('queue.declare', { queue, passive: true });
  await channel.call('basic.cancel', { consumerTag: second });
  other.send('queue.declare', { queue, passive: true });
  assert.is((await other.refused()).code, 404);
});

test('an auto-delete queue goes with the channel of its last consumer', async ({ channel, client }) => {
  const queue = await channel.queue(freshName('auto'), { exclusive: false, autoDelete: true });
  await channel.consume(queue);
  await channel.call('channel.close', { replyCode: 200 });
  const other = await client.openChannel(2);
  other.send('queue.declare', { queue, passive: true });
  assert.is((await other.refused()).code, 404);
});

test('line breaks are taken out of a name', async ({ channel }) => {
  const name = freshName('line');
  assert.is(await channel.queue(`${name}\r\n`), name);
});

test('a name of 255 bytes and one in UTF-8 are kept', async ({ channel }) => {
  const long = freshName('long').padEnd(255, 'x');
  assert.is(await channel.queue(long), long);
  const foreign = freshName('žluťoučký-兎');
  assert.is(await channel.queue(foreign), foreign);
  channel.publish({ routingKey: foreign }, 'hop');
  assert.is((await channel.get(foreign)).fields.routingKey, foreign);
});

run();
