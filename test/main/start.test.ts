import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startChild } from './support/child.ts';
import type { Child } from './support/child.ts';

const FAKE_NODE = join(import.meta.dirname, 'support', 'fake-node.ts');
const COMPLETE = 'Server startup complete\n';
/** A terminal's Ctrl-C and its copies arrive within this, so a deliberate second signal comes later; see shutdown.ts. */
const LATER_MS = 300;

const start = suite('leveret start');
const folder = mkdtempSync(join(tmpdir(), 'leveret-test-'));
let folders = 0;
const children: Child[] = [];

start.after(() => {
  for (const child of children) child.process.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function freshDir(): string {
  return join(folder, `data-${++folders}`);
}

function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Child {
  const child = startChild(process.execPath, [FAKE_NODE, 'start', ...args], environment);
  children.push(child);
  return child;
}

function portOf(child: Child): number {
  return Number(/amqp:\/\/127\.0\.0\.1:(\d+)/.exec(child.stdout())?.[1]);
}

function later(act: () => void): void {
  setTimeout(act, LATER_MS);
}

start('says where it listens, ends its banner with the line that tools wait for, and closes on SIGTERM with 0', async () => {
  const dir = freshDir();
  const child = run(['--port', '0', '--data-dir', dir, '--schedulers=3']);
  await child.said(COMPLETE);
  assert.ok(portOf(child) > 0);
  assert.match(child.stdout(), dir);
  assert.match(child.stdout(), /schedulers +3\n/);
  const socket = connect(portOf(child), '127.0.0.1');
  await new Promise<void>((resolve, reject) => socket.on('connect', resolve).on('error', reject));
  socket.destroy();
  child.process.kill('SIGTERM');
  assert.is(await child.ended, 0);
  assert.match(child.stderr(), '"msg":"closed"');
});

start('takes its options from the environment too, and a flag beats it', async () => {
  const child = run(['--port', '0'], { LEVERET_DATA_DIR: freshDir(), LEVERET_SCHEDULERS: '5', LEVERET_PORT: '1', LEVERET_LOG_LEVEL: 'silent' });
  await child.said(COMPLETE);
  assert.match(child.stdout(), /schedulers +5\n/);
  child.process.kill('SIGINT');
  assert.is(await child.ended, 0);
  assert.is(child.stderr(), '');
});

start('a signal and its copies are one; a second signal ends at once', async () => {
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]] as const) {
    const child = run(['--port', '0', '--data-dir', freshDir()], { FAKE_CLOSE: 'hang' });
    await child.said(COMPLETE);
    child.process.kill('SIGTERM');
    child.process.kill('SIGTERM');
    await child.said('"msg":"closing"');
    assert.is(child.process.exitCode, null);
    later(() => child.process.kill(signal));
    assert.is(await child.ended, code);
    assert.match(child.stderr(), 'second signal');
  }
});

start('a close that fails ends with 1 and says why', async () => {
  const child = run(['--port', '0', '--data-dir', freshDir()], { FAKE_CLOSE: 'fail' });
  await child.said(COMPLETE);
  child.process.kill('SIGTERM');
  assert.is(await child.ended, 1);
  assert.match(child.stderr(), 'the disk is gone');
});

start('a port in use is one sentence', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const child = run(['--port', String(port), '--data-dir', freshDir()]);
  assert.is(await child.ended, 1);
  assert.is(child.stderr(), `leveret: 127.0.0.1:${port} is in use by another program; stop it, or choose another port with --port (0 takes a free one).\n`);
  server.close();
});

start('a data directory in use is one sentence, and a killed broker leaves none', async () => {
  const dir = freshDir();
  const first = run(['--port', '0', '--data-dir', dir]);
  await first.said(COMPLETE);
  const second = run(['--port', '0', '--data-dir', dir]);
  assert.is(await second.ended, 1);
  assert.is(second.stderr(), `leveret: the data directory ${dir} is in use by another broker (process ${first.process.pid}); stop it, or choose another one with --data-dir.\n`);
  first.process.kill('SIGKILL');
  assert.is(await first.ended, 'SIGKILL');
  const third = run(['--port', '0', '--data-dir', dir]);
  await third.said(COMPLETE);
  third.process.kill('SIGTERM');
  assert.is(await third.ended, 0);
});

start('a directory that cannot be made is one sentence', async () => {
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  for (const dir of [file, join(file, 'below'), '/proc/leveret/data']) {
    const child = run(['--port', '0', '--data-dir', dir]);
    assert.is(await child.ended, 1, dir);
    assert.match(child.stderr(), /^leveret: the data directory [^\n]* choose another one with --data-dir\.\n$/);
  }
});

start('wrong flags and values are one sentence and exit 2', async () => {
  const wrong = [['--prot', '1'], ['--port', 'x'], ['--port', '65536'], ['--port'], ['--log-level', 'loud'], ['--schedulers', '0'], ['--memory-high-watermark', '1XB'], ['extra'], ['--data-dir=']];
  const texts = await Promise.all(
    wrong.map(async (args) => {
      const child = run(args);
      return { code: await child.ended, text: child.stderr() };
    }),
  );
  for (const { code, text } of texts) {
    assert.is(code, 2, text);
    assert.match(text, /^leveret: [^\n]+ See leveret start --help\.\n$/);
  }
});

start('the log is JSON in a pipe and holds no secret', async () => {
  const child = run(['--port', '0', '--data-dir', freshDir()]);
  await child.said(COMPLETE);
  child.process.kill('SIGTERM');
  await child.ended;
  const records = child.stderr().trim().split('\n').map((line): unknown => JSON.parse(line));
  assert.ok(records.length >= 3);
  assert.not.match(child.stderr() + child.stdout(), 'canary');
  assert.match(child.stderr(), 'amqp://guest:[redacted]@localhost');
});

start.run();
