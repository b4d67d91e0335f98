import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MeshPort, createMesh } from '../../actors/runtime/ring/mesh.ts';
import { RingConsumer } from '../../actors/runtime/ring/ring-consumer.ts';
import { RING_HEADER_BYTES, createRing, payloadBytesMax } from '../../actors/runtime/ring/ring-layout.ts';
import { NO_ROOM, RingProducer } from '../../actors/runtime/ring/ring-producer.ts';

const CAPACITY = 512;
const LONGEST = payloadBytesMax(CAPACITY);

type Step =
  | { readonly kind: 'put' | 'abort'; readonly length: number }
  | { readonly kind: 'read'; readonly budget: number }
  | { readonly kind: 'newProducer' | 'newConsumer' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('put' as const), length: fc.nat(LONGEST) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('abort' as const), length: fc.nat(LONGEST) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('read' as const), budget: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('newProducer' as const, 'newConsumer' as const) }) },
);
/** Anywhere, and often shortly before the positions wrap. */
const firstPosition = fc.oneof(
  fc.nat(1000).map((n) => n * 8),
  fc.nat(100).map((n) => 2 ** 31 - 8 * n),
  fc.nat(100).map((n) => 2 ** 32 - 8 * n),
);

const property = suite('ring properties');

property('a ring is a bounded queue, whatever the sizes, aborts and takeovers', () => {
  fc.assert(
    fc.property(firstPosition, fc.array(step, { maxLength: 300 }), (first, steps) => {
      const memory = createRing(CAPACITY, first);
      let producer = new RingProducer(memory);
      let consumer = new RingConsumer(memory);
      const model: { type: number; length: number }[] = [];
      let usedMax = 0;
      let type = 0;
      const record = (taken: number, offset: number, length: number): void => {
        const expected = model.shift();
        assert.equal({ type: taken, length }, expected);
        assert.is(offset % 8, 0);
        assert.ok(offset >= RING_HEADER_BYTES + 8 && offset + length <= memory.byteLength, 'within the data');
        for (let i = 0; i < length; i += 1) assert.is(consumer.bytes[offset + i], (taken * 31 + i) & 0xff);
        usedMax -= (length + 15) & ~7;
      };
      for (const { kind, ...rest } of steps) {
        if (kind === 'newProducer') producer = new RingProducer(memory);
        else if (kind === 'newConsumer') consumer = new RingConsumer(memory);
        else if ('budget' in rest) {
          const expected = Math.min(rest.budget, model.length);
          assert.is(consumer.read({ record }, rest.budget), expected);
        } else if ('length' in rest) {
          const offset = producer.claim(rest.length);
          if (offset === NO_ROOM) {
            // Refused only for a reason: at most a quarter of the ring is lost to padding before and to the record itself.
            assert.ok(usedMax > CAPACITY / 2, `${rest.length} bytes refused with ${usedMax} in use`);
            assert.not(producer.roomy);
            continue;
          }
          type += 1;
          for (let i = 0; i < rest.length; i += 1) producer.bytes[offset + i] = kind === 'put' ? (type * 31 + i) & 0xff : 0xdd;
          if (kind === 'abort') producer.abort();
          else {
            producer.commit(type);
            model.push({ type, length: rest.length });
            usedMax += (rest.length + 15) & ~7;
          }
        }
        assert.is(consumer.empty, model.length === 0);
      }
      while (consumer.read({ record }, 1000) > 0);
      assert.is(model.length, 0);
    }),
    { numRuns: 500 },
  );
});

property('no write goes past the end of the ring: what lies behind it keeps its canary', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(LONGEST), { minLength: 1, maxLength: 200 }), firstPosition, (lengths, first) => {
      const memory = createRing(CAPACITY, first);
      const producer = new RingProducer(memory);
      const consumer = new RingConsumer(memory);
      // The header's unused words are the canaries before the data; a typed array cannot write behind the memory.
      const words = new Int32Array(memory);
      const canaries = [1, 15, 31, 33, 47, 50, 63, 65, 95];
      for (const word of canaries) words[word] = 0x0ca9a21e;
      for (const length of lengths) {
        const offset = producer.claim(length);
        assert.ok(offset !== NO_ROOM);
        assert.ok(offset + length <= memory.byteLength, 'the payload runs over the end');
        producer.bytes.fill(0xaa, offset, offset + length);
        producer.commit(1);
        consumer.read({ record: () => undefined }, 1);
      }
      for (const word of canaries) assert.is(words[word], 0x0ca9a21e, `canary in word ${word}`);
    }),
    { numRuns: 200 },
  );
});

property('a mesh delivers every message whole, once and in order, whatever the sizes and the pace', () => {
  const message = fc.record({
    to: fc.constantFrom(1, 2),
    ints: fc.boolean(),
    length: fc.oneof(fc.nat(40), fc.nat(300), fc.nat(5000)),
  });
  const move = fc.oneof(
    { weight: 6, arbitrary: message },
    { weight: 2, arbitrary: fc.record({ drain: fc.constantFrom(1, 2), budget: fc.integer({ min: 1, max: 30 }) }) },
    { weight: 1, arbitrary: fc.constant('flush' as const) },
  );
  fc.assert(
    fc.property(fc.array(move, { maxLength: 120 }), (moves) => {
      const mesh = createMesh(3, CAPACITY);
      const ports = [0, 1, 2].map((self) => new MeshPort(mesh, self, { ring: () => undefined }));
      const sender = ports[0]!;
      const sent: string[][] = [[], [], []];
      const heard: string[][] = [[], [], []];
      const fill = (length: number, seed: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (seed + i * 7) & 0xff);
      const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
      const drain = (at: number, budget: number): number =>
        ports[at]!.drain(
          {
            receive: (_from, type, ints, offset, count) =>
              void heard[at]!.push(`i${type} ${text(new Uint8Array(ints.buffer, ints.byteOffset + offset * 4, count * 4))}`),
            receiveBytes: (_from, type, bytes) => void heard[at]!.push(`b${type} ${text(bytes)}`),
          },
          budget,
        );
      moves.forEach((now, type) => {
        if (now === 'flush') sender.flush();
        else if ('drain' in now) drain(now.drain, now.budget);
        else if (now.ints) {
          const bytes = fill(now.length & ~3, type);
          sender.sendInts(now.to, type, new Int32Array(bytes.buffer), bytes.length >> 2);
          sent[now.to]!.push(`i${type} ${text(bytes)}`);
        } else {
          const bytes = fill(now.length, type);
          sender.sendBytes(now.to, type, bytes);
          sent[now.to]!.push(`b${type} ${text(bytes)}`);
        }
      });
      for (let idle = 0; idle < 2; ) {
        sender.flush();
        idle = drain(1, 100) + drain(2, 100) === 0 ? idle + 1 : 0;
      }
      assert.equal(heard, sent);
      assert.is(sender.waitingBytes, 0);
    }),
    { numRuns: 150 },
  );
});

property.run();
