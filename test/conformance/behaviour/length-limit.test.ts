/** x-max-length and x-max-length-bytes, and who goes: the oldest, or whoever comes. */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { freshName } from '../../support/fresh-name.ts';
import type { RawChannel } from '../../support/raw-channel.ts';
import { table } from '../../support/raw-table.ts';

const { test, run } = conversation('length limit');

type Limits = { readonly messages?: number; readonly bytes?: number; readonly overflow?: string };

function limited(channel: RawChannel, { messages, bytes, overflow }: Limits): Promise<string> {
  return channel.queue(freshName('limited'), {
    arguments: table({
      ...(messages === undefined ? {} : { 'x-max-length': ['I', messages] }),
      ...(bytes === undefined ? {} : { 'x-max-length-bytes': ['I', bytes] }),
      ...(overflow === undefined ? {} : { 'x-overflow': ['S', overflow] }),
    }),
  });
}

function publishAll(channel: RawChannel, queue: string, bodies: readonly string[]): void {
  for (const body of bodies) channel.publish({ routingKey: queue }, body);
}

/** These bodies, and no others, are ready, in this order; all are taken. */
async function holds(channel: RawChannel, queue: string, expected: readonly string[]): Promise<void> {
  await channel.untilReady(queue, expected.length);
  const bodies: string[] = [];
  while (bodies.length < expected.length) bodies.push((await channel.get(queue)).text);
  assert.equal(bodies, expected);
}

/** Publishes one after the other, each when the one before is decided. Answers 'ack' or 'nack' for each. */
async function verdicts(channel: RawChannel, queue: string, bodies: readonly string[]): Promise<string[]> {
  const seen: string[] = [];
  for (const body of bodies) {
    channel.publish({ routingKey: queue }, body);
    seen.push((await channel.inbox.take('the verdict')).name.replace('basic.', ''));
  }
  return seen;
}

test('the oldest goes when there are too many messages', async ({ channel }) => {
  const queue = await limited(channel, { messages: 2 });
  publishAll(channel, queue, ['a', 'b', 'c', 'd']);
  await holds(channel, queue, ['c', 'd']);
});

test('the oldest go when bodies have too many bytes', async ({ channel }) => {
  const queue = await limited(channel, { bytes: 10 });
  publishAll(channel, queue, ['aaaa', 'bbbb', 'cc']);
  publishAll(channel, queue, ['ddddd']);
  await holds(channel, queue, ['cc', 'ddddd']);
});

test('bytes are those of the body alone', async ({ channel }) => {
  const queue = await limited(channel, { bytes: 8 });
  for (const body of ['aaaa', 'bbbb']) channel.publish({ routingKey: queue }, body, { correlationId: 'a'.repeat(200), type: 'b'.repeat(200) });
  await holds(channel, queue, ['aaaa', 'bbbb']);
});

test('messages without a body take no bytes', async ({ channel }) => {
  const queue = await limited(channel, { bytes: 0 });
  publishAll(channel, queue, ['', '', 'x', '']);
  await holds(channel, queue, ['']);
});

test('a body that is larger than the limit takes all others along, and itself', async ({ channel }) => {
  const queue = await limited(channel, { bytes: 5 });
  await channel.call('confirm.select');
  assert.equal(await verdicts(channel, queue, ['aa', 'bb', 'c'.repeat(6)]), ['ack', 'ack', 'ack']);
  await holds(channel, queue, []);
});

test('both limits count, whichever is reached first', async ({ channel }) => {
  const queue = await limited(channel, { messages: 3, bytes: 10 });
  publishAll(channel, queue, ['a', 'b', 'c', 'd']);
  await channel.untilReady(queue, 3);
  publishAll(channel, queue, ['e'.repeat(9)]);
  await holds(channel, queue, ['d', 'e'.repeat(9)]);
});

test('what is unsettled counts for neither limit', async ({ channel }) => {
  const queue = await limited(channel, { messages: 1, bytes: 4 });
  publishAll(channel, queue, ['aaaa']);
  await channel.get(queue, false);
  publishAll(channel, queue, ['bbbb']);
  await channel.get(queue, false);
  publishAll(channel, queue, ['cccc']);
  await holds(channel, queue, ['cccc']);
});

