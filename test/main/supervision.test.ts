/** The tree as data and the node that is built from it, held together by a running node. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import amqplib from 'amqplib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type TreeNode, childrenOf, supervisionTree } from '../../actors/supervision-tree.ts';
import { type HeldNode, startHeldNode } from '../../src/main/held-node.ts';
import { type LiveTree, liveNodes } from '../../src/main/live-tree.ts';
import { startNode } from '../../src/main/compose.ts';
import { createLog } from '../../src/main/log.ts';
import { defaultNodeConfig } from '../../src/main/node-defaults.ts';
import { startChild } from './support/child.ts';

const test = suite<{ directory: string; node: HeldNode; log: string[] }>('supervision of a node');
const LEVERET = join(import.meta.dirname, '../../bin/leveret.js');
const POLL_MS = 5;
/** Little, so that this process can start another one: the system counts reserved memory twice for that. */
const MEMORY_LIMIT_BYTES = 268_435_456;

test.before.each(async (context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'leveret-tree-'));
  context.log = [];
  const log = createLog('info', { write: (line) => void context.log.push(line) });
  const config = { ...defaultNodeConfig(), port: 0, schedulers: 2, dataDir: context.directory, memoryLimitBytes: MEMORY_LIMIT_BYTES };
  const started = await startHeldNode(config, log, startNode);
  if ('problem' in started) throw new Error(started.problem);
  context.node = started.node;
});
test.after.each(async (context) => {
  await context.node.close('the test is over');
  rmSync(context.directory, { recursive: true, force: true });
});

async function until(node: HeldNode, holds: (live: LiveTree) => boolean): Promise<LiveTree> {
  for (;;) {
    const live = await node.liveTree();
    if (holds(live)) return live;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function allNodes(node: TreeNode): TreeNode[] {
  return [node, ...childrenOf(node).flatMap(allNodes)];
}

/** Kinds of nodes that the live tree has, without their instances. */
function kinds(live: LiveTree): Set<string> {
  return new Set([...liveNodes(live).keys()].map((name) => name.replace(/@.*/, '')));
}

async function connect(node: HeldNode): Promise<{ connection: amqplib.ChannelModel; gone: Promise<string> }> {
  const connection = await amqplib.connect(node.url);
  const gone = new Promise<string>((resolve) => {
    connection.on('error', () => {});
    connection.on('close', (error?: Error) => resolve(error?.message ?? ''));
  });
  return { connection, gone };
}

test('every kind of the tree runs in the node, and nothing runs that the tree does not name', async ({ node }) => {
  const { connection } = await connect(node);
  const channel = await connection.createChannel();
  await channel.assertQueue('orders');
  const live = await until(node, ({ threads }) => threads.some(({ connections }) => connections > 0));
  assert.equal([...kinds(live)].toSorted(), allNodes(supervisionTree).map(({ id }) => id).toSorted());
  assert.equal(live.root.children.map(({ id }) => id), supervisionTree.children.map(({ id }) => id));
  assert.equal([...new Set([...liveNodes(live).values()].map(({ state }) => state))], ['running']);
  await connection.close();
});

test('leveret tree draws the node, its threads and its queues; without a node it says so', async ({ node, directory }) => {
  const { connection } = await connect(node);
  await (await connection.createChannel()).assertQueue('orders');
  const drawn = startChild(process.execPath, [LEVERET, 'tree', '--data-dir', directory]);
  assert.is(await drawn.ended, 0, drawn.stderr());
  assert.match(drawn.stdout(), /^root {2}\[main: running, generation 1, 0 restarts, 6 children\]$/m);
  assert.match(drawn.stdout(), /thread@2 {2}\[scheduler: running/);
  assert.match(drawn.stdout(), /queue@[12]\/orders {2}\[scheduler: running, generation 1, 0 restarts\]/);
  assert.not.match(drawn.stdout(), 'unknown');
  await connection.close();
  await node.close('the test is over');
  const alone = startChild(process.execPath, [LEVERET, 'tree', '--data-dir', directory]);
  assert.is(await alone.ended, 1);
  assert.is(alone.stderr(), `leveret: no node runs in ${directory}; give the --data-dir that it was started with.\n`);
});

test('a close tells the clients, and is done when nothing runs', async ({ node }) => {
  const { gone } = await connect(node);
  await node.close('shutdown');
  assert.match(await gone, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'");
  const live = await node.liveTree();
  assert.is(live.root.state, 'ended');
  assert.equal([...new Set(live.root.children.map(({ state }) => state))], ['stopped']);
  assert.equal(live.threads, []);
});

test('a lost thread is replaced under its supervisor, and accepts connections again', async ({ node }) => {
  const { connection, gone } = await connect(node);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue('orders');
  channel.sendToQueue('orders', Buffer.from('first'));
  await channel.waitForConfirms();
  node.fault(1, { type: 'end thread' });
  node.fault(2, { type: 'end thread' });
  await gone;
  const stands = ({ queues, listener }: LiveTree): boolean =>
    queues.children.every(({ state, restarts }) => state === 'running' && restarts === 1) && listener.children.length === 2;
  const live = await until(node, stands);
  assert.equal(live.queues.children.map(({ lastError }) => lastError), ['crash: injected end of the thread', 'crash: injected end of the thread']);
  assert.is(live.root.restartsInPeriod, 0);
  const again = await connect(node);
  assert.is((await (await again.connection.createChannel()).checkQueue('orders')).messageCount, 1);
  await again.connection.close();
});

test('a crash of the topology is repaired where it happens: clients do not notice', async ({ node }) => {
  const { connection } = await connect(node);
  const channel = await connection.createChannel();
  node.fault(0, { type: 'plan', plan: { group: 'topology-writer', seed: 7, everyLetters: 1, crashesMax: 2 } });
  for (let index = 0; index < 20; index++) await channel.assertQueue(`queue-${index}`);
  const live = await node.liveTree();
  assert.is(live.main.find(({ name }) => name === 'topology-writer')?.children[0]?.restarts, 2);
  assert.is(live.root.restartsInPeriod, 0);
  await connection.close();
});

test('a topology that crashes too often takes with it what stands on it, and all of it comes back with its contents', async ({ node }) => {
  const { connection, gone } = await connect(node);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue('orders');
  channel.sendToQueue('orders', Buffer.from('first'));
  await channel.waitForConfirms();
  node.fault(0, { type: 'plan', plan: { group: 'topology-writer', seed: 7, everyLetters: 1, crashesMax: 4 } });
  for (let index = 0; index < 20; index++) channel.assertQueue(`queue-${index}`).catch(() => {});
  await gone;
  const live = await until(node, ({ root }) => root.state === 'running' && root.children.every(({ state }) => state === 'running'));
  const generations = live.root.children.map(({ id, generation }) => `${id} ${generation}`);
  assert.equal(generations, ['store 1', 'topology 2', 'queues 2', 'connections 2', 'listener 2', 'janitor 2']);
  const again = await connect(node);
  assert.is((await (await again.connection.createChannel()).checkQueue('orders')).messageCount, 1);
  await again.connection.close();
});

test.run();
