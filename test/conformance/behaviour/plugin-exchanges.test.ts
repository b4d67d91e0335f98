/**
 * Exchange types that RabbitMQ has in plugins: x-consistent-hash, x-modulus-hash, x-random. Against RabbitMQ this needs its plugins
 * rabbitmq_consistent_hash_exchange, rabbitmq_sharding and rabbitmq_random_exchange.
 */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import type { Scene } from '../../support/conversation.ts';
import { freshName } from '../../support/fresh-name.ts';
import type { RawProperties } from '../../support/raw-properties.ts';
import { table } from '../../support/raw-table.ts';
import type { RawValue } from '../../support/raw-table.ts';

const { test, run } = conversation('exchanges of plugins');

async function declared(scene: Scene, type: string, args: Record<string, RawValue> = {}): Promise<string> {
  return scene.exchange(type, { arguments: table(args) });
}

async function bound({ channel }: Scene, exchange: string, routingKey: string): Promise<string> {
  const queue = await channel.queue(freshName('bound'));
  await channel.call('queue.bind', { queue, exchange, routingKey });
  return queue;
}

/** How many messages each queue got, in the order of queues, of the first publishes on a confirming channel; what is unroutable fails the test. */
async function counts({ channel }: Scene, exchange: string, queues: readonly string[], messages: readonly [key: string, properties?: RawProperties][]): Promise<number[]> {
  for (const [routingKey, properties] of messages) channel.publish({ exchange, routingKey, mandatory: true }, 'm', properties);
  const missing = new Set(messages.map((_, index) => index + 1));
  while (missing.size > 0) {
    const { deliveryTag, multiple } = await channel.expect('basic.ack');
    for (const tag of missing) if (tag === Number(deliveryTag) || (multiple && tag < Number(deliveryTag))) missing.delete(tag);
  }
  const found: number[] = [];
  for (const queue of queues) found.push((await channel.call('queue.purge', { queue })).messageCount);
  return found;
}

async function refusal({ client }: Scene, number: number, say: (channel: Awaited<ReturnType<typeof client.openChannel>>) => void): Promise<string> {
  const channel = await client.openChannel(number);
  say(channel);
  const { code, text } = await channel.refused();
  return `${code} ${text}`;
}

for (const type of ['x-consistent-hash', 'x-modulus-hash', 'x-random']) {
  test(`${type}: each message to one queue, all queues get some, without bindings unroutable`, async (scene) => {
    const { channel } = scene;
    const exchange = await declared(scene, type);
    await channel.call('confirm.select');
    channel.publish({ exchange, routingKey: 'k', mandatory: true }, 'nobody');
    assert.is((await channel.expectContent('basic.return')).fields.replyText, 'NO_ROUTE');
    await channel.expect('basic.ack');
    const queues = [await bound(scene, exchange, '1'), await bound(scene, exchange, '1'), await bound(scene, exchange, '1')];
    const other = await scene.client.openChannel(2);
    await other.call('confirm.select');
    const found = await counts({ channel: other } as Scene, exchange, queues, Array.from({ length: 300 }, (_, index) => [`key.${index}`]));
    assert.is(found.reduce((sum, count) => sum + count, 0), 300);
    for (const count of found) assert.ok(count > 30, `${found}`);
  });
}

for (const type of ['x-consistent-hash', 'x-modulus-hash']) {
  test(`${type}: the same key always to the same queue, from any channel`, async (scene) => {
    const exchange = await declared(scene, type);
    const queues = [await bound(scene, exchange, '1'), await bound(scene, exchange, '2'), await bound(scene, exchange, '3')];
    for (let number = 2; number < 5; number++) {
      const channel = await scene.client.openChannel(number);
      await channel.call('confirm.select');
      const found = await counts({ channel } as Scene, exchange, queues, Array.from({ length: 20 }, () => [`the key`]));
      assert.equal(found.toSorted((a, b) => a - b), [0, 0, 20]);
    }
  });
}

test('x-consistent-hash: keys of CC do not multiply', async (scene) => {
  const { channel } = scene;
  const exchange = await declared(scene, 'x-consistent-hash');
  const queues = [await bound(scene, exchange, '1'), await bound(scene, exchange, '1')];
  await channel.call('confirm.select');
  const headers = table({ CC: ['A', [['S', 'a'], ['S', 'b'], ['S', 'c'], ['S', 'd']]] });
  const found = await counts(scene, exchange, queues, Array.from({ length: 20 }, (_, index) => [`${index}`, { headers }]));
  assert.is(found[0]! + found[1]!, 20);
});

