/** What a quorum queue is not, and how RabbitMQ says so (guide "Quorum Queues"; texts of 3.10.8, the same to 4.3). */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import type { Scene } from '../../support/conversation.ts';
import type { Refusal } from '../../support/raw-channel.ts';
import { freshName } from '../../support/fresh-name.ts';
import type { MethodFields } from '../../support/raw-methods.ts';
import { type RawValue, table } from '../../support/raw-table.ts';

const { test, run } = conversation('quorum queue');

type Arguments = Readonly<Record<string, RawValue>>;
type Declared = Partial<Omit<MethodFields<'queue.declare'>, 'arguments'>>;

const QUORUM: Arguments = { 'x-queue-type': ['S', 'quorum'] };

async function quorum(scene: Scene, more: Arguments = {}): Promise<string> {
  return scene.sharedQueue({ durable: true, arguments: table({ ...QUORUM, ...more }) });
}

function refusal(code: number, text: string, method: string): Refusal {
  const names: Readonly<Record<number, string>> = { 405: 'RESOURCE_LOCKED', 406: 'PRECONDITION_FAILED', 540: 'NOT_IMPLEMENTED' };
  return { code, text: `${names[code]} - ${text}`, method };
}

const PROPERTIES: readonly (readonly [string, Declared, string])[] = [
  ['transient', { durable: false }, 'non-durable'],
  ['exclusive', { exclusive: true }, 'exclusive-owner'],
  ['of itself deleted', { autoDelete: true }, 'auto-delete'],
  ['all of them', { durable: false, exclusive: true, autoDelete: true }, 'auto-delete'],
  ['exclusive and transient', { durable: false, exclusive: true }, 'exclusive-owner'],
];

for (const [title, fields, property] of PROPERTIES) {
  test(`is not ${title}`, async ({ channel }) => {
    const queue = freshName('quorum');
    channel.send('queue.declare', { queue, durable: true, ...fields, arguments: table(QUORUM) });
    assert.equal(await channel.refused(), refusal(406, `invalid property '${property}' for queue '${queue}' in vhost '/'`, 'queue.declare'));
  });
}

test('has a name of its own', async ({ channel }) => {
  channel.send('queue.declare', { queue: '', durable: true, arguments: table(QUORUM) });
  assert.equal(await channel.refused(), refusal(406, 'Cannot declare a server-named queue for type rabbit_quorum_queue', 'queue.declare'));
});

const FOREIGN = ' of queue type rabbit_quorum_queue';
const WRONG: readonly (readonly [string, RawValue, string])[] = [
  ['x-max-priority', ['I', 3], FOREIGN],
  ['x-queue-mode', ['S', 'lazy'], FOREIGN],
  ['x-queue-version', ['I', 2], FOREIGN],
  ['x-queue-master-locator', ['S', 'min-masters'], FOREIGN],
  ['x-max-age', ['S', '1h'], FOREIGN],
  ['x-quorum-initial-group-size', ['I', 0], ': {value_zero,0}'],
  ['x-quorum-initial-group-size', ['I', -1], ': {value_negative,-1}'],
  ['x-queue-leader-locator', ['S', 'nowhere'], ': invalid_queue_locator_arg'],
  ['x-dead-letter-strategy', ['S', 'now-and-then'], ': invalid_dlx_strategy'],
  ['x-queue-type', ['S', 'heap'], ": \"unsupported queue type 'heap'\""],
  ['x-queue-type', ['I', 1], ': {unacceptable_type,signedint}'],
];

for (const [name, value, text] of WRONG) {
  test(`does not take ${name} ${String(value[1])}`, async ({ channel }) => {
    const queue = freshName('quorum');
    channel.send('queue.declare', { queue, durable: true, arguments: table({ ...QUORUM, [name]: value }) });
    assert.equal(await channel.refused(), refusal(406, `invalid arg '${name}' for queue '${queue}' in vhost '/'${text}`, 'queue.declare'));
  });
}

const RIGHT: readonly (readonly [string, RawValue])[] = [
  ['x-overflow', ['S', 'reject-publish-dlx']],
  ['x-delivery-limit', ['I', -1]],
  ['x-dead-letter-strategy', ['S', 'at-least-once']],
  ['x-single-active-consumer', ['t', true]],
  ['x-queue-leader-locator', ['S', 'balanced']],
  ['x-quorum-initial-group-size', ['I', 3]],
  ['x-consumer-timeout', ['I', 600_000]],
];

