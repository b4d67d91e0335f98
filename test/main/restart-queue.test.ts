/**
 * A queue that has crashed too often is marked, seen and refused, and disturbs nobody; `leveret restart-queue` starts it again, with all
 * that it held. What cannot be started says why.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startNode } from '../../src/main/compose.ts';
import { type HeldNode, startHeldNode } from '../../src/main/held-node.ts';
import { createLog } from '../../src/main/log.ts';
import { defaultNodeConfig } from '../../src/main/node-defaults.ts';
import type { TestBroker } from '../support/broker.ts';
import { RawClient } from '../support/raw-client.ts';
import type { RawChannel } from '../support/raw-channel.ts';
import { until } from '../support/traffic.ts';
import { startChild } from './support/child.ts';

const LEVERET = join(import.meta.dirname, '../../bin/leveret.js');
/** Little, so that this process can start another one: the system counts reserved memory twice for that. */
const MEMORY_LIMIT_BYTES = 268_435_456;
const FORGIVEN = 5;
/** As long as a test, so that crashes come within it on any machine; it is 10 s otherwise. */
const PERIOD_MS = 600_000;
const KEPT = 20;
const MARKED = 'a queue crashed too often and stays down';

type Context = { directory: string; node: HeldNode; log: string[]; client: RawClient };
const test = suite<Context>('restart-queue');

test.before.each(async (context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'leveret-restart-queue-'));
  context.log = [];
  const log = createLog('error', { write: (line) => void context.log.push(line) });
  const started = await startHeldNode({ ...defaultNodeConfig(), port: 0, schedulers: 1, dataDir: context.directory, memoryLimitBytes: MEMORY_LIMIT_BYTES, queueRestarts: { restarts: FORGIVEN, periodMs: PERIOD_MS } }, log, startNode);
  if ('problem' in started) throw new Error(started.problem);
  context.node = started.node;
  const { url, host, port } = started.node;
  const broker: TestBroker = { url, host, port, user: 'guest', password: 'guest', close: () => Promise.resolve() };
  context.client = await RawClient.connect(broker);
});
test.after.each(async (context) => {
  context.client.drop();
  await context.node.close('the test is over');
  rmSync(context.directory, { recursive: true, force: true });
});

async function leveret(...args: readonly string[]): Promise<{ readonly code: unknown; readonly out: string; readonly err: string }> {
  const child = startChild(process.execPath, [LEVERET, ...args]);
  const code = await child.ended;
  return { code, out: child.stdout(), err: child.stderr() };
}

/** Each publish to the queue is a crash, until it is marked. */
async function crashUntilMarked({ node, log }: Context, channel: RawChannel, queue: string): Promise<void> {
  node.fault(1, { type: 'plan', plan: { group: 'queue', seed: 5, everyLetters: 1, crashesMax: FORGIVEN + 1 } });
  while (!log.some((line) => line.includes(MARKED))) {
    channel.publish({ routingKey: queue }, 'x', { deliveryMode: 2 });
    const { name } = await channel.inbox.take('a confirm');
    assert.ok(name === 'basic.ack' || name === 'basic.nack', name);
  }
  node.fault(1, { type: 'plan', plan: undefined });
}

