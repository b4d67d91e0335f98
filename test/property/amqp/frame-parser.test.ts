/**
 * The same bytes in any cut are the same frames: what a session gets does not depend on how the network divides it. A publish
 * that comes whole and one that comes frame by frame are the same here.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { Carry } from '../../../actors/connection/carry.ts';
import { WIRE_FORM_BODY_MAX } from '../../../src/amqp/stored-message.ts';
import { FRAME_END, FrameType, writeFrameHeader } from '../../../src/amqp/frame.ts';
import { FrameParser, type FrameSink } from '../../../src/amqp/frame-parser.ts';
import type { PublishScan } from '../../../src/amqp/publish-scanner.ts';
import { type Mistake, loadMutant } from '../support/mutant.ts';
import { loadCopy } from '../support/source-copy.ts';

const FRAME_MAX = 16_384;

function frame(type: FrameType, channel: number, payload: Buffer): Buffer {
  const whole = Buffer.alloc(payload.length + 8, FRAME_END);
  payload.copy(whole, writeFrameHeader(whole, 0, type, channel, payload.length));
  return whole;
}

/** Writes down what it is told, one line for each frame; bytes of a body join. */
class Recorder implements FrameSink {
  readonly lines: string[] = [];
  #body: Buffer[] = [];
  #left = 0;
  /** The last publish, but for its body. */
  #shape = '';
  /** Publishes that were said to repeat the one before them. */
  repeated = 0;
  /** Stops the parser at every so many frames. */
  readonly #stop: () => void;
  stopsEvery = 0;
  failed = false;

  constructor(stop: () => void) {
    this.#stop = stop;
  }

