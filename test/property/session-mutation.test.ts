/**
 * Sessions that honest clients have, spoilt in every way that a seed can think of, against a whole node without sockets. After
 * each the node must stand: no exception reached a scheduler, every close has a code that its fault allows, everything that
 * the session held is given back, and an honest session is served.
 *
 *   HOSTILE_SEED=<number> HOSTILE_COUNT=<number>   other sessions, more or fewer of them
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Answers } from '../support/hostile/answers.ts';
import { LocalNode } from '../support/hostile/local-node.ts';
import type { LocalTransport } from '../support/hostile/local-transport.ts';
import { MUTATIONS, type Mutation } from '../support/hostile/mutations.ts';
import { Random } from '../support/hostile/random.ts';
import { GOODBYE, SESSIONS, handshake } from '../support/hostile/recorded-sessions.ts';

const COUNT = Number(process.env['HOSTILE_COUNT'] ?? 20_000);
const SEED = Number(process.env['HOSTILE_SEED'] ?? 20_260_801);
/** Sessions that one node serves between two looks at what they left behind. */
const BATCH = 200;
/** A client that was told to go and says nothing is cut off after this, milliseconds. */
const CLOSE_TIMEOUT_MS = 5_000;

const NAMES = Object.keys(SESSIONS);
const HANDSHAKE = handshake();

/** How one session went, for a report when it is not as it should be. */
type Session = { readonly seed: number; readonly kind: string; readonly mutation: Mutation; readonly answers: Answers; readonly transport: LocalTransport };

function sendInPieces(node: LocalNode, transport: LocalTransport, bytes: Buffer, random: Random): void {
  for (let at = 0; at < bytes.length; ) {
    const size = random.chance(50) ? bytes.length : random.between(1, 600);
    transport.send(bytes.subarray(at, at + size));
    at += size;
    if (random.chance(30)) node.settle();
  }
}

function runSession(node: LocalNode, seed: number): Session {
  const random = new Random(seed);
  const kind = random.pick(NAMES);
  const mutation = random.pick(MUTATIONS);
  const frames = mutation.spoil([...HANDSHAKE, ...SESSIONS[kind]!, GOODBYE], random);
  const transport = node.connect();
  sendInPieces(node, transport, Buffer.concat(frames), random);
  node.settle();
  const answers = new Answers(Buffer.concat(transport.received));
  if (answers.connectionClose !== undefined && random.chance(10)) {
    node.advance(CLOSE_TIMEOUT_MS);
    if (transport.closed === undefined) throw new Error('a connection that was told to go is still there');
  }
  if (random.chance(50)) {
    transport.leave(random.pick(['ended', 'failed'] as const));
    node.settle();
  }
  return { seed, kind, mutation, answers, transport };
}

function judge(node: LocalNode, { seed, kind, mutation, answers }: Session): void {
  const what = `seed ${seed}: '${kind}' with ${mutation.name}`;
  if (node.crashes.length > 0) throw new Error(`${what} crashed ${node.crashes[0]}`);
  for (const { code, text } of answers.closes) {
    if (!mutation.codes.includes(code)) throw new Error(`${what} was closed with ${code} ${text}`);
  }
}

/** A client that does nothing wrong finds everything as it should be. */
function serveHonestly(node: LocalNode): void {
  const transport = node.connect();
  transport.send(Buffer.concat([...HANDSHAKE, ...SESSIONS['confirms']!, ...SESSIONS['get']!.slice(1), GOODBYE]));
  node.settle();
  const answers = new Answers(Buffer.concat(transport.received));
  assert.equal(answers.closes, []);
  for (const name of ['connection.open-ok', 'queue.declare-ok', 'basic.ack', 'basic.get-ok', 'queue.delete-ok', 'connection.close-ok']) {
    assert.ok(answers.names.includes(name), `${name} is missing in ${answers.names.join(' ')}`);
  }
}

/** Whoever has not left yet leaves; what is held after that was lost by somebody. */
function clearUp(node: LocalNode, sessions: readonly Session[], seed: number): void {
  for (const { transport } of sessions) transport.leave('ended');
  node.settle();
  assert.is(node.sweep(), 0, `connections are left after the sessions from seed ${seed}`);
  node.clear();
  assert.is(node.topology.queueCount, 0, `queues are left after the sessions from seed ${seed}`);
  assert.equal(node.held, { blocks: 0, leasesInOpenBlock: 0 }, `memory is held after the sessions from seed ${seed}`);
  assert.is(node.pool.lentCount, 0, `blocks are lent after the sessions from seed ${seed}`);
  assert.equal(node.crashes, []);
}

const test = suite('mutated sessions');

test(`${COUNT} spoilt sessions, each answered as it deserves`, () => {
  process.stdout.write(`sessions from seed ${SEED}\n`);
  const node = new LocalNode({ seed: SEED });
  const codes = new Map<number, number>();
  for (let first = 0; first < COUNT; first += BATCH) {
    const sessions: Session[] = [];
    for (let index = first; index < Math.min(first + BATCH, COUNT); index++) {
      const session = runSession(node, SEED + index);
      judge(node, session);
      sessions.push(session);
      for (const { code } of session.answers.closes) codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    clearUp(node, sessions, SEED + first);
    serveHonestly(node);
    node.clear();
  }
  process.stdout.write(`closes: ${[...codes].sort(([one], [other]) => one - other).map(([code, times]) => `${code} x ${times}`).join(', ')}\n`);
  // A run in which nothing was refused has not tried anything.
  for (const code of [404, 406, 501, 503, 504, 505]) assert.ok(codes.has(code), `nobody was refused with ${code}`);
});

test.run();
