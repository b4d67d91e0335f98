import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameScanner } from '../../../bench/client/frame-scanner.ts';
import { frame, FrameType, methodFrame, MethodId, shortString, u16, u32, u8 } from '../../../bench/client/wire.ts';

const test = suite('bench/client/frame-scanner');

const HIGH_WORD = 0x1_0000_0000;

type Item =
  | { readonly kind: 'delivery'; readonly tag: number; readonly body: number; readonly pieces: number }
  | { readonly kind: 'ack'; readonly tag: number }
  | { readonly kind: 'heartbeat' };

function tagBytes(tag: number): Buffer {
  return Buffer.concat([u32(Math.floor(tag / HIGH_WORD)), u32(tag % HIGH_WORD)]);
}

/** A body of `size` bytes whose first eight say when it was sent, cut into frames. */
function bodyFrames(timeNs: number, size: number, pieces: number): Buffer {
  const body = Buffer.alloc(size, 0xce);
  if (size >= 8) body.writeDoubleBE(timeNs);
  const step = Math.max(8, Math.ceil(size / pieces));
  const frames: Buffer[] = [];
  for (let at = 0; at < size; at += step) frames.push(frame(FrameType.body, 1, body.subarray(at, at + step)));
  return Buffer.concat(frames);
}

function encode(item: Item, index: number): Buffer {
  if (item.kind === 'heartbeat') return frame(FrameType.heartbeat, 0, Buffer.alloc(0));
  if (item.kind === 'ack') return methodFrame(1, MethodId.basicAck, tagBytes(item.tag), u8(1));
  const deliver = methodFrame(1, MethodId.basicDeliver, shortString('c'), tagBytes(item.tag), u8(0), shortString(''), shortString('q'));
  const header = frame(FrameType.header, 1, Buffer.concat([u16(60), u16(0), u32(0), u32(item.body), u16(0)]));
  return Buffer.concat([deliver, header, bodyFrames(index, item.body, item.pieces)]);
}

type Seen = { deliveries: number; lastTag: number; methods: string[]; times: number[] };

function scan(chunks: readonly Buffer[], timed: boolean): Seen {
  const methods: string[] = [];
  const times: number[] = [];
  const scanner = new FrameScanner({
    method: (channel, id, payload) => methods.push(`${channel}:${id}:${payload.toString('hex')}`),
    ...(timed ? { sentAt: (timeNs: number) => times.push(timeNs) } : {}),
  });
  for (const chunk of chunks) {
    // The bytes behind the end are what a reused buffer holds: they must not be read.
    scanner.push(Buffer.concat([chunk, Buffer.alloc(16, 0xff)]), chunk.length);
  }
  return { deliveries: scanner.deliveries, lastTag: scanner.lastTagOf(1), methods, times };
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((left, right) => left - right);
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

const anItem: fc.Arbitrary<Item> = fc.oneof(
  fc.record({
    kind: fc.constant('delivery' as const),
    tag: fc.integer({ min: 1, max: 2 ** 40 }),
    body: fc.integer({ min: 0, max: 700 }),
    pieces: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ kind: fc.constant('ack' as const), tag: fc.integer({ min: 1, max: 2 ** 40 }) }),
  fc.constant({ kind: 'heartbeat' as const }),
);

function expected(items: readonly Item[], timed: boolean): Seen {
  const deliveries = items.flatMap((item, index) => (item.kind === 'delivery' ? [{ ...item, index }] : []));
  const acks = items.flatMap((item) => (item.kind === 'ack' ? [item.tag] : []));
  return {
    deliveries: deliveries.length,
    lastTag: deliveries.at(-1)?.tag ?? 0,
    methods: acks.map((tag) => `1:${MethodId.basicAck}:${tagBytes(tag).toString('hex')}01`),
    times: timed ? deliveries.filter(({ body }) => body >= 8).map(({ index }) => index) : [],
  };
}

test('sees the same however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(anItem, { maxLength: 12 }), fc.array(fc.nat(20_000), { maxLength: 30 }), fc.boolean(), (items, cuts, timed) => {
      assert.equal(scan(split(Buffer.concat(items.map(encode)), cuts), timed), expected(items, timed));
    }),
    { numRuns: 500 },
  );
});

test('sees the same byte by byte', () => {
  const items: Item[] = [
    { kind: 'delivery', tag: 1, body: 100, pieces: 1 },
    { kind: 'heartbeat' },
    { kind: 'ack', tag: 7 },
    { kind: 'delivery', tag: HIGH_WORD + 5, body: 30, pieces: 2 },
  ];
  const bytes = Buffer.concat(items.map(encode));
  assert.equal(scan([...bytes].map((byte) => Buffer.from([byte])), true), expected(items, true));
});

test('carries a method that is larger than its small buffer', () => {
  const method = methodFrame(0, MethodId.connectionStart, Buffer.alloc(5_000, 1));
  const { methods } = scan(split(method, [3, 900, 4_000]), false);
  assert.equal(methods, [`0:${MethodId.connectionStart}:${'01'.repeat(5_000)}`]);
});

test('refuses a stream that is out of step, at once and across chunks', () => {
  const wrong = Buffer.from('AMQP\0\0\x09\x01more', 'latin1');
  assert.throws(() => scan([wrong], false), /out of step/);
  assert.throws(() => scan(split(wrong, [3]), false), /out of step/);
  const unended = methodFrame(1, MethodId.basicAck, tagBytes(1), u8(0));
  unended[unended.length - 1] = 0;
  assert.throws(() => scan([unended], false), /end octet/);
  const endless = Buffer.from([FrameType.method, 0, 1, 0x7f, 0xff, 0xff, 0xff, 0, 0]);
  assert.throws(() => scan(split(endless, [8]), false), /a method of/);
});

test.run();
