/**
 * x-delayed-retry-type, -min and -max (RabbitMQ's guide "Quorum Queues", section "Delayed Retry"; from 4.3). RabbitMQ before 4.3 has nothing
 * of the kind: against one of those there is nothing to compare.
 */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import type { Scene } from '../../support/conversation.ts';
import type { RawChannel } from '../../support/raw-channel.ts';
import { type RawValue, table } from '../../support/raw-table.ts';

const { test, run } = conversation('delayed retry');

const MIN_MS = 300;
/** Of what must not come back before a test ends. */
const FAR: Readonly<Record<string, RawValue>> = { 'x-delayed-retry-min': ['I', 3_600_000], 'x-delayed-retry-max': ['I', 3_600_000] };

async function delaying(scene: Scene, type: string, more: Readonly<Record<string, RawValue>> = {}): Promise<string> {
  const args = { 'x-delayed-retry-type': ['S', type], 'x-delayed-retry-min': ['I', MIN_MS], 'x-delayed-retry-max': ['I', 2 * MIN_MS], ...more } as const;
  return scene.sharedQueue({ arguments: table(args) });
}

/** Before the last message was given back: the broker cannot have begun to wait earlier. */
let givenBackAt = 0;

function giveBack(channel: RawChannel, method: 'basic.nack' | 'basic.reject', deliveryTag: number): void {
  givenBackAt = performance.now();
  channel.send(method, { deliveryTag, requeue: true });
}

/** The next delivery, which must be of `body`, and the milliseconds since something was given back. */
async function waitFor({ channel }: Scene, body: string): Promise<{ readonly ms: number; readonly deliveryTag: number; readonly headers: Buffer | undefined }> {
  const { text, fields, properties } = await channel.delivery();
  assert.is(text, body);
  return { ms: performance.now() - givenBackAt, deliveryTag: fields.deliveryTag, headers: properties.headers };
}

function assertBetween(ms: number, least: number): void {
  // The clock of the node counts whole milliseconds.
  assert.ok(ms >= least - 2, `${ms} ms are less than ${least}`);
}

test('what waits blocks nobody', async (scene) => {
  const { channel } = scene;
  const queue = await delaying(scene, 'all', FAR);
  await channel.consume(queue);
  channel.publish({ routingKey: queue }, 'a');
  giveBack(channel, 'basic.reject', (await waitFor(scene, 'a')).deliveryTag);
  channel.publish({ routingKey: queue }, 'b');
  await waitFor(scene, 'b');
  await channel.quiet(queue);
});

test('what comes back waits longer each time, up to the most', async (scene) => {
  const { channel } = scene;
  const queue = await delaying(scene, 'all');
  await channel.consume(queue);
  channel.publish({ routingKey: queue }, 'a');
  giveBack(channel, 'basic.reject', (await waitFor(scene, 'a')).deliveryTag);
  const first = await waitFor(scene, 'a');
  assertBetween(first.ms, MIN_MS);
  assert.equal(first.headers, table({ 'x-delivery-count': ['l', 1n] }));
  giveBack(channel, 'basic.nack', first.deliveryTag);
  const second = await waitFor(scene, 'a');
  assertBetween(second.ms, 2 * MIN_MS);
  giveBack(channel, 'basic.nack', second.deliveryTag);
  const third = await waitFor(scene, 'a');
  assertBetween(third.ms, 2 * MIN_MS);
  assert.equal(third.headers, table({ 'x-delivery-count': ['l', 3n] }));
});

test('what waits is in no count, and get does not find it', async (scene) => {
  const { channel } = scene;
  for (const times of [FAR, {}]) {
    const queue = await delaying(scene, 'all', times);
    channel.publish({ routingKey: queue }, 'a');
    giveBack(channel, 'basic.nack', (await channel.get(queue, false)).fields.deliveryTag);
    if (times === FAR) {
      channel.send('basic.get', { queue });
      await channel.expect('basic.get-empty');
      await channel.untilReady(queue, 0);
      continue;
    }
    await channel.untilReady(queue, 1);
    assertBetween(performance.now() - givenBackAt, MIN_MS);
    assert.is((await channel.get(queue)).fields.redelivered, true);
  }
});

test('a purge takes what waits', async (scene) => {
  const { channel } = scene;
  const queue = await delaying(scene, 'all', FAR);
  for (const body of ['a', 'b', 'c']) channel.publish({ routingKey: queue }, body);
  giveBack(channel, 'basic.nack', (await channel.get(queue, false)).fields.deliveryTag);
  await channel.untilReady(queue, 2);
  assert.equal(await channel.call('queue.purge', { queue }), { messageCount: 3 });
});

