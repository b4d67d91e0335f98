/** x-max-priority: who goes first, and what that means for limits, times and what comes back. */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { expired } from '../../support/dead-letters.ts';
import { freshName } from '../../support/fresh-name.ts';
import type { RawChannel } from '../../support/raw-channel.ts';
import { table } from '../../support/raw-table.ts';

const { test, run } = conversation('priority queue');

type Arguments = Parameters<typeof table>[0];

const LONG = '60000';

function queueOf(channel: RawChannel, max: number, more: Arguments = {}): Promise<string> {
  return channel.queue(freshName('priority'), { arguments: table({ 'x-max-priority': ['I', max], ...more }) });
}

/** Publishes bodies, each with the priority that is its first character; `-` for none. */
async function publishAll(channel: RawChannel, queue: string, bodies: readonly string[], ready = bodies.length): Promise<void> {
  for (const body of bodies) {
    const priority = body.split(' ')[0]!;
    channel.publish({ routingKey: queue }, body, priority === '-' ? {} : { priority: Number(priority) });
  }
  await channel.untilReady(queue, ready);
}

async function textsOf(channel: RawChannel, queue: string, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) texts.push((await channel.get(queue)).text);
  return texts;
}

/** Talks with the broker until so many milliseconds have passed. */
async function passes(channel: RawChannel, queue: string, ms: number): Promise<void> {
  const until = performance.now() + ms;
  while (performance.now() < until) await channel.call('queue.declare', { queue, passive: true });
}

test('a higher priority goes first, and the oldest of it before others', async ({ channel }) => {
  const queue = await queueOf(channel, 5);
  await publishAll(channel, queue, ['1 a', '5 a', '3 a', '5 b', '1 b', '3 b']);
  assert.equal(await textsOf(channel, queue, 6), ['5 a', '5 b', '3 a', '3 b', '1 a', '1 b']);
});

test('a priority above the highest counts as the highest, none as the lowest', async ({ channel }) => {
  const queue = await queueOf(channel, 2);
  await publishAll(channel, queue, ['- a', '0 b', '2 c', '255 d', '2 e', '1 f', '- g']);
  assert.equal(await textsOf(channel, queue, 7), ['2 c', '255 d', '2 e', '1 f', '- a', '0 b', '- g']);
});

test('all 256 priorities are told apart', async ({ channel }) => {
  const queue = await queueOf(channel, 255);
  const priorities = [0, 31, 32, 33, 63, 64, 127, 128, 200, 254, 255];
  await publishAll(channel, queue, priorities.map((priority) => `${priority} x`));
  assert.equal(await textsOf(channel, queue, priorities.length), priorities.reverse().map((priority) => `${priority} x`));
});

test('a queue that tells only 0 apart is one without', async ({ channel }) => {
  const queue = await queueOf(channel, 0);
  await publishAll(channel, queue, ['1 a', '5 b', '0 c']);
  assert.equal(await textsOf(channel, queue, 3), ['1 a', '5 b', '0 c']);
});

test('a queue without x-max-priority takes no notice of priorities', async ({ channel }) => {
  const queue = await channel.queue(freshName('plain'));
  await publishAll(channel, queue, ['1 a', '5 b', '0 c']);
  const [first, ...rest] = [await channel.get(queue), await channel.get(queue), await channel.get(queue)];
  assert.equal([first.text, first.properties.priority], ['1 a', 1]);
  assert.equal(rest.map(({ text }) => text), ['5 b', '0 c']);
});

test('a consumer gets the highest that there is when it can take one', async ({ channel }) => {
  const queue = await queueOf(channel, 9);
  await publishAll(channel, queue, ['1 a', '9 b', '1 c']);
  await channel.call('basic.qos', { prefetchCount: 1 });
  await channel.consume(queue);
  const first = await channel.delivery();
  assert.equal([first.text, first.properties.priority, first.fields.redelivered], ['9 b', 9, false]);
  await publishAll(channel, queue, ['5 d'], 3);
  channel.send('basic.ack', { deliveryTag: first.fields.deliveryTag });
  const second = await channel.delivery();
  assert.is(second.text, '5 d');
  channel.send('basic.ack', { deliveryTag: second.fields.deliveryTag });
  assert.is((await channel.delivery()).text, '1 a');
});