  #line(text: string): void {
    this.lines.push(text);
    if (this.stopsEvery > 0 && this.lines.length % this.stopsEvery === 0) this.#stop();
  }

  publish(buffer: Buffer, scan: PublishScan): void {
    const { channel, keyStart, keySize, bits, headerFrame, headerSize, bodySize } = scan;
    const start = keyStart - 6;
    const method = buffer.toString('hex', start, keyStart + keySize + 1);
    const properties = buffer.toString('hex', headerFrame + 19, headerFrame + headerSize + 8);
    const shape = `${channel} ${method} ${properties}`;
    if (scan.repeated) {
      this.repeated++;
      assert.is(shape, this.#shape);
    }
    this.#shape = shape;
    this.method(channel, buffer, start, keyStart + keySize + 1);
    assert.is(buffer[keyStart + keySize], bits);
    this.header(channel, buffer, headerFrame + 7, headerFrame + 7 + headerSize);
    const body = headerFrame + headerSize + 8 + 7;
    if (bodySize > 0) {
      this.bodyFrame(channel, bodySize);
      this.body(channel, buffer, body, body + bodySize);
    }
    assert.is(scan.end, bodySize > 0 ? body + bodySize + 1 : headerFrame + headerSize + 8);
  }

  method(channel: number, buffer: Buffer, start: number, end: number): void {
    this.#line(`method ${channel} ${buffer.toString('hex', start, end)}`);
  }

  header(channel: number, buffer: Buffer, start: number, end: number): void {
    this.#line(`header ${channel} ${buffer.toString('hex', start, end)}`);
  }

  bodyFrame(channel: number, size: number): void {
    assert.is(this.#left, 0, 'a body frame begins when the last one is over');
    this.#left = size;
    this.#body = [];
    if (size === 0) this.#line(`body ${channel} `);
  }

  body(channel: number, buffer: Buffer, start: number, end: number): void {
    this.#body.push(Buffer.from(buffer.subarray(start, end)));
    this.#left -= end - start;
    assert.ok(this.#left >= 0);
    if (this.#left === 0) this.#line(`body ${channel} ${Buffer.concat(this.#body).toString('hex')}`);
  }

  heartbeat(channel: number): void {
    this.#line(`heartbeat ${channel}`);
  }

  error(error: { readonly text: string }): void {
    this.failed = true;
    this.lines.push(`error ${error.text}`);
  }
}

const channel = fc.constantFrom(1, 2, 300);
const octets = (maxLength: number) => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes));

const publishMethod = fc.tuple(octets(12), octets(12), fc.nat(3)).map(([exchange, key, bits]) =>
  Buffer.concat([Buffer.from([0, 60, 0, 40, 0, 0, exchange.length]), exchange, Buffer.from([key.length]), key, Buffer.from([bits])]),
);

function headerPayload(bodySize: number, properties: Buffer): Buffer {
  const head = Buffer.alloc(14);
  head.writeUInt16BE(60, 0);
  head.writeUInt32BE(bodySize, 8);
  return Buffer.concat([head, properties]);
}

const bodySize = fc.oneof(fc.nat(40), fc.constantFrom(0, 0, 1, 4000, WIRE_FORM_BODY_MAX, WIRE_FORM_BODY_MAX + 1, FRAME_MAX - 8, 20_000));

/** A message in as many body frames as its pieces say. */
const message = fc
  .record({ channel, method: publishMethod, size: bodySize, properties: octets(10), pieces: fc.integer({ min: 1, max: 3 }), fill: fc.nat(255) })
  .map(({ channel: on, method, size, properties, pieces, fill }) => {
    const body = Buffer.alloc(size, fill);
    const step = Math.min(FRAME_MAX - 8, Math.max(1, Math.ceil(size / pieces)));
    const frames: Buffer[] = [];
    for (let at = 0; at < size; at += step) frames.push(frame(FrameType.body, on, body.subarray(at, at + step)));
    return Buffer.concat([frame(FrameType.method, on, method), frame(FrameType.header, on, headerPayload(size, properties)), ...frames]);
  });

/** Ends each session: after the method frame of a publish the parser may wait to see what follows. */
const HEARTBEAT = frame(FrameType.heartbeat, 0, Buffer.alloc(0));
/** So that no message that may be taken whole waits for more. */
const ENOUGH = Buffer.concat(Array.from({ length: FRAME_MAX / HEARTBEAT.length }, () => HEARTBEAT));

/** Messages with the same names and properties, and perhaps one byte of one of them that is another. */
const alike = fc
  .record({
    channel,
    method: publishMethod,
    properties: octets(10),
    sizes: fc.array(fc.oneof(fc.nat(300), fc.constantFrom(0, 1, WIRE_FORM_BODY_MAX, WIRE_FORM_BODY_MAX + 1)), { minLength: 2, maxLength: 4 }),
    isFramedWhenEmpty: fc.boolean(),
    flip: fc.option(fc.record({ message: fc.integer({ min: 1, max: 3 }), byte: fc.oneof(fc.nat(70), fc.constant(-1)), by: fc.integer({ min: 1, max: 255 }) }), { nil: undefined }),
  })
  .map(({ channel: on, method, properties, sizes, isFramedWhenEmpty, flip }) =>
    sizes.map((size, index) => {
      const body = size === 0 && !isFramedWhenEmpty ? Buffer.alloc(0) : frame(FrameType.body, on, Buffer.alloc(size, index));
      const bytes = Buffer.concat([frame(FrameType.method, on, method), frame(FrameType.header, on, headerPayload(size, properties)), body]);
      if (flip?.message === index) bytes[(flip.byte + bytes.length) % bytes.length]! ^= flip.by;
      return bytes;
    }),
  )
  .map((messages) => Buffer.concat([...messages, ENOUGH]));

const other = fc.oneof(
  fc.constant(HEARTBEAT),
  fc.tuple(channel, octets(30)).map(([on, payload]) => frame(FrameType.method, on, Buffer.concat([Buffer.from([0, 50, 0, 10]), payload]))),
  fc.tuple(channel, publishMethod).map(([on, method]) => frame(FrameType.method, on, method)),
  channel.map((on) => frame(FrameType.body, on, Buffer.alloc(0))),
  channel.map((on) => frame(FrameType.header, on, headerPayload(5, Buffer.alloc(3)))),
);

const broken = fc.constantFrom(Buffer.from([9, 0, 1, 0, 0, 0, 0, FRAME_END]), Buffer.from([1, 0, 1, 0, 1, 0, 0, 0]), Buffer.from([8, 0, 0, 0, 0, 0, 0, 1]));

const session = fc
  .tuple(fc.array(fc.oneof({ weight: 3, arbitrary: message }, { weight: 2, arbitrary: other }), { maxLength: 12 }), fc.option(broken, { nil: Buffer.alloc(0) }))
  .map(([parts, end]) => ({ bytes: Buffer.concat([...parts, HEARTBEAT, end]), whole: end.length === 0 }));

/** Where the stream is cut: mostly small pieces, some large. */
const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 5000 })), { minLength: 1, maxLength: 60 });

type Parsers = typeof FrameParser;

function hear(parsers: Parsers, bytes: Buffer, pieces: readonly number[], fast: boolean, stopsEvery: number): string[] {
  return listen(parsers, bytes, pieces, fast, stopsEvery).lines;
}

function listen(parsers: Parsers, bytes: Buffer, pieces: readonly number[], fast: boolean, stopsEvery: number): Recorder {
  const recorder = new Recorder(() => (parser.stopped = true));
  const parser = new parsers(recorder, FRAME_MAX);
  recorder.stopsEvery = stopsEvery;
  parser.publishFast = fast;
  const carry = new Carry();
  const parse = (buffer: Buffer, start: number, end: number): number => parser.parse(buffer, start, end);
  const goOn = (): void => {
    while (parser.stopped) {
      parser.stopped = false;
      carry.retry(parse);
    }
  };
  for (let at = 0, turn = 0; at < bytes.length && !recorder.failed; turn++) {
    const size = Math.min(bytes.length - at, pieces[turn % pieces.length]!);
    // The chunk's block is reused after the call: nobody may keep a view of it.
    const chunk = Buffer.from(bytes.subarray(at, at + size));
    carry.feed(chunk, size, parse);
    chunk.fill(0xee);
    goOn();
    at += size;
  }
  return recorder;
}