for (const [name, value] of RIGHT) {
  test(`takes ${name}`, async (scene) => {
    await quorum(scene, { [name]: value });
  });
}

for (const [title, flags, flag] of [
  ['if-unused', { ifUnused: true }, 'if-unused'],
  ['if-empty', { ifEmpty: true }, 'if-empty'],
  ['both', { ifUnused: true, ifEmpty: true }, 'if-unused'],
] as const) {
  test(`is not deleted with ${title}`, async (scene) => {
    const queue = await quorum(scene);
    scene.channel.send('queue.delete', { queue, ...flags });
    const text = `cannot delete queue '${queue}' in vhost '/'. queue.delete operations with ${flag} flag set are not supported by quorum queues`;
    assert.equal(await scene.client.connection.refused(), refusal(540, text, 'queue.delete'));
  });
}

for (const noAck of [false, true]) {
  test(`has no consumers${noAck ? ' without acknowledgements' : ''} on a channel with a limit`, async (scene) => {
    const queue = await quorum(scene);
    await scene.channel.call('basic.qos', { prefetchCount: 5, global: true });
    scene.channel.send('basic.get', { queue });
    await scene.channel.expect('basic.get-empty');
    scene.channel.send('basic.consume', { queue, noAck });
    const text = `queue '${queue}' in vhost '/' does not support global qos`;
    assert.equal(await scene.client.connection.refused(), refusal(540, text, 'basic.consume'));
  });
}

test('keeps its consumers when their channel gets a limit', async (scene) => {
  const queue = await quorum(scene);
  await scene.channel.consume(queue);
  await scene.channel.call('basic.qos', { prefetchCount: 5, global: true });
  scene.channel.publish({ routingKey: queue }, 'x');
  assert.is((await scene.channel.delivery()).text, 'x');
});

test('gives nothing to get beside a single active consumer', async (scene) => {
  const queue = await quorum(scene, { 'x-single-active-consumer': ['t', true] });
  scene.channel.send('basic.get', { queue });
  const text =
    `cannot obtain access to locked queue '${queue}' in vhost '/'. basic.get operations are not supported by quorum queues with single ` +
    'active consumer';
  assert.equal(await scene.channel.refused(), refusal(405, text, 'basic.get'));
});

test('is of its type for good', async (scene) => {
  const queue = await quorum(scene);
  scene.channel.send('queue.declare', { queue, durable: true });
  const text = `inequivalent arg 'x-queue-type' for queue '${queue}' in vhost '/': received none but current is the value 'quorum' of type 'longstr'`;
  assert.equal(await scene.channel.refused(), refusal(406, text, 'queue.declare'));
});

const CONSUMER_ARGUMENTS: readonly (readonly [string, RawValue, 'quorum' | 'classic', string])[] = [
  ['x-priority', ['S', 'high'], 'quorum', ': "expected integer, got longstr"'],
  ['x-priority', ['S', 'high'], 'classic', ': "expected integer, got longstr"'],
  ['x-stream-offset', ['S', 'first'], 'quorum', FOREIGN],
  ['x-stream-offset', ['S', 'first'], 'classic', ' of queue type rabbit_classic_queue'],
  ['x-cancel-on-ha-failover', ['I', 1], 'quorum', FOREIGN],
  ['x-cancel-on-ha-failover', ['I', 1], 'classic', ': {unacceptable_type,signedint}'],
];

for (const [name, value, type, text] of CONSUMER_ARGUMENTS) {
  test(`a consumer of a ${type} queue does not take ${name} ${String(value[1])}`, async (scene) => {
    const queue = await scene.sharedQueue({ durable: true, arguments: table({ 'x-queue-type': ['S', type] }) });
    scene.channel.send('basic.consume', { queue, arguments: table({ [name]: value, 'x-unknown': ['I', 1] }) });
    assert.equal(await scene.channel.refused(), refusal(406, `invalid arg '${name}' for queue '${queue}' in vhost '/'${text}`, 'basic.consume'));
  });
}

run();