test('what is requeued goes back to its place among its priority', async ({ channel }) => {
  const queue = await queueOf(channel, 5);
  await publishAll(channel, queue, ['1 a', '3 a', '1 b', '3 b', '3 c']);
  const taken = [await channel.get(queue, false), await channel.get(queue, false), await channel.get(queue, false), await channel.get(queue, false)];
  assert.equal(taken.map(({ text }) => text), ['3 a', '3 b', '3 c', '1 a']);
  for (const index of [3, 1, 0]) channel.send('basic.reject', { deliveryTag: taken[index]!.fields.deliveryTag, requeue: true });
  await channel.untilReady(queue, 4);
  const again = [await channel.get(queue), await channel.get(queue), await channel.get(queue), await channel.get(queue)];
  assert.equal(again.map(({ text, fields }) => [text, fields.redelivered]), [['3 a', true], ['3 b', true], ['1 a', true], ['1 b', false]]);
});

test('what a channel held when it ended goes back to its place among its priority', async ({ channel, client }) => {
  const queue = await queueOf(channel, 5);
  await publishAll(channel, queue, ['1 a', '3 a', '1 b', '3 b', '5 a', '1 c']);
  const other = await client.openChannel(2);
  await other.call('basic.qos', { prefetchCount: 4 });
  await other.consume(queue);
  assert.equal((await other.deliveries(4)).map(({ text }) => text), ['5 a', '3 a', '3 b', '1 a']);
  await publishAll(channel, queue, ['3 c'], 3);
  await other.call('channel.close', { replyCode: 200 });
  await channel.untilReady(queue, 7);
  assert.equal(await textsOf(channel, queue, 7), ['5 a', '3 a', '3 b', '3 c', '1 a', '1 b', '1 c']);
});

test('a dead letter is sorted by the priority that it had', async ({ channel }) => {
  const sorted = await queueOf(channel, 5);
  const source = await channel.queue(freshName('source'), {
    arguments: table({ 'x-message-ttl': ['I', 0], 'x-dead-letter-exchange': ['S', ''], 'x-dead-letter-routing-key': ['S', sorted] }),
  });
  for (const [body, priority] of [['low', 1], ['high', 4], ['higher', 9]] as const) channel.publish({ routingKey: source }, body, { priority });
  await channel.untilReady(sorted, 3);
  assert.equal(await textsOf(channel, sorted, 3), ['higher', 'high', 'low']);
});

test('a limit drops the highest priority first', async ({ channel }) => {
  const queue = await queueOf(channel, 5, { 'x-max-length': ['I', 3] });
  await publishAll(channel, queue, ['1 a', '5 b', '3 c', '0 d'], 3);
  assert.equal(await textsOf(channel, queue, 3), ['3 c', '1 a', '0 d']);
  await publishAll(channel, queue, ['1 a', '1 b', '1 c', '5 d'], 3);
  assert.equal(await textsOf(channel, queue, 3), ['1 a', '1 b', '1 c']);
});

test('a limit of bytes drops the highest priority first', async ({ channel }) => {
  const queue = await queueOf(channel, 5, { 'x-max-length-bytes': ['I', 8] });
  await publishAll(channel, queue, ['1 aa', '5 bb', '0 c'], 2);
  assert.equal(await textsOf(channel, queue, 2), ['1 aa', '0 c']);
});

test('a full queue refuses whatever the priority', async ({ channel }) => {
  const queue = await queueOf(channel, 5, { 'x-max-length': ['I', 1], 'x-overflow': ['S', 'reject-publish'] });
  await channel.call('confirm.select');
  channel.publish({ routingKey: queue }, '1 a', { priority: 1 });
  await channel.expect('basic.ack');
  channel.publish({ routingKey: queue }, '5 b', { priority: 5 });
  await channel.expect('basic.nack');
  assert.equal(await textsOf(channel, queue, 1), ['1 a']);
});

test('what has expired behind a higher priority stays counted, and is not delivered', async ({ channel }) => {
  const queue = await queueOf(channel, 5);
  // First what stands in front: a low one that is alone for its millisecond is the head, and goes.
  channel.publish({ routingKey: queue }, 'high', { priority: 5, expiration: LONG });
  channel.publish({ routingKey: queue }, 'low', { priority: 1, expiration: '1' });
  channel.publish({ routingKey: queue }, 'lowest', {});
  await passes(channel, queue, 60);
  await channel.untilReady(queue, 3);
  assert.is((await channel.get(queue)).text, 'high');
  await channel.untilReady(queue, 1);
  assert.is((await channel.get(queue)).text, 'lowest');
});