function anyCut(parsers: Parsers) {
  return fc.property(session, cuts, fc.boolean(), fc.nat(4), ({ bytes, whole }, pieces, fast, stopsEvery) => {
    const uncut = hear(parsers, bytes, [bytes.length + 1], false, 0);
    assert.is(uncut.at(-1)?.startsWith('error'), !whole, 'what is right has no error');
    assert.equal(hear(parsers, bytes, pieces, fast, stopsEvery), uncut);
  });
}

function anyRepetition(parsers: Parsers) {
  return fc.property(alike, cuts, fc.nat(4), (bytes, pieces, stopsEvery) => {
    assert.equal(hear(parsers, bytes, pieces, true, stopsEvery), hear(parsers, bytes, [bytes.length + 1], false, 0));
  });
}

const parser = suite('frame parser');

parser('hears the same in any cut', () => {
  fc.assert(anyCut(FrameParser), { numRuns: 1500, includeErrorInReport: true });
});

parser('hears the same when a short session is cut at any one byte', () => {
  fc.assert(
    fc.property(fc.oneof(message, other), fc.boolean(), (bytes, fast) => {
      fc.pre(bytes.length < 200);
      const twice = Buffer.concat([bytes, bytes, HEARTBEAT]);
      const whole = hear(FrameParser, twice, [twice.length], false, 0);
      for (let cut = 1; cut < twice.length; cut++) assert.equal(hear(FrameParser, twice, [cut, twice.length], fast, 0), whole);
    }),
    { numRuns: 60, includeErrorInReport: true },
  );
});

parser('hears a publish that repeats the one before it as what it is', () => {
  fc.assert(anyRepetition(FrameParser), { numRuns: 400, includeErrorInReport: true });
});

parser('knows a publish that repeats the one before it, whatever its body', () => {
  const method = Buffer.from([0, 60, 0, 40, 0, 0, 1, 0x65, 1, 0x6b, 0]);
  const publish = (size: number, properties: number[]): Buffer =>
    Buffer.concat([frame(FrameType.method, 1, method), frame(FrameType.header, 1, headerPayload(size, Buffer.from(properties))), frame(FrameType.body, 1, Buffer.alloc(size))]);
  const bytes = Buffer.concat([publish(100, [0x10, 0, 1]), publish(100, [0x10, 0, 1]), publish(1, [0x10, 0, 1]), publish(1, [0x10, 0, 2]), publish(9, [0x10, 0, 2])]);
  assert.is(listen(FrameParser, bytes, [bytes.length], true, 0).repeated, 3);
});

const FILE = new URL('../../../src/amqp/frame-parser.ts', import.meta.url);
const MISTAKES: Readonly<Record<string, Mistake>> = {
  'the end octet is not waited for': { right: 'if (payloadEnd >= end) return at;', wrong: 'if (payloadEnd > end) return at;' },
  'a body frame forgets its end': { right: '        this.#bodyEndDue = true;\n', wrong: '        this.#bodyEndDue = size > 0;\n' },
  'a piece of a body is longer than the frame': { right: 'Math.min(this.#bodyLeft, end - at)', wrong: 'end - at' },
};

for (const [name, mistake] of Object.entries(MISTAKES)) {
  parser(`finds that ${name}`, async () => {
    const { FrameParser: mutant } = (await loadMutant(FILE, mistake)) as { readonly FrameParser: Parsers };
    assert.ok(fc.check(anyCut(mutant), { numRuns: 1500, endOnFailure: true }).failed);
  });
}

const PATTERN_MISTAKES: Readonly<Record<string, Mistake>> = {
  'properties are not compared': { right: '    if (!this.#isAt(view, back, frontSize + SIZE_BYTES, this.#backSize)) return false;\n', wrong: '' },
  'the two sizes of a body are not compared': { right: 'bodySize !== view.getUint32(bodyFrameSize) || ', wrong: '' },
  'the end of the body frame is not looked at': { right: ' || view.getUint8(last) !== FRAME_END', wrong: '' },
  'the last bytes are not compared': { right: 'return view.getInt32(at + last, true) === pattern.getInt32(from + last, true);', wrong: 'return true;' },
  'a body without a frame is one': { right: 'if (bodySize === 0 || bodySize > WIRE', wrong: 'if (bodySize > WIRE' },
};

for (const [name, change] of Object.entries(PATTERN_MISTAKES)) {
  parser(`finds that ${name}`, async () => {
    const copy = { folder: new URL('.', FILE), files: ['frame-parser.ts', 'publish-pattern.ts'], changes: [{ file: 'publish-pattern.ts', ...change }] };
    const { FrameParser: mutant } = (await loadCopy(copy, 'frame-parser.ts')) as { readonly FrameParser: Parsers };
    assert.ok(fc.check(anyRepetition(mutant), { numRuns: 10_000, endOnFailure: true }).failed);
  });
}

parser.run();
