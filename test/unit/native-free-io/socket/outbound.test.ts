import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BlockPool } from '../../../../native-free-io/socket/block-pool.ts';
import type { ByteSink } from '../../../../native-free-io/socket/byte-sink.ts';
import { CONGESTED_ABOVE_BYTES, Outbound, UNCONGESTED_AT_BYTES } from '../../../../native-free-io/socket/outbound.ts';

const BLOCK_SIZE_BYTES = 256;

/** A sink that takes a batch when it is told to, and remembers the bytes as they were at that moment. */
class ManualSink implements ByteSink {
  readonly batches: Buffer[][] = [];
  readonly taken: Buffer[] = [];
  ended = false;
  #batch: readonly Buffer[] = [];
  #onTaken: (() => void) | undefined;

  write(segments: readonly Buffer[], onTaken: () => void): void {
    assert.is(this.#onTaken, undefined, 'one batch at a time');
    assert.not(this.ended);
    this.batches.push([...segments]);
    this.#batch = [...segments];
    this.#onTaken = onTaken;
  }

  end(): void {
    this.ended = true;
  }

  /** Takes the batch under way; answers false when there is none. */
  take(): boolean {
    const onTaken = this.#onTaken;
    if (onTaken === undefined) return false;
    this.taken.push(...this.#batch.map((segment) => Buffer.from(segment)));
    this.#onTaken = undefined;
    onTaken();
    return true;
  }
}

function open(blockSizeBytes = BLOCK_SIZE_BYTES) {
  const sink = new ManualSink();
  const pool = new BlockPool(blockSizeBytes, 4);
  const told: string[] = [];
  const outbound = new Outbound(pool, sink, {
    onTaken: (bytes) => told.push(`taken ${bytes}`),
    onUncongested: () => told.push('uncongested'),
  });
  const queue = (text: string): void => {
    const at = outbound.reserve(text.length);
    outbound.commit(at + outbound.buffer.write(text, at, 'latin1'));
  };
  return { sink, pool, told, outbound, queue };
}

const test = suite('outbound');

test('copied and attached bytes keep their order, in one batch', () => {
  const { sink, outbound, queue, told } = open();
  queue('one ');
  outbound.attach(Buffer.from('two '));
  outbound.attach(Buffer.from('three '));
  queue('four ');
  queue('five');
  outbound.flush();
  assert.equal(sink.batches.map((batch) => batch.map(String)), [['one ', 'two ', 'three ', 'four five']]);
  sink.take();
  assert.equal(told, ['taken 23']);
});

test('view and buffer are the same memory', () => {
  const { sink, outbound } = open();
  const at = outbound.reserve(4);
  outbound.view.setUint32(at, 0x01020304);
  outbound.commit(at + 4);
  outbound.flush();
  sink.take();
  assert.equal([...Buffer.concat(sink.taken)], [1, 2, 3, 4]);
});

test('nothing is handed over twice, and what gathers behind a batch is one segment', () => {
  const { sink, outbound, queue } = open();
  queue('a');
  outbound.flush();
  queue('b');
  outbound.flush();
  queue('c');
  outbound.flush();
  queue('d');
  assert.is(sink.batches.length, 1);
  sink.take();
  assert.equal(sink.batches.map((batch) => batch.map(String)), [['a'], ['bcd']]);
  sink.take();
  outbound.flush();
  assert.is(sink.batches.length, 2);
});

test('a batch is not followed by what nobody flushed', () => {
  const { sink, outbound, queue } = open();
  queue('a');
  outbound.flush();
  queue('b');
  sink.take();
  assert.is(sink.batches.length, 1);
  assert.is(outbound.unsentBytes, 1);
});

test('an idle socket holds no block, and a reserve without commit sends nothing', () => {
  const { sink, pool, outbound, queue } = open();
  queue('a');
  outbound.flush();
  assert.is(pool.lentCount, 1);
  sink.take();
  assert.is(pool.lentCount, 0);
  outbound.reserve(10);
  assert.is(pool.lentCount, 1);
  outbound.flush();
  assert.is(pool.lentCount, 0);
  assert.is(sink.batches.length, 1);
  assert.is(pool.createdCount, 1);
});

test('a block under way is not lent to another socket', () => {
  const { sink, pool, outbound, queue } = open();
  queue('x'.repeat(BLOCK_SIZE_BYTES));
  outbound.flush();
  const other = new Outbound(pool, new ManualSink(), { onTaken: () => {}, onUncongested: () => {} });
  const at = other.reserve(BLOCK_SIZE_BYTES);
  other.buffer.fill('y', at, BLOCK_SIZE_BYTES);
  sink.take();
  assert.is(String(sink.taken[0]), 'x'.repeat(BLOCK_SIZE_BYTES));
});

test('more than a block is made to measure and not kept', () => {
  const { sink, pool, outbound, queue } = open();
  queue('small');
  queue('z'.repeat(10 * BLOCK_SIZE_BYTES));
  outbound.flush();
  sink.take();
  assert.is(String(Buffer.concat(sink.taken)), `small${'z'.repeat(10 * BLOCK_SIZE_BYTES)}`);
  assert.is(pool.lentCount, 0);
  assert.is(pool.idleCount, 1);
});

test('the pool keeps no more idle blocks than its bound', () => {
  const pool = new BlockPool(BLOCK_SIZE_BYTES, 2);
  const blocks = Array.from({ length: 5 }, () => pool.borrow(1));
  for (const block of blocks) pool.giveBack(block);
  assert.is(pool.idleCount, 2);
  assert.is(pool.lentCount, 0);
});

test('a commit outside the block is refused loudly', () => {
  const { outbound } = open();
  const at = outbound.reserve(16);
  assert.throws(() => outbound.commit(at + BLOCK_SIZE_BYTES + 1), /outside/);
  outbound.commit(at + 16);
  assert.throws(() => outbound.commit(at), /outside/);
});

test('congestion begins above one mark and ends at the other, once', () => {
  const { sink, outbound, told } = open();
  outbound.attach(Buffer.alloc(CONGESTED_ABOVE_BYTES));
  assert.not(outbound.congested);
  outbound.flush();
  outbound.attach(Buffer.alloc(UNCONGESTED_AT_BYTES + 1));
  assert.ok(outbound.congested);
  sink.take();
  assert.ok(outbound.congested, 'still above the lower mark');
  outbound.flush();
  sink.take();
  assert.not(outbound.congested);
  assert.equal(told, [`taken ${CONGESTED_ABOVE_BYTES}`, `taken ${UNCONGESTED_AT_BYTES + 1}`, 'uncongested']);
});

test('end sends what is queued behind the batch under way, then the end', () => {
  const { sink, pool, outbound, queue } = open();
  queue('a');
  outbound.flush();
  queue('b');
  outbound.end();
  queue('ignored');
  queue('x'.repeat(BLOCK_SIZE_BYTES));
  assert.is(outbound.flush(), false);
  assert.not(sink.ended);
  sink.take();
  assert.not(sink.ended);
  sink.take();
  assert.ok(sink.ended);
  assert.is(String(Buffer.concat(sink.taken)), 'ab');
  outbound.flush();
  assert.is(pool.lentCount, 0);
});

test('a flush after end leaves the block under way alone', () => {
  const { sink, pool, outbound, queue } = open();
  queue('last words');
  outbound.end();
  outbound.flush();
  const other = new Outbound(pool, new ManualSink(), { onTaken: () => {}, onUncongested: () => {} });
  const at = other.reserve(BLOCK_SIZE_BYTES);
  other.buffer.fill('y', at);
  sink.take();
  assert.is(String(Buffer.concat(sink.taken)), 'last words');
});

test('end without anything unsent ends at once, and only once', () => {
  const { sink, outbound } = open();
  outbound.end();
  outbound.end();
  assert.ok(sink.ended);
  assert.not(outbound.open);
});

test('close returns every block and silences a late notice', () => {
  const { sink, pool, outbound, queue, told } = open();
  queue('x'.repeat(200));
  outbound.flush();
  for (let message = 0; message < 10; message += 1) queue('y'.repeat(200));
  outbound.close();
  assert.is(pool.lentCount, 0);
  assert.is(outbound.unsentBytes, 0);
  sink.take();
  queue('late');
  assert.is(outbound.flush(), false);
  assert.equal(told, []);
  assert.is(pool.lentCount, 0);
});

test('any sequence of calls: bytes equal, accounts right, no block lost', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('copy' as const), size: fc.integer({ min: 0, max: 600 }) }),
    fc.record({ kind: fc.constant('attach' as const), size: fc.integer({ min: 0, max: 600 }) }),
    fc.constant({ kind: 'flush' as const, size: 0 }),
    fc.constant({ kind: 'take' as const, size: 0 }),
    fc.constant({ kind: 'reserve' as const, size: 100 }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.boolean(), (steps, closedEarly) => {
      const { sink, pool, outbound, told } = open();
      const expected: Buffer[] = [];
      let queuedBytes = 0;
      let value = 0;
      for (const { kind, size } of steps) {
        if (kind === 'copy' || kind === 'attach') {
          const bytes = Buffer.alloc(size, (value = (value + 1) % 256));
          if (kind === 'attach') outbound.attach(bytes);
          else {
            const at = outbound.reserve(size);
            bytes.copy(outbound.buffer, at);
            outbound.commit(at + size);
          }
          expected.push(bytes);
          queuedBytes += size;
        } else if (kind === 'reserve') outbound.reserve(size);
        else if (kind === 'flush') outbound.flush();
        else sink.take();
        const takenBytes = Buffer.concat(sink.taken).length;
        assert.is(outbound.unsentBytes, queuedBytes - takenBytes);
      }
      if (closedEarly) outbound.close();
      outbound.flush();
      while (!closedEarly && sink.take()) outbound.flush();
      outbound.flush();
      assert.is(pool.lentCount, 0);
      if (closedEarly) return;
      assert.ok(Buffer.concat(sink.taken).equals(Buffer.concat(expected)));
      const toldBytes = told.reduce((sum, line) => sum + Number(line.split(' ')[1] ?? 0), 0);
      assert.is(toldBytes, queuedBytes);
    }),
    { numRuns: 300 },
  );
});

test.run();
