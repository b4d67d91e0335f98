import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { listen, reusePortAvailable } from '../../../../native-free-io/socket/listener.ts';
import type { Listener, ListenerOptions } from '../../../../native-free-io/socket/listener.ts';
import { until } from '../../../support/socket-pair.ts';

async function listening(options: Partial<ListenerOptions> = {}): Promise<{ listener: Listener; accepted: Socket[] }> {
  const accepted: Socket[] = [];
  const listener = await listen({ host: '127.0.0.1', port: 0, onSocket: (socket) => accepted.push(socket), ...options });
  if (!listener.listening) throw new Error(listener.message);
  return { listener, accepted };
}

/** 'connected', or the code of the error. */
async function attempt(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const outcome = await new Promise<string>((resolve) => {
    socket.once('connect', () => resolve('connected')).once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
  });
  socket.destroy();
  return outcome;
}

const test = suite('listener');

test('accepts paused sockets on a port of the system\'s choice', async () => {
  const { listener, accepted } = await listening();
  assert.ok(listener.port > 0);
  assert.is(await attempt(listener.port), 'connected');
  await until(() => accepted.length === 1, 'accepted');
  assert.ok(accepted[0]?.isPaused());
  accepted[0]?.destroy();
  listener.close();
  assert.is(await attempt(listener.port), 'ECONNREFUSED');
});

test('a port in use, a strange address and an unusable descriptor are values with a sentence', async () => {
  const { listener } = await listening();
  const inUse = await listen({ host: '127.0.0.1', port: listener.port, onSocket: () => {} });
  assert.equal(inUse, {
    listening: false,
    code: 'EADDRINUSE',
    message: `Cannot listen on 127.0.0.1:${listener.port}: another program listens there (EADDRINUSE).`,
  });
  const strange = await listen({ host: '192.0.2.1', port: 5672, onSocket: () => {} });
  assert.equal(strange, {
    listening: false,
    code: 'EADDRNOTAVAIL',
    message: 'Cannot listen on 192.0.2.1:5672: this machine has no such address (EADDRNOTAVAIL).',
  });
  const unusable = await listen({ host: '', port: 0, fd: 1_000_000, onSocket: () => {} });
  assert.not(unusable.listening);
  listener.close();
});

test('suspend refuses, resume accepts on the same port, and connections live on', async () => {
  const { listener, accepted } = await listening();
  const survivor = connect(listener.port, '127.0.0.1');
  await until(() => accepted.length === 1, 'accepted');
  listener.suspend();
  assert.is(await attempt(listener.port), 'ECONNREFUSED');
  const port = listener.port;
  assert.is(await listener.resume(), listener);
  assert.is(listener.port, port);
  assert.is(await attempt(port), 'connected');
  survivor.write('still here');
  const [chunk] = (await once(accepted[0]?.resume() as Socket, 'data')) as [Buffer];
  assert.is(String(chunk), 'still here');
  listener.close();
  survivor.destroy();
  for (const socket of accepted) socket.destroy();
});

test('resume tells when the port was taken meanwhile', async () => {
  const { listener } = await listening();
  listener.suspend();
  const { listener: other } = await listening({ port: listener.port });
  const outcome = await listener.resume();
  assert.is(outcome.listening === false && outcome.code, 'EADDRINUSE');
  other.close();
  assert.ok((await listener.resume()).listening);
  listener.close();
});

/** Threads of the test that runs; ended after it, whatever its outcome, so that a failure does not hang the file. */
const threads: Worker[] = [];
test.after.each(async () => {
  for (const thread of threads.splice(0)) await thread.terminate();
});

/** A thread that listens as told and tells what it accepts. */
function listeningThread(options: object): Worker {
  const url = new URL('../../../../native-free-io/socket/listener.ts', import.meta.url).href;
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(${JSON.stringify(url)}).then(async ({ listen }) => {
      const listener = await listen({ ...workerData, onSocket: (socket) => { socket.destroy(); parentPort.postMessage('accepted'); } });
      parentPort.postMessage(listener.listening ? listener.port : listener.message);
      parentPort.once('message', () => listener.close());
    });`;
  const thread = new Worker(source, { eval: true, workerData: options });
  threads.push(thread);
  return thread;
}

test('two threads listen on one port', async () => {
  if (!(await reusePortAvailable())) return;
  const { listener, accepted } = await listening({ reusePort: true });
  const thread = listeningThread({ host: '127.0.0.1', port: listener.port, reusePort: true });
  let acceptedThere = 0;
  const [port] = (await once(thread, 'message')) as [number];
  assert.is(port, listener.port);
  thread.on('message', () => (acceptedThere += 1));
  for (let count = 0; count < 100; count += 1) assert.is(await attempt(listener.port), 'connected');
  await until(() => acceptedThere + accepted.length === 100, 'every connection is accepted once');
  // The kernel spreads by a hash of the addresses: a hundred to one side alone is as good as impossible.
  assert.ok(acceptedThere > 0 && accepted.length > 0);
  listener.suspend();
  const before = acceptedThere;
  for (let count = 0; count < 20; count += 1) assert.is(await attempt(listener.port), 'connected');
  await until(() => acceptedThere === before + 20, 'the other thread accepts all');
  listener.close();
  for (const socket of accepted) socket.destroy();
});

test('a thread listens on an inherited descriptor', async () => {
  const { listener, accepted } = await listening();
  if (listener.fd === undefined) return;
  const thread = listeningThread({ host: '127.0.0.1', port: 0, fd: listener.fd });
  let acceptedThere = 0;
  const [port] = (await once(thread, 'message')) as [number];
  assert.is(port, listener.port);
  thread.on('message', () => (acceptedThere += 1));
  for (let count = 0; count < 20; count += 1) assert.is(await attempt(listener.port), 'connected');
  await until(() => acceptedThere + accepted.length === 20, 'every connection is accepted once');
  thread.postMessage('close');
  await once(thread, 'exit');
  for (const socket of accepted) socket.destroy();
  listener.close();
});

test.run();
