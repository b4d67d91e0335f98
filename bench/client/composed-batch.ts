/**
 * Messages that are not all alike: bodies that follow each other, random routing keys. What can be encoded before is; the rest is
 * put together for each message.
 *
 *   | basic.publish frame | header frame, with the time of sending or not | body frame ... |
 *   |<------ head ------->|<-------------------- tail ------------------------------------>|
 */
import { randomUUID } from 'node:crypto';
import type { BatchShape, PublishBatch } from './batch-shape.ts';
import { CHANNEL } from './connection.ts';
import { STAMP_FIELD, STAMP_HEADER } from './message-scanner.ts';
import { BATCH_BYTES, contentOf, publishFrame, type Route } from './publish-wire.ts';
import { FRAME_HEADER_BYTES } from './wire.ts';

/** What basic.publish comes to, about. */
const HEAD_BYTES = 80;

/** Header and bodies of a message; `stampAt`: where its time of sending belongs. */
type Tail = { readonly bytes: Buffer; readonly stampAt: number };

export class ComposedBatch implements PublishBatch {
  readonly batchMessages: number;
  readonly #head: () => Buffer;
  readonly #tails: readonly Tail[];
  #nextTail = 0;

  constructor(routes: readonly Route[], shape: BatchShape) {
    this.#head = headsOf(routes, shape);
    this.#tails = tailsOf(shape);
    const tailBytes = this.#tails.reduce((sum, { bytes }) => sum + bytes.length, 0) / this.#tails.length;
    this.batchMessages = Math.max(1, Math.floor(BATCH_BYTES / (HEAD_BYTES + tailBytes)));
  }

  plain(count: number): Buffer {
    return this.#compose(count, () => undefined);
  }

  stampedWith(timeNs: number, count: number): Buffer {
    return this.#compose(count, () => timeNs);
  }

  stampedEach(timesNs: readonly number[]): Buffer {
    return this.#compose(timesNs.length, (index) => timesNs[index]);
  }

  #compose(count: number, timeOf: (index: number) => number | undefined): Buffer {
    const parts: Buffer[] = [];
    const stamps: number[] = [];
    let at = 0;
    for (let index = 0; index < count; index += 1) {
      const head = this.#head();
      const tail = this.#tails[this.#nextTail] as Tail;
      this.#nextTail = (this.#nextTail + 1) % this.#tails.length;
      parts.push(head, tail.bytes);
      stamps.push(at + head.length + tail.stampAt);
      at += head.length + tail.bytes.length;
    }
    const bytes = Buffer.concat(parts, at);
    stamps.forEach((stampAt, index) => {
      const timeNs = timeOf(index);
      if (timeNs !== undefined) bytes.writeDoubleBE(timeNs, stampAt);
    });
    return bytes;
  }
}

/** basic.publish of each message: the routes in turn, or keys that nobody knows before. */
function headsOf(routes: readonly Route[], { channel = CHANNEL, mandatory, randomKeys }: BatchShape): () => Buffer {
  const [first] = routes;
  if (first === undefined) throw new RangeError('a producer without a route');
  const withKey = (routingKey: string): Buffer => publishFrame(channel, { exchange: first.exchange, routingKey }, mandatory);
  if (randomKeys !== undefined && randomKeys.cached === undefined) return () => withKey(randomUUID());
  const heads =
    randomKeys === undefined
      ? routes.map((route) => publishFrame(channel, route, mandatory))
      : Array.from({ length: randomKeys.cached ?? 1 }, () => withKey(randomUUID()));
  let next = 0;
  return () => {
    const head = heads[next] as Buffer;
    next = (next + 1) % heads.length;
    return head;
  };
}

function tailsOf(shape: BatchShape): Tail[] {
  if (shape.bodies === undefined) {
    const { header, bodies } = contentOf(Buffer.alloc(shape.bodyBytes, 'x'), shape);
    return [{ bytes: Buffer.concat([header, ...bodies]), stampAt: header.length + FRAME_HEADER_BYTES }];
  }
  const { properties = {} } = shape;
  const stamped = { ...shape, properties: { ...properties, headers: { ...properties.headers, [STAMP_HEADER]: { double: 0 } } } };
  return shape.bodies.map((content) => {
    const { header, bodies } = contentOf(content, stamped);
    return { bytes: Buffer.concat([header, ...bodies]), stampAt: header.indexOf(STAMP_FIELD) + STAMP_FIELD.length };
  });
}