test('a queue that crashed six times in the period runs again when it is asked for, with its messages', async (context) => {
  const { client, directory, log } = context;
  const publisher = await client.openChannel(1);
  const reader = await client.openChannel(2);
  for (const queue of ['fragile', 'sound']) await publisher.call('queue.declare', { queue, durable: true });
  await publisher.call('confirm.select');
  for (let number = 0; number < KEPT; number++) {
    for (const queue of ['fragile', 'sound']) {
      publisher.publish({ routingKey: queue }, `${queue} ${number}`, { deliveryMode: 2 });
      await publisher.expect('basic.ack');
    }
  }
  const tag = await reader.consume('fragile');
  const unsettled = await reader.deliveries(KEPT);
  assert.is(unsettled.length, KEPT);
  await crashUntilMarked(context, publisher, 'fragile');
  assert.is(log.filter((line) => line.includes('InjectedCrash')).length, FORGIVEN + 1);

  // Everybody sees it: the operator, the publisher, the consumer, and who asks.
  const tree = await leveret('tree', '--data-dir', directory);
  assert.match(tree.out, /queue@1\/fragile {2}\[scheduler: crashed, generation 6, 5 restarts\]\n.*injected crash 6 of queue/);
  assert.match(tree.out, /queue@1\/sound {2}\[scheduler: running/);
  publisher.publish({ routingKey: 'fragile' }, 'refused', { deliveryMode: 2 });
  await publisher.expect('basic.nack');
  for (;;) {
    const incoming = await reader.inbox.take('the cancel of the consumer');
    if (incoming.name === 'basic.deliver') continue;
    reader.inbox.putBack(incoming);
    break;
  }
  assert.is((await reader.expect('basic.cancel')).consumerTag, tag);
  const asking = await client.openChannel(3);
  asking.send('basic.get', { queue: 'fragile' });
  assert.equal(await asking.refused(), { code: 404, text: "NOT_FOUND - queue 'fragile' in vhost '/' has crashed and failed to restart", method: 'basic.get' });
  publisher.publish({ routingKey: 'sound' }, 'goes on', { deliveryMode: 2 });
  await publisher.expect('basic.ack');

  const restart = await leveret('restart-queue', 'fragile', '--data-dir', directory);
  assert.equal(restart, { code: 0, out: "queue 'fragile' in vhost '/' runs again.\n", err: '' });
  const again = await leveret('restart-queue', 'fragile', '--data-dir', directory);
  assert.equal(again, { code: 0, out: "queue 'fragile' in vhost '/' runs, and was left alone.\n", err: '' });
  assert.match((await leveret('tree', '--data-dir', directory)).out, /queue@1\/fragile {2}\[scheduler: running/);

  // The same channels go on: what was held is there, in order, delivered before; publishes are taken.
  publisher.publish({ routingKey: 'fragile' }, 'new', { deliveryMode: 2 });
  await publisher.expect('basic.ack');
  for (let number = 0; number < KEPT; number++) {
    const { text, fields } = await reader.get('fragile');
    assert.equal([text, fields.redelivered], [`fragile ${number}`, true]);
  }
  // Of the publishes that crashed it some stand in the queue; the newest is the last.
  let last = '';
  while (last !== 'new') last = (await reader.get('fragile')).text;
  assert.is((await publisher.call('queue.declare', { queue: 'fragile', durable: true, passive: true })).messageCount, 0);

  // Its budget is a new one.
  const before = log.length;
  context.node.fault(1, { type: 'plan', plan: { group: 'queue', seed: 5, everyLetters: 1, crashesMax: FORGIVEN } });
  while (log.length < before + FORGIVEN) {
    publisher.publish({ routingKey: 'fragile' }, 'x', { deliveryMode: 2 });
    await publisher.inbox.take('a confirm');
  }
  publisher.publish({ routingKey: 'fragile' }, 'last', { deliveryMode: 2 });
  await publisher.expect('basic.ack');
});

test('what holds it crashes it again: it stays down, and may be tried again', async (context) => {
  const { client, node, directory, log } = context;
  const channel = await client.openChannel();
  await channel.call('queue.declare', { queue: 'fragile', durable: true });
  await channel.call('confirm.select');
  await crashUntilMarked(context, channel, 'fragile');
  await leveret('restart-queue', 'fragile', '--data-dir', directory);
  const marked = (): number => log.filter((line) => line.includes(MARKED)).length;
  node.fault(1, { type: 'plan', plan: { group: 'queue', seed: 5, everyLetters: 1, crashesMax: FORGIVEN + 1 } });
  while (marked() < 2) {
    channel.publish({ routingKey: 'fragile' }, 'x', { deliveryMode: 2 });
    await channel.inbox.take('a confirm');
  }
  node.fault(1, { type: 'plan', plan: undefined });
  assert.equal(await node.restartQueue('/', 'fragile'), { started: true });
  channel.publish({ routingKey: 'fragile' }, 'x', { deliveryMode: 2 });
  await channel.expect('basic.ack');
});

test('what cannot be started says why', async ({ client, node, directory }) => {
  const nobody = await leveret('restart-queue', 'nobody', '--data-dir', directory);
  assert.equal([nobody.code, nobody.err], [1, `leveret: the node in ${directory} refused: there is no queue 'nobody' in vhost '/'.\n`]);
  assert.is((await leveret('restart-queue')).code, 2);
  assert.is((await leveret('restart-queue', '--vhost', 'x')).code, 2);
  const absent = await leveret('restart-queue', 'x', '--data-dir', join(directory, 'elsewhere'));
  assert.is(absent.code, 1);
  assert.match(absent.err, 'no node runs in');

  const channel = await client.openChannel();
  await channel.call('queue.declare', { queue: 'away' });
  node.fault(1, { type: 'end thread' });
  await until(() => node.threadsLost() === 1, 'the thread is lost', () => 0);
  const outcome = await node.restartQueue('/', 'away').then((answer) => (answer.started ? 'started' : 'runs'), String);
  assert.match(outcome, /runs|is being replaced, and starts it again|its replacement starts it again/);
});

test.run();