test('of type failed, what a consumer rejects or leaves waits, what it nacks does not', async (scene) => {
  const { channel } = scene;
  const queue = await delaying(scene, 'failed');
  const consumerTag = await channel.consume(queue);
  channel.publish({ routingKey: queue }, 'a');
  giveBack(channel, 'basic.reject', (await waitFor(scene, 'a')).deliveryTag);
  const rejected = await waitFor(scene, 'a');
  assertBetween(rejected.ms, MIN_MS);
  channel.send('basic.ack', { deliveryTag: rejected.deliveryTag });
  await channel.call('basic.cancel', { consumerTag });
  const far = await delaying(scene, 'failed', FAR);
  await channel.consume(far);
  channel.publish({ routingKey: far }, 'b');
  giveBack(channel, 'basic.nack', (await waitFor(scene, 'b')).deliveryTag);
  await waitFor(scene, 'b');
  await channel.call('channel.close', { replyCode: 200 });
  const other = await scene.client.openChannel(2);
  other.send('basic.get', { queue: far });
  await other.expect('basic.get-empty');
  assert.equal(await other.call('queue.purge', { queue: far }), { messageCount: 1 });
});

test('of type returned, what a consumer nacks or recovers waits, what it rejects does not', async (scene) => {
  const { channel } = scene;
  const far = await delaying(scene, 'returned', FAR);
  const consumerTag = await channel.consume(far);
  channel.publish({ routingKey: far }, 'b');
  giveBack(channel, 'basic.reject', (await waitFor(scene, 'b')).deliveryTag);
  channel.send('basic.ack', { deliveryTag: (await waitFor(scene, 'b')).deliveryTag });
  await channel.call('basic.cancel', { consumerTag });
  const queue = await delaying(scene, 'returned');
  await channel.consume(queue);
  channel.publish({ routingKey: queue }, 'a');
  giveBack(channel, 'basic.nack', (await waitFor(scene, 'a')).deliveryTag);
  assertBetween((await waitFor(scene, 'a')).ms, MIN_MS);
  givenBackAt = performance.now();
  await channel.call('basic.recover', { requeue: true });
  assertBetween((await waitFor(scene, 'a')).ms, MIN_MS);
});

test('the limit of deliveries ends it', async (scene) => {
  const { channel } = scene;
  const queue = await delaying(scene, 'all', { 'x-delivery-limit': ['I', 1], 'x-delayed-retry-min': ['I', 20] });
  await channel.consume(queue);
  channel.publish({ routingKey: queue }, 'a');
  giveBack(channel, 'basic.nack', (await waitFor(scene, 'a')).deliveryTag);
  giveBack(channel, 'basic.nack', (await waitFor(scene, 'a')).deliveryTag);
  channel.publish({ routingKey: queue }, 'b');
  await waitFor(scene, 'b');
  assert.equal(await channel.call('queue.purge', { queue }), { messageCount: 0 });
});

test('many come back in the order of their time, and then of their place', async (scene) => {
  const { channel } = scene;
  const queue = await delaying(scene, 'all', { 'x-delayed-retry-min': ['I', 30] });
  for (let body = 0; body < 50; body++) channel.publish({ routingKey: queue }, String(body));
  await channel.untilReady(queue, 50);
  for (let body = 0; body < 50; body++) await channel.get(queue, false);
  channel.send('basic.nack', { deliveryTag: 0, multiple: true, requeue: true });
  await channel.untilReady(queue, 50);
  await channel.consume(queue, { noAck: true });
  assert.equal((await channel.deliveries(50)).map(({ text }) => text), Array.from({ length: 50 }, (_, body) => String(body)));
});

const WRONG: readonly (readonly [Readonly<Record<string, RawValue>>, string])[] = [
  [{ 'x-delayed-retry-type': ['S', 'sometimes'], 'x-delayed-retry-min': ['I', 5] }, "invalid arg 'x-delayed-retry-type' for Q: invalid_delayed_retry_type"],
  [{ 'x-delayed-retry-type': ['S', 'all'] }, "invalid arg 'x-delayed-retry-type' for Q: delayed_retry_type_but_no_min_defined"],
  [{ 'x-delayed-retry-min': ['I', -1] }, "invalid arg 'x-delayed-retry-min' for Q: {value_negative,-1}"],
  [{ 'x-delayed-retry-max': ['S', 'x'] }, "invalid arg 'x-delayed-retry-max' for Q: \"expected integer, got longstr\""],
];

for (const [args, text] of WRONG) {
  test(`refuses: ${text}`, async ({ channel }) => {
    channel.send('queue.declare', { queue: 'wrong', arguments: table(args) });
    const refused = await channel.refused();
    assert.is(refused.code, 406);
    assert.is(refused.text, `PRECONDITION_FAILED - ${text.replace('Q', "queue 'wrong' in vhost '/'")}`);
  });
}

// Nothing here can be asked of a broker that does not know it.
if (process.env['LEVERET_TEST_URL'] === undefined) run();
