import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../../../native-free-io/clock.ts';
import type { Clock, Timer } from '../../../../native-free-io/clock.ts';
import type { ReadMode } from '../../../../native-free-io/socket/inbound.ts';
import { collect, openSocketPair, queueBytes, totalBytes, until } from '../../../support/socket-pair.ts';

const MODES: readonly ReadMode[] = ['reused', 'data'];

/** A repeatable stream of numbers below 2^32 (xorshift). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function patterned(sizeBytes: number, seed: number): Buffer {
  const next = generator(seed);
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 1) bytes[at] = next();
  return bytes;
}

const sending = suite('socket transport, sending');

sending('ten thousand random writes and slices arrive byte-equal, in order', async () => {
  const pair = await openSocketPair();
  const arrived = collect(pair.client);
  const source = patterned(1 << 20, 7);
  const shared = Buffer.from(new SharedArrayBuffer(1 << 20));
  source.copy(shared);
  const next = generator(42);
  const sent: Buffer[] = [];
  let total = 0;
  for (let write = 0; write < 10_000; write += 1) {
    const size = next() % 100 === 0 ? next() % 200_000 : next() % 400;
    const at = next() % (source.length - size);
    if (next() % 3 === 0) pair.transport.outbound.attach(shared.subarray(at, at + size));
    else queueBytes(pair.transport, source.subarray(at, at + size));
    sent.push(source.subarray(at, at + size));
    total += size;
    if (next() % 10 === 0) {
      pair.transport.outbound.flush();
      if (pair.transport.outbound.congested) await until(() => !pair.transport.outbound.congested, 'congestion ends');
    }
  }
  pair.transport.outbound.flush();
  await until(() => totalBytes(arrived) === total, 'all bytes arrive');
  assert.ok(Buffer.concat(sent).equals(Buffer.concat(arrived)));
  await until(() => pair.taken === total, 'all bytes are reported as taken');
  assert.is(pair.transport.outbound.unsentBytes, 0);
  assert.is(pair.pool.lentCount, 0);
  assert.ok(pair.uncongested > 0);
  pair.transport.destroy();
  await until(() => pair.closed.length === 1, 'closed');
});

sending('a peer that does not read stalls the batch, then takes it all', async () => {
  const pair = await openSocketPair();
  pair.client.pause();
  const body = patterned(65_536, 3);
  const total = 256 * body.length;
  for (let message = 0; message < 256; message += 1) queueBytes(pair.transport, body);
  pair.transport.outbound.flush();
  assert.ok(pair.transport.outbound.congested);
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.is(pair.taken, 0);
  assert.is(pair.transport.outbound.unsentBytes, total);
  const arrived = collect(pair.client);
  pair.client.resume();
  await until(() => totalBytes(arrived) === total, 'the rest arrives');
  await until(() => pair.taken === total, 'taken');
  assert.is(pair.uncongested, 1);
  assert.ok(Buffer.concat(arrived).equals(Buffer.concat(Array.from({ length: 256 }, () => body))));
  assert.is(pair.pool.lentCount, 0);
  pair.transport.destroy();
});

sending('a stalled peer costs full blocks, not a block a turn', async () => {
  const pair = await openSocketPair();
  pair.client.pause();
  const outbound = pair.transport.outbound;
  const slice = Buffer.alloc(8 << 20);
  outbound.attach(slice);
  outbound.flush();
  for (let turn = 0; turn < 1_000; turn += 1) {
    queueBytes(pair.transport, slice.subarray(0, 200));
    outbound.flush();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.is(outbound.unsentBytes, slice.length + 200_000);
  assert.is(pair.pool.lentCount, Math.ceil(200_000 / pair.pool.blockSizeBytes));
  pair.client.resume();
  await until(() => outbound.unsentBytes === 0, 'all is taken');
  assert.is(pair.pool.lentCount, 0);
  pair.transport.destroy();
});

sending('a hundred thousand messages need no more blocks than the first thousand', async () => {
  const pair = await openSocketPair();
  pair.client.resume();
  const message = Buffer.alloc(130, 1);
  let createdEarly = 0;
  for (let count = 1; count <= 100_000; count += 1) {
    queueBytes(pair.transport, message);
    if (count % 100 !== 0) continue;
    pair.transport.outbound.flush();
    await new Promise((resolve) => setImmediate(resolve));
    if (pair.transport.outbound.congested) await until(() => !pair.transport.outbound.congested, 'congestion ends');
    if (count === 1_000) createdEarly = pair.pool.createdCount;
  }
  await until(() => pair.taken === 13_000_000, 'all is taken');
  assert.is(pair.pool.lentCount, 0);
  assert.ok(pair.pool.createdCount <= createdEarly + 18, `${createdEarly} blocks at first, ${pair.pool.createdCount} in the end`);
  pair.transport.destroy();
});

const closing = suite('socket transport, closing');

closing('closeAfterFlush sends the rest, then the end of the stream', async () => {
  const pair = await openSocketPair();
  const arrived = collect(pair.client);
  const ended = once(pair.client, 'end');
  const body = patterned(3_000_000, 11);
  queueBytes(pair.transport, body);
  pair.transport.closeAfterFlush();
  assert.not(pair.transport.outbound.open);
  queueBytes(pair.transport, Buffer.from('too late'));
  assert.is(pair.transport.outbound.flush(), false);
  await ended;
  assert.ok(Buffer.concat(arrived).equals(body));
  await until(() => pair.closed.length > 0, 'closed');
  assert.equal(pair.closed.map((reason) => reason.kind), ['flushed']);
  assert.is(pair.pool.lentCount, 0);
});

closing('input after closeAfterFlush is dropped and does not keep the connection', async () => {
  const pair = await openSocketPair();
  pair.transport.pause();
  pair.client.resume();
  pair.client.write(Buffer.alloc(4_000_000));
  pair.transport.closeAfterFlush();
  await until(() => pair.closed.length > 0, 'closed');
  assert.equal(pair.closed[0]?.kind, 'flushed');
  assert.is(pair.received.length, 0);
});

closing('a stubborn peer is cut off after the time to linger', async () => {
  const pair = await openSocketPair({ lingerMs: 50 });
  pair.client.pause();
  queueBytes(pair.transport, Buffer.alloc(16 << 20));
  pair.transport.closeAfterFlush();
  await until(() => pair.closed.length > 0, 'closed');
  assert.equal(pair.closed.map((reason) => reason.kind), ['stalled']);
  assert.is(pair.pool.lentCount, 0);
  pair.client.destroy();
});

closing('a peer that closes in time leaves no timer behind', async () => {
  const armed = new Set<Timer>();
  const clock: Clock = {
    nowMs: systemClock.nowMs,
    setTimer: () => {
      const timer = {};
      armed.add(timer);
      return timer;
    },
    clearTimer: (timer) => armed.delete(timer),
  };
  const pair = await openSocketPair({ clock });
  pair.client.resume();
  pair.transport.closeAfterFlush();
  assert.is(armed.size, 1);
  await until(() => pair.closed.length > 0, 'closed');
  assert.is(armed.size, 0);
});

closing('destroy in the middle of a batch: one notice, all blocks back, later calls ignored', async () => {
  const pair = await openSocketPair();
  pair.client.pause();
  const outbound = pair.transport.outbound;
  for (let turn = 0; turn < 20; turn += 1) {
    queueBytes(pair.transport, Buffer.alloc(1 << 20));
    outbound.flush();
  }
  pair.transport.destroy();
  queueBytes(pair.transport, Buffer.alloc(100));
  outbound.attach(Buffer.alloc(10));
  outbound.flush();
  await until(() => pair.closed.length > 0, 'closed');
  queueBytes(pair.transport, Buffer.alloc(100));
  assert.is(outbound.flush(), false);
  pair.transport.destroy();
  pair.transport.closeAfterFlush();
  pair.transport.pause();
  pair.transport.resume();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(pair.closed.map((reason) => reason.kind), ['destroyed']);
  assert.is(pair.pool.lentCount, 0);
  assert.is(outbound.unsentBytes, 0);
  pair.client.destroy();
});

for (const readMode of MODES) {
  const receiving = suite(`socket transport, receiving (${readMode})`);

  receiving('is read the way that was asked for', async () => {
    const pair = await openSocketPair({ readMode });
    assert.is(pair.transport.readMode, readMode);
    assert.is(pair.transport.peer.port, pair.client.localPort);
    assert.is(pair.transport.local.port, pair.client.remotePort);
    pair.transport.destroy();
    await until(() => pair.closed.length === 1, 'closed');
  });

  receiving('all bytes come, those sent before the start included', async () => {
    const body = patterned(5_000_000, 5);
    const pair = await openSocketPair({ readMode, sendFirst: body.subarray(0, 1_000) });
    pair.client.end(body.subarray(1_000));
    await until(() => pair.closed.length > 0, 'closed');
    assert.ok(Buffer.concat(pair.received).equals(body));
    assert.equal(pair.closed.map((reason) => reason.kind), ['ended']);
  });

  receiving('pause and resume under load lose nothing', async () => {
    const pair = await openSocketPair({ readMode });
    const body = patterned(8_000_000, 9);
    let calls = 0;
    pair.onBytes = (buffer, length) => {
      pair.received.push(Buffer.from(buffer.subarray(0, length)));
      calls += 1;
      if (calls % 3 !== 0) return;
      pair.transport.pause();
      setImmediate(() => pair.transport.resume());
    };
    pair.client.write(body);
    await until(() => totalBytes(pair.received) === body.length, 'all bytes arrive');
    assert.ok(Buffer.concat(pair.received).equals(body));
    assert.ok(calls > 6);
    pair.transport.destroy();
  });

  receiving('a paused socket stops the peer', async () => {
    const pair = await openSocketPair({ readMode });
    pair.transport.pause();
    const body = Buffer.alloc(32 << 20);
    let allTaken = false;
    pair.client.write(body, () => (allTaken = true));
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.not(allTaken);
    assert.ok(totalBytes(pair.received) <= 1 << 20);
    pair.transport.resume();
    await until(() => totalBytes(pair.received) === body.length, 'all bytes arrive');
    pair.transport.destroy();
  });

  receiving('readInto takes exactly the bytes asked for, across many reads, into shared memory', async () => {
    const pair = await openSocketPair({ readMode });
    const body = patterned(3_000_000, 21);
    const memory = new Uint8Array(new SharedArrayBuffer(body.length));
    const scratch = Buffer.alloc(8);
    let scratchFilled = 0;
    pair.onBytes = (buffer, length) => {
      pair.received.push(Buffer.from(buffer.subarray(0, length)));
      if (totalBytes(pair.received) !== length) return;
      memory.set(buffer.subarray(0, length));
      pair.transport.readInto(memory.subarray(length, 2_000_000), () => {
        pair.transport.readInto(scratch, () => {
          scratchFilled = 8;
        });
      });
    };
    pair.client.write(body.subarray(0, 500), () => setImmediate(() => pair.client.write(body.subarray(500))));
    await until(() => scratchFilled === 8, 'the destinations are full');
    assert.ok(Buffer.from(memory.subarray(0, 2_000_000)).equals(body.subarray(0, 2_000_000)));
    assert.ok(scratch.equals(body.subarray(2_000_000, 2_000_008)));
    const first = pair.received[0]?.length ?? 0;
    await until(() => totalBytes(pair.received) === first + body.length - 2_000_008, 'the rest comes as usual');
    assert.ok(Buffer.concat(pair.received.slice(1)).equals(body.subarray(2_000_008)));
    pair.transport.destroy();
  });

  receiving('after closeAfterFlush nothing is written into a destination', async () => {
    const pair = await openSocketPair({ readMode });
    const memory = new Uint8Array(new SharedArrayBuffer(1 << 20));
    pair.onBytes = () => pair.transport.readInto(memory, () => assert.unreachable('the destination was filled'));
    pair.client.resume();
    pair.client.write('x');
    pair.client.write(Buffer.alloc(1_000, 1));
    await until(() => pair.transport.bytesRead >= 1_001, 'the first bytes were read');
    const before = memory.slice();
    pair.transport.closeAfterFlush();
    pair.client.write(Buffer.alloc(500_000, 2));
    await until(() => pair.closed.length > 0, 'closed');
    assert.equal(memory, before);
  });

  receiving('a reset by the peer is one notice', async () => {
    const pair = await openSocketPair({ readMode });
    pair.client.pause();
    queueBytes(pair.transport, Buffer.alloc(16 << 20));
    pair.transport.outbound.flush();
    pair.client.resetAndDestroy();
    await until(() => pair.closed.length > 0, 'closed');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(pair.closed.map((reason) => reason.kind), ['failed']);
    assert.match(pair.closed[0]?.detail ?? '', /ECONNRESET|EPIPE/);
    assert.is(pair.pool.lentCount, 0);
  });

  receiving.run();
}

sending.run();
closing.run();
