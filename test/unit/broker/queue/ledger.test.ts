/** What a queue's index takes of memory: what is there, and next to nothing for what has been. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ACCEPTED,
  CHUNK_ENTRIES,
  DROPPED,
  ENTRY_WORDS,
  GAP_MAX,
  GONE,
  READY,
  SETTLED,
  SLOT_WORDS,
  STATE_MASK,
  UNSETTLED,
} from '../../../../src/broker/queue/ledger-layout.ts';
import { Ledger } from '../../../../src/broker/queue/ledger.ts';
import type { QueueMemory } from '../../../../src/broker/queue/queue-memory.ts';

const test = suite('chunks of a ledger');

const CHUNKS = 64;
const CHUNK_WORDS = CHUNK_ENTRIES * ENTRY_WORDS;

/** Chunks number 1 to CHUNKS; what stands where 0 would be is zeros. */
class ChunkMemory implements QueueMemory {
  readonly slots = new Int32Array(SLOT_WORDS);
  readonly #words = new Int32Array((CHUNKS + 1) * CHUNK_WORDS).fill(-7, CHUNK_WORDS);
  readonly #links = new Int32Array(CHUNKS + 1);
  readonly #free = Array.from({ length: CHUNKS }, (_, index) => CHUNKS - index);

  get chunkCount(): number {
    return CHUNKS - this.#free.length;
  }

  intsOf(): Int32Array {
    return this.#words;
  }

  intOffsetOf(address: number): number {
    return (address >>> 10) * CHUNK_WORDS;
  }

  allocateChunk(): number {
    return (this.#free.pop() ?? 0) << 10;
  }

  freeChunk(address: number): void {
    assert.not(this.#free.includes(address >>> 10), 'a chunk is given back twice');
    this.#free.push(address >>> 10);
  }

  nextChunk(address: number): number {
    return this.#links[address >>> 10]!;
  }

  setNextChunk(address: number, link: number): void {
    this.#links[address >>> 10] = link;
  }

  release(): void {}
}

function emptyLedger(): { memory: ChunkMemory; ledger: Ledger } {
  const memory = new ChunkMemory();
  const ledger = new Ledger(memory, 0);
  ledger.create();
  return { memory, ledger };
}

/** Another incarnation's view. */
function recovered(memory: ChunkMemory): Ledger {
  const ledger = new Ledger(memory, 0);
  ledger.recover();
  return ledger;
}

function append(ledger: Ledger, count: number): void {
  for (let each = 0; each < count; each++) assert.ok(ledger.append(0, 0));
}

function settle(ledger: Ledger, from: number, count: number): void {
  for (let position = from; position < from + count; position++) ledger.remove(position, SETTLED);
}

function readyOf(ledger: Ledger): number[] {
  const ready: number[] = [];
  for (let position = ledger.head; position !== ledger.tail; position = ledger.after(position)) {
    if ((ledger.state(position) & STATE_MASK) === READY) ready.push(position);
  }
  return ready;
}

test('five million messages pass by one that stays', () => {
  const { memory, ledger } = emptyLedger();
  ledger.append(0, 0);
  const batch = 1000;
  for (let passed = 0; passed < 5_000_000; passed += batch) {
    append(ledger, batch);
    // The last ones first.
    for (let position = ledger.tail - 1; position >= ledger.tail - batch; position--) ledger.remove(position, SETTLED);
    assert.ok(memory.chunkCount <= 3 + (2 * passed) / CHUNK_ENTRIES / GAP_MAX, `${memory.chunkCount} chunks after ${passed} messages`);
  }
  assert.is(ledger.head, 0);
  assert.is(ledger.chunkCount, memory.chunkCount);
  const next = recovered(memory);
  assert.equal(readyOf(next), [0]);
  assert.is(next.tail, 5_000_001);
  append(next, 1);
  assert.equal(readyOf(recovered(memory)), [0, 5_000_001]);
  next.remove(0, SETTLED);
  assert.is(next.head, 5_000_001);
  assert.is(memory.chunkCount, 1);
  next.clear();
  assert.is(memory.chunkCount, 0);
});

test('what the store brings back of a span of millions takes next to nothing', () => {
  const { memory, ledger } = emptyLedger();
  ledger.beginAt(7);
  ledger.append(0, 0);
  const position = 6_000_123;
  assert.ok(ledger.appendGone(position));
  ledger.append(0, 0);
  assert.ok(memory.chunkCount <= 3 + position / CHUNK_ENTRIES / GAP_MAX, `${memory.chunkCount} chunks`);
  const next = recovered(memory);
  assert.equal(readyOf(next), [7, position]);
  assert.is(next.state(3_000_000), GONE);
  assert.equal([next.counter(ACCEPTED), next.counter(SETTLED), next.counter(DROPPED)], [position + 1, position - 1, 0]);
  next.remove(7, SETTLED);
  assert.is(next.head, position);
  assert.is(memory.chunkCount, 1);
});

test('a chunk of which a part went before a crash is given back when the rest goes', () => {
  const { memory, ledger } = emptyLedger();
  append(ledger, 3 * CHUNK_ENTRIES);
  settle(ledger, CHUNK_ENTRIES, CHUNK_ENTRIES / 2);
  const next = recovered(memory);
  assert.is(memory.chunkCount, 3);
  settle(next, CHUNK_ENTRIES * 1.5, CHUNK_ENTRIES / 2);
  assert.is(memory.chunkCount, 2);
  assert.is(readyOf(next).length, 2 * CHUNK_ENTRIES);
});

test('an entry of a chunk that was given back reads as gone, whatever stands there now', () => {
  const { memory, ledger } = emptyLedger();
  append(ledger, 3 * CHUNK_ENTRIES);
  settle(ledger, CHUNK_ENTRIES, CHUNK_ENTRIES);
  assert.is(memory.chunkCount, 2);
  const another = memory.intOffsetOf(memory.allocateChunk());
  memory.intsOf().fill(UNSETTLED, another, another + CHUNK_WORDS);
  assert.is(ledger.state(CHUNK_ENTRIES + 1), GONE);
});

test('messages that go in order count nothing', () => {
  const { memory, ledger } = emptyLedger();
  for (let chunk = 0; chunk < 200; chunk++) {
    append(ledger, CHUNK_ENTRIES);
    settle(ledger, ledger.head, CHUNK_ENTRIES - 3);
  }
  assert.ok(memory.chunkCount <= 2);
  settle(ledger, ledger.head, ledger.tail - ledger.head);
  assert.is(memory.chunkCount, 0);
});

test.run();
