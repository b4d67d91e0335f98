/** x-expires: a queue goes when nobody has used it for so long. */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import type { Scene } from '../../support/conversation.ts';
import { DEADLINE_MS } from '../../support/deadline.ts';
import { freshName } from '../../support/fresh-name.ts';
import type { RawChannel } from '../../support/raw-channel.ts';
import { table } from '../../support/raw-table.ts';
import { TOO_LATE, timely } from '../../support/timely.ts';

const { test, run } = conversation('queue expiry');

/** Long beside the time between two questions. */
const KEPT_MS = 400;

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
  const givenUpAt = performance.now() + DEADLINE_MS;
  while (await isThere(channel, queue)) assert.ok(performance.now() < givenUpAt, `${queue} is still there`);
}

/**
 * Uses a queue with a message in it again and again, for thrice its time; `use` answers whether the queue was there until then. It may be
 * gone when two uses were so far apart that its time has passed.
 */
async function staysWhenUsed(scene: Scene, use: (channel: RawChannel, queue: string) => Promise<boolean>): Promise<void> {
  const { channel, queue } = await timely(async (number) => {
    const user = await scene.client.openChannel(2 + number);
    let lastMs = performance.now();
    const until = lastMs + 3 * KEPT_MS;
    const name = await user.queue(freshName('fleeting'), fleeting(KEPT_MS));
    await user.call('confirm.select');
    user.publish({ routingKey: name }, 'x');
    await user.expect('basic.ack');
    while (performance.now() < until) {
      const usedMs = performance.now();
      if (!(await use(user, name))) {
        const gapMs = performance.now() - lastMs;
        assert.ok(gapMs >= KEPT_MS, `${name} is gone, ${gapMs} ms after a use`);
        return TOO_LATE;
      }
      lastMs = usedMs;
    }
    return { channel: scene.channel, queue: name };
  });
  await untilGone(channel, queue);
}

/** Whether the channel's next answer has this name; the other one is the close of the channel. */
async function answers(channel: RawChannel, name: string): Promise<boolean> {
  return (await channel.inbox.take(name)).name === name;
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

test('basic.get keeps it', async (scene) => {
  await staysWhenUsed(scene, (channel, queue) => {
    channel.send('basic.get', { queue });
    channel.send('basic.nack', { deliveryTag: 0, multiple: true, requeue: true });
    return answers(channel, 'basic.get-ok');
  });
});

test('a declaration keeps it', async (scene) => {
  // One that is declared afresh has no message.
  await staysWhenUsed(scene, async (channel, queue) => (await channel.call('queue.declare', { queue, ...fleeting(KEPT_MS) })).messageCount > 0);
});

test('a passive declaration keeps it', async (scene) => {
  await staysWhenUsed(scene, (channel, queue) => {
    channel.send('queue.declare', { queue, passive: true });
    return answers(channel, 'queue.declare-ok');
  });
});

test('a consumer keeps it, and when the last one goes its time begins', async ({ channel }) => {
  const gone = await timely(async () => {
    const declaredMs = performance.now();
    const queue = await channel.queue(freshName('fleeting'), fleeting(KEPT_MS));
    channel.send('basic.consume', { queue, noAck: true, consumerTag: queue });
    if (!(await answers(channel, 'basic.consume-ok'))) {
      assert.ok(performance.now() - declaredMs >= KEPT_MS, 'it is gone before its time');
      channel.send('channel.close-ok');
      await channel.call('channel.open');
      return TOO_LATE;
    }
    await staysForConsumer(channel, queue, 2 * KEPT_MS);
    const cancelledMs = performance.now();
    await channel.call('basic.cancel', { consumerTag: queue });
    if (await isThere(channel, queue)) return queue;
    assert.ok(performance.now() - cancelledMs >= KEPT_MS, 'its time begins when the last consumer goes');
    return TOO_LATE;
  });
  await untilGone(channel, gone);
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
