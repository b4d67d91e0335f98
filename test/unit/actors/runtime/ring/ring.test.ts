import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RingConsumer } from '../../../../../actors/runtime/ring/ring-consumer.ts';
import {
  RECORD_HEADER_BYTES,
  RING_HEADER_BYTES,
  createRing,
  payloadBytesMax,
  ringStatistics,
} from '../../../../../actors/runtime/ring/ring-layout.ts';
import { DEFERRED_BYTES_MAX, NO_ROOM, RingProducer } from '../../../../../actors/runtime/ring/ring-producer.ts';

const CAPACITY = 256;
const LONGEST = payloadBytesMax(CAPACITY);

type Taken = { type: number; offset: number; bytes: number[]; position: number };

function put(producer: RingProducer, type: number, bytes: readonly number[]): boolean {
  const offset = producer.claim(bytes.length);
  if (offset === NO_ROOM) return false;
  producer.bytes.set(bytes, offset);
  producer.commit(type);
  return true;
}

function take(consumer: RingConsumer, budget = Infinity): Taken[] {
  const taken: Taken[] = [];
  const record = (type: number, offset: number, length: number): void => {
    taken.push({ type, offset, bytes: [...consumer.bytes.subarray(offset, offset + length)], position: consumer.position });
  };
  assert.is(consumer.read({ record }, budget), taken.length);
  return taken;
}

function pair(firstPosition = 0): { memory: SharedArrayBuffer; producer: RingProducer; consumer: RingConsumer } {
  const memory = createRing(CAPACITY, firstPosition);
  return { memory, producer: new RingProducer(memory), consumer: new RingConsumer(memory) };
}

const bytesOf = (length: number, first: number): number[] => Array.from({ length }, (_, i) => (first + i) & 0xff);

const ring = suite('ring');

ring('a record arrives with its type and its bytes, an empty one too', () => {
  const { producer, consumer } = pair();
  assert.ok(consumer.empty);
  put(producer, 7, [1, 2, 3]);
  put(producer, -2, []);
  assert.not(consumer.empty);
  assert.equal(
    take(consumer).map(({ type, bytes }) => ({ type, bytes })),
    [
      { type: 7, bytes: [1, 2, 3] },
      { type: -2, bytes: [] },
    ],
  );
  assert.ok(consumer.empty);
});

ring('nothing is visible before commit, and an aborted record never is', () => {
  const { producer, consumer } = pair();
  producer.bytes.fill(9, producer.claim(8), RING_HEADER_BYTES + 16);
  assert.ok(consumer.empty);
  producer.abort();
  assert.ok(consumer.empty);
  put(producer, 1, [5]);
  assert.equal(take(consumer)[0]?.bytes, [5]);
});

ring('claim, commit and abort out of turn are assertions', () => {
  const { producer } = pair();
  assert.throws(() => producer.commit(1), 'no record is claimed');
  assert.throws(() => producer.abort(), 'no record is claimed');
  producer.claim(8);
  assert.throws(() => producer.claim(8), 'neither committed nor aborted');
});

ring('a record longer than a quarter of the ring is refused, the longest one is not', () => {
  const { producer } = pair();
  assert.throws(() => producer.claim(LONGEST + 1), RangeError);
  assert.throws(() => producer.claim(-1), RangeError);
  assert.ok(put(producer, 1, bytesOf(LONGEST, 0)));
});

ring('a full ring answers NO_ROOM and goes on when the consumer has read', () => {
  const { producer, consumer } = pair();
  let records = 0;
  while (put(producer, records, bytesOf(24, records))) records += 1;
  assert.is(records, CAPACITY / 32);
  assert.is(producer.claim(0), NO_ROOM);
  assert.is(take(consumer, 1).length, 1);
  assert.ok(put(producer, 99, bytesOf(24, 99)));
  assert.is(producer.claim(24), NO_ROOM);
  assert.equal(take(consumer).map(({ type }) => type), [1, 2, 3, 4, 5, 6, 7, 99]);
});

ring('a record that fits exactly before the end needs no padding', () => {
  const { producer, consumer } = pair(CAPACITY - 32);
  put(producer, 1, bytesOf(24, 0));
  put(producer, 2, bytesOf(24, 50));
  const [first, second] = take(consumer);
  assert.is(first?.offset, RING_HEADER_BYTES + CAPACITY - 32 + RECORD_HEADER_BYTES);
  assert.is(second?.offset, RING_HEADER_BYTES + RECORD_HEADER_BYTES);
  assert.is(((second?.position ?? 0) - (first?.position ?? 0)) | 0, 32);
});

ring('a record that does not fit before the end begins at the start, behind padding of any length', () => {
  for (let left = 8; left < 64; left += 8) {
    const { producer, consumer } = pair(CAPACITY - left);
    put(producer, 1, bytesOf(LONGEST, left));
    const [only, ...others] = take(consumer);
    assert.is(others.length, 0);
    assert.is(only?.offset, RING_HEADER_BYTES + RECORD_HEADER_BYTES, `padding of ${left}`);
    assert.equal(only?.bytes, bytesOf(LONGEST, left));
    assert.ok(consumer.empty);
  }
});

ring('an aborted record at the wrap leaves no padding behind', () => {
  const { producer, consumer } = pair(CAPACITY - 16);
  producer.claim(LONGEST);
  producer.abort();
  put(producer, 3, bytesOf(8, 1));
  assert.equal(take(consumer).map(({ type, offset }) => [type, offset]), [[3, RING_HEADER_BYTES + CAPACITY - 8]]);
});

