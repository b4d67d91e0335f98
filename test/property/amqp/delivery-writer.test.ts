/** What the writer makes of a stored message is what a client must read: method, header, body in frames that it takes. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { FRAME_END, FrameType, writeFrameHeader } from '../../../src/amqp/frame.ts';
import { DeliveryPrefix, DeliveryWriter, type OutboundBlock } from '../../../src/amqp/delivery-writer.ts';
import {
  BODY_SIZE,
  FLAGS,
  HEADER_SIZE,
  KEY_SIZE,
  type MessageMemory,
  RECORD_HEAD_SIZE,
  SIZE,
  SPLIT,
  splitRecordSize,
  wireRecordSize,
} from '../../../src/amqp/stored-message.ts';

const ADDRESS = 7;
const RECORD = 64;

/** Writes the record as the drawing in stored-message.ts says. */
function memoryWith(key: Buffer, header: Buffer, body: Buffer, split: boolean): MessageMemory {
  const size = (split ? splitRecordSize : wireRecordSize)(key.length, header.length, body.length);
  const bytes = Buffer.alloc(RECORD + size);
  const ints = new Int32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 4));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = RECORD / 4;
  ints[word + SIZE] = size;
  ints[word + KEY_SIZE] = key.length;
  ints[word + HEADER_SIZE] = header.length;
  ints[word + BODY_SIZE] = body.length;
  ints[word + FLAGS] = split ? SPLIT : 0;
  const end = Buffer.from([FRAME_END]);
  const frames = [key, end, frameOf(FrameType.header, 9, header)];
  if (split) frames.push(body);
  else if (body.length > 0) frames.push(frameOf(FrameType.body, 9, body));
  Buffer.concat(frames).copy(bytes, RECORD + RECORD_HEAD_SIZE);
  return { bytesOf: () => bytes, viewOf: () => view, intsOf: () => ints, byteOffsetOf: () => RECORD } as unknown as MessageMemory;
}

function frameOf(type: FrameType, channel: number, payload: Buffer): Buffer {
  const frame = Buffer.alloc(payload.length + 8, FRAME_END);
  payload.copy(frame, writeFrameHeader(frame, 0, type, channel, payload.length));
  return frame;
}

/** A block that takes everything, and slices in their place. */
class Block implements OutboundBlock {
  buffer = Buffer.alloc(200_000, 0xaa);
  view = new DataView(this.buffer.buffer, this.buffer.byteOffset, this.buffer.length);
  readonly parts: Buffer[] = [];
  attached = 0;
  #end = 0;
  #from = 0;
  #reservedTo = 0;

  sendAhead(): void {}

  reserve(sizeBytes: number): number {
    this.#reservedTo = this.#end + sizeBytes;
    return this.#end;
  }

  commit(end: number): void {
    assert.ok(end <= this.#reservedTo, 'no more is written than was reserved');
    this.#end = end;
  }

  attach(slice: Buffer): void {
    this.parts.push(this.buffer.subarray(this.#from, this.#end), slice);
    this.#from = this.#end;
    this.attached++;
  }

  bytes(): Buffer {
    return Buffer.concat([...this.parts, this.buffer.subarray(this.#from, this.#end)]);
  }
}

const short = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.concat([Buffer.from([bytes.length]), bytes]));
const message = fc.record({
  exchange: short,
  routingKey: short,
  properties: fc.uint8Array({ maxLength: 30 }),
  bodySize: fc.oneof(fc.nat(20), fc.constantFrom(0, 4088, 4089, 4096, 4097, 8176, 12_288), fc.nat(30_000)),
  split: fc.boolean(),
  frameMax: fc.constantFrom(4096, 8192, 131_072),
  channel: fc.constantFrom(1, 2047, 65_535),
  tag: fc.oneof(fc.nat(), fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5)),
  redelivered: fc.boolean(),
  consumerTag: fc.constantFrom('', 'c', 'tag-of-8', 'ü'.repeat(60)),
});

function bodyFrames(channel: number, body: Buffer, frameMax: number): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < body.length; at += frameMax - 8) frames.push(frameOf(FrameType.body, channel, body.subarray(at, at + frameMax - 8)));
  return frames;
}

const writer = suite('delivery writer');

writer('writes basic.deliver as a client must read it', () => {
  fc.assert(
    fc.property(message, ({ exchange, routingKey, properties, bodySize, split, frameMax, channel, tag, redelivered, consumerTag }) => {
      const header = Buffer.concat([Buffer.alloc(14, 1), properties]);
      const body = Buffer.from(Array.from({ length: bodySize }, (_, at) => at));
      const key = Buffer.concat([exchange, routingKey]);
      const block = new Block();
      const memory = memoryWith(key, header, body, split);
      const held = new DeliveryWriter(memory, block, frameMax).deliver(channel, new DeliveryPrefix(channel, consumerTag), tag, redelivered, ADDRESS);
      const tagBytes = Buffer.alloc(8);
      tagBytes.writeBigUInt64BE(BigInt(tag));
      const name = Buffer.from(consumerTag);
      const method = Buffer.concat([Buffer.from([0, 60, 0, 60, name.length]), name, tagBytes, Buffer.from([redelivered ? 1 : 0]), key]);
      const expected = [frameOf(FrameType.method, channel, method), frameOf(FrameType.header, channel, header), ...bodyFrames(channel, body, frameMax)];
      assert.equal(block.bytes(), Buffer.concat(expected));
      assert.is(held, block.attached > 0, 'memory is held when it is sent from where it lies');
    }),
    { numRuns: 600, includeErrorInReport: true },
  );
});

writer('writes content behind any method frame', () => {
  fc.assert(
    fc.property(message, ({ exchange, routingKey, properties, bodySize, split, frameMax, channel }) => {
      const header = Buffer.concat([Buffer.alloc(14, 1), properties]);
      const body = Buffer.alloc(bodySize, 5);
      const block = new Block();
      const method = frameOf(FrameType.method, channel, Buffer.from([0, 60, 0, 50]));
      const memory = memoryWith(Buffer.concat([exchange, routingKey]), header, body, split);
      const held = new DeliveryWriter(memory, block, frameMax).content(channel, method, ADDRESS);
      assert.equal(block.bytes(), Buffer.concat([method, frameOf(FrameType.header, channel, header), ...bodyFrames(channel, body, frameMax)]));
      assert.is(held, block.attached > 0);
    }),
    { numRuns: 300, includeErrorInReport: true },
  );
});

writer.run();