test('what has expired goes as soon as it is the head', async ({ channel }) => {
  const grave = await channel.queue(freshName('grave'));
  const ttlMs = 200;
  const queue = await queueOf(channel, 5, { 'x-message-ttl': ['I', ttlMs], 'x-dead-letter-exchange': ['S', ''], 'x-dead-letter-routing-key': ['S', grave] });
  const sinceMs = performance.now();
  for (const [body, priority] of [['1 a', 1], ['5 b', 5], ['3 c', 3]] as const) channel.publish({ routingKey: queue }, body, { priority });
  for (let count = 0; count < 3; count++) await expired(channel, grave, queue, { sinceMs, ttlMs });
});

test('a purge takes all priorities along, and leaves what is unsettled', async ({ channel }) => {
  const queue = await queueOf(channel, 5);
  await publishAll(channel, queue, ['1 a', '5 b', '3 c', '0 d']);
  const held = await channel.get(queue, false);
  assert.is((await channel.call('queue.purge', { queue })).messageCount, 3);
  channel.send('basic.nack', { deliveryTag: held.fields.deliveryTag, requeue: true });
  await channel.untilReady(queue, 1);
  assert.is((await channel.call('queue.delete', { queue })).messageCount, 1);
});

test('only the active consumer is served, in the order of priorities', async ({ channel, client }) => {
  const queue = await queueOf(channel, 5, { 'x-single-active-consumer': ['t', true] });
  await publishAll(channel, queue, ['1 a', '5 b', '3 c']);
  const first = await channel.consume(queue, { consumerTag: 'first' });
  const other = await client.openChannel(2);
  await other.consume(queue, { consumerTag: 'second' });
  const seen = await channel.deliveries(3);
  assert.equal(seen.map(({ text, fields }) => [text, fields.consumerTag]), [['5 b', first], ['3 c', first], ['1 a', first]]);
});

test('the consumer with the higher priority gets the message with the higher priority', async ({ channel }) => {
  const queue = await queueOf(channel, 5);
  await publishAll(channel, queue, ['1 a', '5 b', '3 c']);
  await channel.call('basic.qos', { prefetchCount: 1 });
  await channel.consume(queue, { consumerTag: 'low' });
  assert.is((await channel.delivery()).text, '5 b');
  await channel.consume(queue, { consumerTag: 'high', arguments: table({ 'x-priority': ['I', 10] }) });
  const second = await channel.delivery();
  assert.equal([second.text, second.fields.consumerTag], ['3 c', 'high']);
});

for (const [max, term] of [
  [-1, '{value_negative,-1}'],
  [256, '{max_value_exceeded,256}'],
] as const) {
  test(`x-max-priority ${max} is refused`, async ({ channel }) => {
    const queue = freshName('refused');
    channel.send('queue.declare', { queue, arguments: table({ 'x-max-priority': ['I', max] }) });
    const { code, text } = await channel.refused();
    assert.equal([code, text], [406, `PRECONDITION_FAILED - invalid arg 'x-max-priority' for queue '${queue}' in vhost '/': ${term}`]);
  });
}

test('x-max-priority must be a number', async ({ channel }) => {
  const queue = freshName('refused');
  channel.send('queue.declare', { queue, arguments: table({ 'x-max-priority': ['S', 'high'] }) });
  assert.is((await channel.refused()).text, `PRECONDITION_FAILED - invalid arg 'x-max-priority' for queue '${queue}' in vhost '/': "expected integer, got longstr"`);
});

test('a queue keeps the x-max-priority that it was made with', async ({ channel, client }) => {
  const queue = await queueOf(channel, 5);
  channel.send('queue.declare', { queue, exclusive: true, arguments: table({ 'x-max-priority': ['I', 6] }) });
  const { text } = await channel.refused();
  assert.is(
    text,
    `PRECONDITION_FAILED - inequivalent arg 'x-max-priority' for queue '${queue}' in vhost '/': received '6' but current is '5'`,
  );
  const again = await client.openChannel(2);
  again.send('queue.declare', { queue, exclusive: true });
  assert.is(
    (await again.refused()).text,
    `PRECONDITION_FAILED - inequivalent arg 'x-max-priority' for queue '${queue}' in vhost '/': received none but current is the value '5' of type 'signedint'`,
  );
});

run();
