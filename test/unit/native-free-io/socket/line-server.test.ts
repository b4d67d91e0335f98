import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { askLine } from '../../../../native-free-io/socket/line-client.ts';
import { LINE_CONNECTIONS_MAX, type LineServer, QUESTION_SIZE_MAX, serveLines } from '../../../../native-free-io/socket/line-server.ts';

const test = suite<{ directory: string; server: LineServer }>('line server');
const NAME = 'a.sock';
const PATIENCE_MS = 60_000;

test.before.each(async (context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'leveret-lines-'));
  context.server = await serveLines(context.directory, NAME, (line) => Promise.resolve(`${line}?`));
});
test.after.each((context) => {
  context.server.close();
  rmSync(context.directory, { recursive: true, force: true });
});

async function open(directory: string): Promise<Socket> {
  const socket = connect(join(directory, NAME));
  await once(socket, 'connect');
  return socket;
}

/** What the peer says until it ends. */
async function everything(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.on('error', () => {});
  await once(socket, 'close');
  return text;
}

test('a question is answered, and only the owner may ask', async ({ directory }) => {
  assert.equal(await askLine(directory, NAME, 'how', PATIENCE_MS), { answered: true, line: 'how?' });
  assert.is(statSync(join(directory, NAME)).mode & 0o777, 0o600);
});

test('questions in pieces and in one piece are answered in their order, also to one who closes its side at once', async ({ directory }) => {
  const socket = await open(directory);
  socket.write('on');
  socket.write('e\ntwo\nthr');
  socket.end('ee\n');
  assert.is(await everything(socket), 'one?\ntwo?\nthree?\n');
});

test('who waits for an answer is not cut, however long it takes', async ({ directory }) => {
  const idleMs = 50;
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<string>();
  const server = await serveLines(directory, 'slow.sock', () => (asked.resolve(), answer.promise), idleMs);
  try {
    const answered = askLine(directory, 'slow.sock', 'how', PATIENCE_MS);
    await asked.promise;
    // Whoever came later and says nothing is cut first.
    const idle = connect(join(directory, 'slow.sock'));
    await everything(idle);
    answer.resolve('at last');
    assert.equal(await answered, { answered: true, line: 'at last' });
  } finally {
    server.close();
  }
});

test('bytes that are no text get an answer like any other line', async ({ directory }) => {
  const socket = await open(directory);
  socket.end(Buffer.from([0xff, 0x00, 0xc0, 0x0a]));
  assert.match(await everything(socket), /\?\n$/);
});

test('a question longer than the bound is cut, with its line end and without', async ({ directory }) => {
  for (const question of [Buffer.alloc(QUESTION_SIZE_MAX + 1, 97), Buffer.from(`${'a'.repeat(QUESTION_SIZE_MAX + 1)}\n`)]) {
    const socket = await open(directory);
    socket.write(question);
    assert.is(await everything(socket), '');
  }
  assert.ok((await askLine(directory, NAME, 'a'.repeat(QUESTION_SIZE_MAX), PATIENCE_MS)).answered);
});

test('one connection too many is cut, and the others are served', async ({ directory }) => {
  const sockets: Socket[] = [];
  for (let index = 0; index < LINE_CONNECTIONS_MAX; index++) {
    const socket = await open(directory);
    socket.write('x\n');
    await once(socket, 'data');
    sockets.push(socket);
  }
  assert.is(await everything(await open(directory)), '');
  sockets[0]?.write('still\n');
  assert.is(String((await once(sockets[0]!, 'data'))[0]), 'still?\n');
  for (const socket of sockets) socket.destroy();
});

test('the socket goes with its server, and one that a dead process left is taken over', async ({ directory, server }) => {
  server.close();
  assert.equal(readdirSync(directory), []);
  assert.equal(await askLine(directory, NAME, 'x', PATIENCE_MS), { answered: false, why: 'absent' });
  const abandoned = await serveLines(directory, NAME, (line) => Promise.resolve(line));
  const next = await serveLines(directory, NAME, () => Promise.resolve('next'));
  assert.equal(await askLine(directory, NAME, 'x', PATIENCE_MS), { answered: true, line: 'next' });
  next.close();
  abandoned.close();
});

test('a directory whose path does not fit into an address serves all the same', async () => {
  if (process.platform !== 'linux') return;
  const directory = mkdtempSync(join(tmpdir(), `leveret-${'x'.repeat(150)}-`));
  const server = await serveLines(directory, NAME, (line) => Promise.resolve(`${line}!`));
  assert.equal(await askLine(directory, NAME, 'far', PATIENCE_MS), { answered: true, line: 'far!' });
  server.close();
  assert.equal(readdirSync(directory), []);
  rmSync(directory, { recursive: true });
});

test('an asker does not wait for ever, and hears nothing where nothing is', async ({ directory, server }) => {
  server.close();
  const silent = await serveLines(directory, NAME, () => new Promise(() => {}));
  assert.equal(await askLine(directory, NAME, 'x', 50), { answered: false, why: 'silent' });
  silent.close();
  assert.equal(await askLine(join(directory, 'nowhere'), NAME, 'x', PATIENCE_MS), { answered: false, why: 'absent' });
});

test('a directory that cannot be written is an error for the caller', async ({ directory }) => {
  if (process.getuid?.() === 0) {
    let error: unknown;
    await serveLines(join(directory, 'nowhere'), NAME, (line) => Promise.resolve(line)).catch((thrown: unknown) => (error = thrown));
    assert.instance(error, Error);
    return;
  }
  chmodSync(directory, 0o500);
  let error: unknown;
  await serveLines(directory, 'other.sock', (line) => Promise.resolve(line)).catch((thrown: unknown) => (error = thrown));
  chmodSync(directory, 0o700);
  assert.instance(error, Error);
});

test.run();