test('a message that comes back counts again, and is the oldest', async ({ channel }) => {
  const queue = await limited(channel, { bytes: 4 });
  publishAll(channel, queue, ['aaaa']);
  const { fields } = await channel.get(queue, false);
  publishAll(channel, queue, ['bbbb']);
  channel.send('basic.reject', { deliveryTag: fields.deliveryTag, requeue: true });
  await channel.untilReady(queue, 1);
  await holds(channel, queue, ['bbbb']);
});

test('what comes back is too much before a consumer is asked', async ({ channel }) => {
  const queue = await limited(channel, { messages: 1 });
  await channel.call('basic.qos', { prefetchCount: 1 });
  await channel.consume(queue);
  publishAll(channel, queue, ['a']);
  const { fields } = await channel.delivery();
  publishAll(channel, queue, ['b']);
  await channel.untilReady(queue, 1);
  channel.send('basic.reject', { deliveryTag: fields.deliveryTag, requeue: true });
  assert.is((await channel.delivery()).text, 'b');
  await channel.untilReady(queue, 0);
});

test('what is purged or acknowledged makes room', async ({ channel }) => {
  const queue = await limited(channel, { bytes: 4, overflow: 'reject-publish' });
  await channel.call('confirm.select');
  assert.equal(await verdicts(channel, queue, ['aaaa', 'b']), ['ack', 'nack']);
  await channel.call('queue.purge', { queue });
  assert.equal(await verdicts(channel, queue, ['bbb', 'c', 'd']), ['ack', 'ack', 'nack']);
  await channel.get(queue);
  assert.equal(await verdicts(channel, queue, ['eee', 'f']), ['ack', 'nack']);
});

for (const overflow of ['reject-publish', 'reject-publish-dlx']) {
  test(`with ${overflow} a message that would be too much is refused, and a smaller one is not`, async ({ channel }) => {
    const queue = await limited(channel, { bytes: 10, overflow });
    await channel.call('confirm.select');
    assert.equal(await verdicts(channel, queue, ['a'.repeat(8), 'bbb', 'cc', 'd', '']), ['ack', 'nack', 'ack', 'nack', 'ack']);
    await holds(channel, queue, ['a'.repeat(8), 'cc', '']);
  });
}

test('of many publishes at once only those that are too much are refused', async ({ channel }) => {
  const queue = await limited(channel, { bytes: 10, overflow: 'reject-publish' });
  const bodies = ['aaaa', 'b'.repeat(7), 'cccc', 'dddd', 'ee', 'f', ''];
  publishAll(channel, queue, bodies);
  await channel.untilReady(queue, 4);
  await holds(channel, queue, ['aaaa', 'cccc', 'ee', '']);
});

test('without confirms what is refused is gone without a word', async ({ channel }) => {
  const queue = await limited(channel, { messages: 1, overflow: 'reject-publish' });
  publishAll(channel, queue, ['a', 'b']);
  await channel.quiet(queue);
  await holds(channel, queue, ['a']);
});

test('a queue that holds nothing delivers nothing', async ({ channel }) => {
  const queue = await limited(channel, { messages: 0, overflow: 'reject-publish' });
  await channel.call('confirm.select');
  await channel.consume(queue);
  assert.equal(await verdicts(channel, queue, ['a']), ['nack']);
});

test('a queue that holds nothing hands on what a consumer takes at once', async ({ channel }) => {
  const queue = await limited(channel, { bytes: 0 });
  await channel.consume(queue, { noAck: true });
  publishAll(channel, queue, ['aaaa']);
  assert.is((await channel.delivery()).text, 'aaaa');
});

test('what has expired is not in the way of what comes with it', async ({ channel }) => {
  const args = table({ 'x-max-length': ['I', 3], 'x-message-ttl': ['I', 0], 'x-overflow': ['S', 'reject-publish'] });
  const queue = await channel.queue(freshName('limit'), { arguments: args });
  await channel.call('confirm.select');
  for (let count = 0; count < 5; count++) channel.publish({ routingKey: queue }, 'gone');
  for (let confirmed = 0; confirmed < 5; ) confirmed = Number((await channel.expect('basic.ack')).deliveryTag);
});

run();
