import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Clock } from '../../../../native-free-io/clock.ts';
import type { CloseReason } from '../../../../native-free-io/socket/transport.ts';
import { FakeNetwork, WINDOW_BYTES } from '../../../support/fake-transport.ts';
import type { FakeTransport } from '../../../support/fake-transport.ts';

/** Starts an end and keeps what it is told. */
function attend(transport: FakeTransport) {
  const told = { chunks: [] as Buffer[], takenBytes: 0, uncongested: 0, closed: [] as CloseReason[] };
  transport.start({
    onBytes: (buffer, length) => told.chunks.push(Buffer.from(buffer.subarray(0, length))),
    onTaken: (bytes) => (told.takenBytes += bytes),
    onUncongested: () => (told.uncongested += 1),
    onClosed: (reason) => told.closed.push(reason),
  });
  return told;
}

function send(transport: FakeTransport, bytes: Uint8Array): void {
  const at = transport.outbound.reserve(bytes.length);
  transport.outbound.buffer.set(bytes, at);
  transport.outbound.commit(at + bytes.length);
  transport.outbound.flush();
}

/** Choices that take the first event and whole chunks, unless told otherwise. */
const plain = { pick: () => 0, chunkSize: (available: number) => available };

const test = suite('fake transport');

test('cuts the stream where it was chosen', () => {
  const cuts = [3, 1, 4];
  const network = new FakeNetwork({ pick: () => 0, chunkSize: (available) => Math.min(available, cuts.shift() ?? available) });
  const { accepted, connected } = network.connect();
  const told = attend(accepted);
  attend(connected);
  send(connected, Buffer.from('abcdefghijkl'));
  network.settle();
  assert.equal(told.chunks.map(String), ['abc', 'd', 'efgh', 'ijkl']);
});

test('any order of events and any cuts give the same bytes', () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    let state = seed;
    const pick = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below;
    const network = new FakeNetwork({ pick, chunkSize: (available) => 1 + pick(available) });
    const { accepted, connected } = network.connect();
    const [there, here] = [attend(accepted), attend(connected)];
    const bytes = Buffer.from(Array.from({ length: 5_000 }, (_, index) => index % 251));
    for (let at = 0; at < bytes.length; at += 500) {
      send(connected, bytes.subarray(at, at + 500));
      send(accepted, bytes.subarray(at, at + 500));
      network.step();
    }
    network.settle();
    assert.ok(Buffer.concat(there.chunks).equals(bytes));
    assert.ok(Buffer.concat(here.chunks).equals(bytes));
    assert.is(here.takenBytes, bytes.length);
  }
});

test('a stalled end lets the window fill, congests its peer, and goes on later', () => {
  const network = new FakeNetwork(plain);
  const { accepted, connected } = network.connect();
  const [there, here] = [attend(accepted), attend(connected)];
  accepted.stalled = true;
  send(connected, new Uint8Array(2 << 20));
  network.settle();
  assert.is(here.takenBytes, 0);
  assert.ok(connected.outbound.congested);
  accepted.stalled = false;
  network.settle();
  assert.is(Buffer.concat(there.chunks).length, 2 << 20);
  assert.is(here.uncongested, 1);
  assert.ok((2 << 20) > WINDOW_BYTES);
});

test('closeAfterFlush delivers all, and each end is told once', () => {
  const network = new FakeNetwork(plain);
  const { accepted, connected } = network.connect();
  const [there, here] = [attend(accepted), attend(connected)];
  send(connected, Buffer.from('bye'));
  connected.closeAfterFlush();
  network.settle();
  assert.is(String(Buffer.concat(there.chunks)), 'bye');
  assert.equal(here.closed.map((reason) => reason.kind), ['flushed']);
  assert.equal(there.closed.map((reason) => reason.kind), ['ended']);
});

test('a reset loses what is in transit and tells both ends', () => {
  const network = new FakeNetwork(plain);
  const { accepted, connected } = network.connect();
  const [there, here] = [attend(accepted), attend(connected)];
  send(connected, Buffer.from('lost'));
  network.step();
  connected.reset();
  network.settle();
  assert.is(there.chunks.length, 0);
  assert.equal([...here.closed, ...there.closed].map((reason) => reason.kind), ['failed', 'failed']);
});

test('destroy tells the other end by a reset', () => {
  const network = new FakeNetwork(plain);
  const { accepted, connected } = network.connect();
  const [there, here] = [attend(accepted), attend(connected)];
  accepted.destroy();
  network.settle();
  assert.equal(there.closed.map((reason) => reason.kind), ['destroyed']);
  assert.equal(here.closed.map((reason) => reason.kind), ['failed']);
});

test('a peer that does not take the rest is cut off by the clock', () => {
  let fire: () => void = () => {};
  const clock: Clock = { nowMs: () => 0, setTimer: (_delayMs, callback) => ((fire = callback), {}), clearTimer: () => {} };
  const network = new FakeNetwork(plain, clock);
  const { accepted, connected } = network.connect();
  const there = attend(accepted);
  attend(connected);
  connected.stalled = true;
  send(accepted, new Uint8Array(2 << 20));
  accepted.closeAfterFlush();
  network.settle();
  assert.equal(there.closed, []);
  fire();
  network.settle();
  assert.equal(there.closed.map((reason) => reason.kind), ['stalled']);
});

test('readInto works as on a socket', () => {
  const network = new FakeNetwork(plain);
  const { accepted, connected } = network.connect();
  const memory = new Uint8Array(new SharedArrayBuffer(10_000));
  const told = attend(accepted);
  attend(connected);
  let filled = 0;
  accepted.readInto(memory, () => (filled += 1));
  send(connected, new Uint8Array(10_005).fill(7));
  network.settle();
  assert.is(filled, 1);
  assert.ok(memory.every((byte) => byte === 7));
  assert.is(Buffer.concat(told.chunks).length, 5);
});

test.run();
