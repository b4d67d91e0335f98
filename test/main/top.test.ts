/** `leveret top` on a node under load: as text, as JSON, and on a terminal that it must give back. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Snapshot } from '../../tools/top/rates.ts';
import type { RawChannel } from '../support/raw-channel.ts';
import { RawClient } from '../support/raw-client.ts';
import { TOO_LATE, timely } from '../support/timely.ts';
import { type Child, startChild } from './support/child.ts';

const LAUNCHER = join(import.meta.dirname, '../../bin/leveret.js');
/** Debian's own Python has pseudo-terminals; the script presses keys and prints what came and the terminal's settings. */
const PYTHON = '/usr/bin/python3';
const PTY_SCRIPT = join(import.meta.dirname, 'support/press_keys.py');

const top = suite('leveret top');
const folder = mkdtempSync(join(tmpdir(), 'leveret-top-'));
const dataDir = join(folder, 'data');
const children: Child[] = [];
let port = 0;

function started(child: Child): Child {
  children.push(child);
  return child;
}

function leveret(...args: string[]): Child {
  return started(startChild(process.execPath, [LAUNCHER, ...args], {}, folder));
}

top.before(async () => {
  const node = leveret('start', '--port', '0', '--data-dir', dataDir, '--log-level', 'error');
  await node.said('Server startup complete\n');
  port = Number(/amqp:\/\/127\.0\.0\.1:(\d+)/.exec(node.stdout())![1]);
});

top.after(async () => {
  for (const child of children) child.process.kill('SIGKILL');
  await Promise.all(children.map(({ ended }) => ended));
  rmSync(folder, { recursive: true, force: true });
});

/** What is shown of a second in which the channel publishes and gets. */
async function seenUnderLoad(channel: RawChannel): Promise<Snapshot> {
  const looking = leveret('top', '--data-dir', dataDir, '--json', '--interval', '1');
  let ended = false;
  void looking.ended.then(() => (ended = true));
  while (!ended) {
    for (let number = 0; number < 20; number++) channel.publish({ routingKey: 'work' }, 'text', { deliveryMode: 2 });
    await channel.get('work', true);
  }
  assert.is(await looking.ended, 0, looking.stderr());
  return JSON.parse(looking.stdout()) as Snapshot;
}

top('counts and rates of a node under load', async () => {
  const client = await RawClient.connect({ url: '', host: '127.0.0.1', port, user: 'guest', password: 'guest', close: async () => {} });
  const channel = await client.openChannel();
  await channel.call('queue.declare', { queue: 'work', durable: true });
  await channel.call('queue.declare', { queue: 'full' });
  for (let number = 0; number < 25; number++) channel.publish({ routingKey: 'full' }, 'x');
  await channel.untilReady('full', 25);
  // In a second in which the machine stands still there is no load to be seen.
  const shown = await timely(async () => {
    const snapshot = await seenUnderLoad(channel);
    return snapshot.inRate > 10 ? snapshot : TOO_LATE;
  });
  const full = shown.queues.find(({ name }) => name === 'full')!;
  assert.equal([full.ready, full.inRate], [25, 0]);
  const work = shown.queues.find(({ name }) => name === 'work')!;
  assert.ok(work.inRate > 10, `messages in: ${work.inRate}`);
  assert.ok(work.outRate > 0 && work.settleRate > 0);
  assert.equal(shown.threads.map(({ name }) => name), ['main', 'scheduler-1', 'store']);
  assert.ok(shown.threads[1]!.busy > 0 && shown.threads[1]!.busy <= 1);
  assert.ok(shown.threads.every(({ heapUsedBytes }) => heapUsedBytes > 1_000_000));
  assert.ok(shown.store.commitRate > 0 && shown.store.p50Us > 0 && shown.store.p99Us >= shown.store.p50Us);
  const [connection] = shown.connections;
  assert.equal([connection?.user, connection?.vhost, connection?.thread], ['guest', '/', 1]);
  assert.ok(connection!.inRate > 0 && connection!.outRate > 0);
  assert.ok(shown.inRate > 10);
  client.drop();
});

top('as text where there is no terminal, and refusals as sentences', async () => {
  const text = leveret('top', '--data-dir', dataDir, '--interval', '0.1');
  assert.is(await text.ended, 0, text.stderr());
  for (const word of ['threads', 'scheduler-1', 'queues', 'full', 'connections', 'commits', 'topology']) assert.match(text.stdout(), word);
  const expectations = [
    [['--interval', '0'], 2, '--interval must be a number'],
    [['--what'], 2, 'unknown option --what'],
    [['--data-dir', join(folder, 'nobody')], 1, 'no node runs in'],
  ] as const;
  for (const [args, code, sentence] of expectations) {
    const child = leveret('top', ...args);
    assert.is(await child.ended, code);
    assert.match(child.stderr(), sentence);
  }
});

top('on a terminal: pages, sorting, and everything as it was after q', async () => {
  const run = started(startChild(PYTHON, [PTY_SCRIPT, process.execPath, LAUNCHER, 'top', '--data-dir', dataDir, '--interval', '0.2'], {}, folder));
  assert.is(await run.ended, 0, `${run.stdout()}${run.stderr()}`);
  const { screen, isRestored, status } = JSON.parse(run.stdout()) as { screen: string; isRestored: boolean; status: number };
  assert.is(status, 0);
  assert.ok(isRestored, 'the terminal has its settings again');
  for (const text of ['[2 queues]', '[1 threads]', '[3 connections]', '[4 store]', '[5 tree]', 'unsettled*', 'scheduler-1']) assert.ok(screen.includes(text), text);
  assert.ok(screen.startsWith('\u001b[?1049h\u001b[?25l'));
  assert.ok(screen.trimEnd().endsWith('\u001b[?25h\u001b[?1049l'));
  for (const line of screen.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, '').split(/\r?\n/)) assert.ok(line.length <= 160, line);
});

top.run();
