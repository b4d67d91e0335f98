/** x-expires: a queue goes when nobody has used it for so long. */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { freshName } from '../../support/fresh-name.ts';
import type { RawChannel } from '../../support/raw-channel.ts';
import { table } from '../../support/raw-table.ts';

const { test, run } = conversation('queue expiry');

function fleeting(ms: number): { readonly exclusive: false; readonly arguments: Buffer } {
  return { exclusive: false, arguments: table({ 'x-expires': ['I', ms] }) };
}

/** Whether a message for the queue finds it: a question that does not count as a use. */
async function isThere(channel: RawChannel, queue: string): Promise<boolean> {
  channel.publish({ routingKey: queue, mandatory: true }, 'is anybody there');
  channel.send('basic.qos', { prefetchCount: 0 });
  const { name } = await channel.inbox.take('a return or nothing');
  if (name === 'basic.return') await channel.expect('basic.qos-ok');
  return name !== 'basic.return';
}

async function untilGone(channel: RawChannel, queue: string): Promise<void> {
  const givenUpAt = performance.now() + 5_000;
  while (await isThere(channel, queue)) assert.ok(performance.now() < givenUpAt, `${queue} is still there`);
}

/** Keeps asking whether the queue is there for so long. */
async function staysFor(channel: RawChannel, queue: string, ms: number, use: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + ms;
  while (performance.now() < until) {
    await use();
    assert.ok(await isThere(channel, queue), `${queue} is there`);
  }
}

test('an unused queue goes', async ({ channel }) => {
  const queue = await channel.queue(freshName('fleeting'), fleeting(50));
  await untilGone(channel, queue);
});

test('a durable one too', async ({ channel }) => {
  const queue = await channel.queue(freshName('fleeting'), { ...fleeting(50), durable: true });
  await untilGone(channel, queue);
});

test('messages do not keep it', async ({ channel }) => {
  const queue = await channel.queue(freshName('fleeting'), fleeting(100));
  channel.publish({ routingKey: queue }, 'x');
  await untilGone(channel, queue);
});

test('basic.get keeps it', async ({ channel }) => {
  const queue = await channel.queue(freshName('fleeting'), fleeting(300));
  channel.publish({ routingKey: queue }, 'x');
  await staysFor(channel, queue, 900, () => channel.get(queue));
  await untilGone(channel, queue);
});

test('a declaration keeps it', async ({ channel }) => {
  const queue = await channel.queue(freshName('fleeting'), fleeting(400));
  await staysFor(channel, queue, 1200, () => channel.call('queue.declare', { queue, ...fleeting(400) }));
  await untilGone(channel, queue);
});

test('a passive declaration keeps it', async ({ channel }) => {
  const queue = await channel.queue(freshName('fleeting'), fleeting(400));
  await staysFor(channel, queue, 1200, () => channel.call('queue.declare', { queue, passive: true }));
});

test('a consumer keeps it, and when the last one goes its time begins', async ({ channel }) => {
  const queue = await channel.queue(freshName('fleeting'), fleeting(200));
  const consumerTag = await channel.consume(queue, { noAck: true });
  await staysForConsumer(channel, queue, 600);
  await channel.call('basic.cancel', { consumerTag });
  assert.ok(await isThere(channel, queue));
  await untilGone(channel, queue);
});

/** The same for a queue that delivers each question at once. */
async function staysForConsumer(channel: RawChannel, queue: string, ms: number): Promise<void> {
  const until = performance.now() + ms;
  while (performance.now() < until) {
    channel.publish({ routingKey: queue, mandatory: true }, 'is anybody there');
    assert.is((await channel.delivery()).text, 'is anybody there');
  }
}

test('a connection that ends takes its consumer along', async (scene) => {
  const { channel } = scene;
  const queue = await channel.queue(freshName('fleeting'), fleeting(100));
  const other = await scene.connect();
  await (await other.openChannel()).consume(queue, { noAck: true });
  other.drop();
  await untilGone(channel, queue);
});

test('a time of 0 is refused', async ({ channel }) => {
  channel.send('queue.declare', { queue: freshName('fleeting'), ...fleeting(0) });
  assert.is((await channel.refused()).code, 406);
});

run();