const HASHED: readonly [title: string, args: Record<string, RawValue>, make: (value: number) => RawProperties][] = [
  ['a header', { 'hash-header': ['S', 'who'] }, (value) => ({ headers: table({ who: ['S', `w${value}`] }) })],
  ['message-id', { 'hash-property': ['S', 'message_id'] }, (value) => ({ messageId: `m${value}` })],
  ['correlation-id', { 'hash-property': ['S', 'correlation_id'] }, (value) => ({ correlationId: `c${value}`, deliveryMode: 2 })],
  ['timestamp', { 'hash-property': ['S', 'timestamp'] }, (value) => ({ timestamp: value })],
];

for (const [title, args, make] of HASHED) {
  test(`x-consistent-hash of ${title}: the routing key does not count, a missing value is one value`, async (scene) => {
    const { channel } = scene;
    const exchange = await declared(scene, 'x-consistent-hash', args);
    const queues = [await bound(scene, exchange, '1'), await bound(scene, exchange, '1'), await bound(scene, exchange, '1')];
    await channel.call('confirm.select');
    const sorted = async (number: number, messages: [string, RawProperties?][]): Promise<number[]> => {
      const on = await scene.client.openChannel(number);
      await on.call('confirm.select');
      return (await counts({ channel: on } as Scene, exchange, queues, messages)).toSorted((a, b) => a - b);
    };
    assert.equal(await sorted(2, Array.from({ length: 20 }, (_, index) => [`key ${index}`, make(7)])), [0, 0, 20]);
    assert.equal(await sorted(3, Array.from({ length: 20 }, (_, index) => [`key ${index}`])), [0, 0, 20]);
    const spread = await sorted(4, Array.from({ length: 200 }, (_, index) => ['the key', make(index)]));
    assert.ok(spread[0]! > 20, `${spread}`);
  });
}

test('x-consistent-hash: a destination bound twice counts once', async (scene) => {
  const { channel } = scene;
  const exchange = await declared(scene, 'x-consistent-hash');
  const queues = [await bound(scene, exchange, '1'), await bound(scene, exchange, '1')];
  await channel.call('queue.bind', { queue: queues[0]!, exchange, routingKey: '1000' });
  await channel.call('confirm.select');
  const found = await counts(scene, exchange, queues, Array.from({ length: 200 }, (_, index) => [`${index}`]));
  assert.ok(found[1]! > 50, `${found}`);
});

test('x-random: a queue bound twice is drawn twice as often, an exchange may be a destination', async (scene) => {
  const { channel } = scene;
  const exchange = await declared(scene, 'x-random');
  const behind = await scene.exchange('fanout');
  const queues = [await bound(scene, exchange, 'a'), await bound(scene, behind, '')];
  await channel.call('queue.bind', { queue: queues[0]!, exchange, routingKey: 'b' });
  await channel.call('exchange.bind', { destination: behind, source: exchange });
  await channel.call('confirm.select');
  const [twice = 0, once = 0] = await counts(scene, exchange, queues, Array.from({ length: 600 }, () => ['k']));
  assert.is(twice + once, 600);
  assert.ok(twice > 330 && twice < 470, `${twice}`);
});

test('an alternate exchange gets what a choosing exchange has nobody for', async (scene) => {
  const { channel } = scene;
  const alternate = await scene.exchange('fanout');
  const exchange = await declared(scene, 'x-random', { 'alternate-exchange': ['S', alternate] });
  const queue = await bound(scene, alternate, '');
  await channel.call('confirm.select');
  assert.equal(await counts(scene, exchange, [queue], [['k']]), [1]);
});

test('refusals of x-consistent-hash', async (scene) => {
  const both = table({ 'hash-header': ['S', 'a'], 'hash-property': ['S', 'message_id'] });
  const other = table({ 'hash-property': ['S', 'app_id'] });
  const exchange = await declared(scene, 'x-consistent-hash');
  const queue = await bound(scene, exchange, '1');
  const declare = (number: number, args: Buffer) =>
    refusal(scene, number, (channel) => channel.send('exchange.declare', { exchange: freshName('refused'), type: 'x-consistent-hash', arguments: args }));
  const bind = (number: number, routingKey: string) => refusal(scene, number, (channel) => channel.send('queue.bind', { queue, exchange, routingKey }));
  assert.is(await declare(2, both), '406 PRECONDITION_FAILED - hash-header and hash-property are mutually exclusive');
  assert.is(await declare(3, other), '406 PRECONDITION_FAILED - Unsupported property: app_id');
  assert.is(await bind(4, 'heavy'), '406 PRECONDITION_FAILED - The binding key must be an integer: <<"heavy">>');
  assert.is(await bind(5, ''), '406 PRECONDITION_FAILED - The binding key must be an integer: <<>>');
  assert.is(await bind(6, '1.5'), '406 PRECONDITION_FAILED - The binding key must be an integer: <<"1.5">>');
  assert.is(await bind(7, '0'), '406 PRECONDITION_FAILED - The binding key must be greater than 0');
  assert.is(await bind(8, '-3'), '406 PRECONDITION_FAILED - The binding key must be greater than 0');
});

run();