ring('positions wrap at 2^31 and at 2^32 without a visible seam', () => {
  for (const first of [2 ** 31 - 128, 2 ** 32 - 128]) {
    const { producer, consumer } = pair(first);
    for (let n = 0; n < 200; n += 1) {
      const bytes = bytesOf(n % LONGEST, n);
      assert.ok(put(producer, n, bytes), `record ${n} from ${first}`);
      if (n % 3 !== 0) assert.ok(put(producer, -2 - n, []));
      const taken = take(consumer);
      assert.equal(taken[0]?.bytes, bytes);
      assert.is(taken.length, n % 3 !== 0 ? 2 : 1);
    }
  }
});

ring('a full ring over the wrap of 32 bits is full', () => {
  const { producer } = pair(2 ** 31 - 64);
  let records = 0;
  while (put(producer, records, bytesOf(24, 0))) records += 1;
  assert.is(records, CAPACITY / 32);
});

ring('the budget bounds a read, and padding costs none of it', () => {
  const { producer, consumer } = pair(CAPACITY - 8);
  put(producer, 1, [1, 1, 1]);
  put(producer, 2, [2]);
  assert.equal(take(consumer, 1).map(({ type }) => type), [1]);
  assert.equal(take(consumer, 0), []);
  assert.equal(take(consumer, 1).map(({ type }) => type), [2]);
});

ring('records that are committed while a read runs wait for the next one', () => {
  const { producer, consumer } = pair();
  put(producer, 1, []);
  assert.is(consumer.read({ record: () => void put(producer, 2, []) }, 10), 1);
  assert.equal(take(consumer).map(({ type }) => type), [2]);
});

ring('a new producer takes over behind the last committed record', () => {
  const { memory, producer, consumer } = pair();
  put(producer, 1, [1]);
  producer.bytes.fill(0xee, producer.claim(LONGEST), RING_HEADER_BYTES + 64);
  const heir = new RingProducer(memory);
  put(heir, 2, [2]);
  assert.equal(
    take(consumer).map(({ type, bytes }) => [type, bytes]),
    [
      [1, [1]],
      [2, [2]],
    ],
  );
});

ring('deferred records are shown by show, by the next commit, and when enough of them have gathered', () => {
  const producer = new RingProducer(createRing(16 * DEFERRED_BYTES_MAX));
  const consumer = new RingConsumer(producer.words.buffer as SharedArrayBuffer);
  const defer = (type: number): void => {
    producer.claim(24);
    producer.defer(type);
  };
  defer(1);
  defer(2);
  assert.ok(consumer.empty);
  producer.show();
  assert.is(take(consumer).length, 2);
  defer(3);
  put(producer, 4, []);
  assert.equal(take(consumer).map(({ type }) => type), [3, 4]);
  for (let n = 1; n < DEFERRED_BYTES_MAX / 32; n += 1) defer(n);
  assert.ok(consumer.empty);
  defer(0);
  assert.is(take(consumer).length, DEFERRED_BYTES_MAX / 32);
});

ring('an heir does not show what the old producer had deferred', () => {
  const { memory, producer, consumer } = pair();
  put(producer, 1, []);
  producer.claim(8);
  producer.defer(2);
  put(new RingProducer(memory), 3, []);
  assert.equal(take(consumer).map(({ type }) => type), [1, 3]);
});

ring('a new consumer gets the record again that the old one was reading, at the same position, and no other', () => {
  const { memory, producer, consumer } = pair(2 ** 31 - 16);
  for (const type of [1, 2, 3]) put(producer, type, [type]);
  let died = 0;
  let seen: Taken[] = [];
  const record = (type: number): void => {
    if (type !== 2) return;
    died = consumer.position;
    seen = take(new RingConsumer(memory));
  };
  consumer.read({ record }, 10);
  assert.equal(seen.map(({ type }) => type), [2, 3]);
  assert.is(seen[0]?.position, died);
});

ring('a record whose handler throws is read, and the ring stays usable', () => {
  const { memory, producer, consumer } = pair();
  for (const type of [1, 2]) put(producer, type, []);
  const record = (): void => {
    throw new Error('crash');
  };
  assert.throws(() => consumer.read({ record }, 10), 'crash');
  assert.equal(take(new RingConsumer(memory)).map(({ type }) => type), [2]);
  assert.equal(take(consumer).map(({ type }) => type), [2]);
});

ring('a handler cannot read the ring that is being read', () => {
  const { producer, consumer } = pair();
  for (const type of [1, 2]) put(producer, type, []);
  const record = (): void => void consumer.read({ record }, 1);
  assert.throws(() => consumer.read({ record }, 1), 'a handler reads');
});

ring('a request for room is answered once, when half of the ring is free', () => {
  const { producer, consumer } = pair();
  while (put(producer, 1, bytesOf(24, 0)));
  assert.not(producer.roomy);
  producer.requestRoom();
  take(consumer, 3);
  assert.not(consumer.takeRoomRequest());
  take(consumer, 1);
  assert.ok(consumer.takeRoomRequest());
  assert.not(consumer.takeRoomRequest());
  assert.ok(producer.roomy);
});

ring('statistics count records, bytes and the longest backlog', () => {
  const { memory, producer, consumer } = pair();
  for (let n = 0; n < 3; n += 1) put(producer, n, bytesOf(8, n));
  take(consumer);
  put(producer, 4, bytesOf(8, 0));
  take(consumer);
  assert.equal(ringStatistics(memory), { records: 4, bytes: 64, highWaterBytes: 48 });
});

ring('memory that is not a ring is refused', () => {
  assert.throws(() => createRing(CAPACITY + 8), RangeError);
  assert.throws(() => createRing(CAPACITY, 4), RangeError);
  assert.throws(() => new RingProducer(new SharedArrayBuffer(1000)), RangeError);
  assert.throws(() => new RingConsumer(new SharedArrayBuffer(1000)), RangeError);
});

ring.run();
