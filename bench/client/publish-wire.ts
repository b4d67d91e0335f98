/**
 * A publish as it stands on the wire, encoded once and sent many times. A queue is addressed through the default exchange.
 *
 *   | basic.publish frame | header frame | body frame ... |  |  the same again  | ...
 *   |<------------------- messageBytes ----------------->|
 *
 * Where priorities are wanted each message of the batch has one of its own, drawn once: all messages are of one length still.
 */
import { CHANNEL } from './connection.ts';
import { TIMESTAMP_BYTES } from './frame-scanner.ts';
import { encodeProperties, type MessageProperties } from './message-properties.ts';
import { frame, FRAME_HEADER_BYTES, FRAME_OVERHEAD_BYTES, FrameType, methodFrame, MethodId, shortString, u16, u32, u8 } from './wire.ts';

/** What a batch fills: large enough that a write costs little per message, small enough to stay in the processor's cache. */
export const BATCH_BYTES = 262_144;
const BASIC_CLASS = 60;
const PERSISTENT = 2;
const MANDATORY_BIT = 1;

/** Where a producer publishes. The empty exchange is the default one, where the routing key is the queue. */
export type Route = { readonly exchange: string; readonly routingKey: string };

export type PublishWire = {
  /** Whole messages, one behind the other. */
  readonly batch: Buffer;
  readonly batchMessages: number;
  readonly messageBytes: number;
  /** Where in a message the time of sending belongs. */
  readonly timestampAt: number;
};

export type PublishShape = {
  readonly bodyBytes: number;
  readonly persistent: boolean;
  readonly frameMaxBytes: number;
  readonly channel?: number | undefined;
  readonly mandatory?: boolean | undefined;
  readonly properties?: MessageProperties | undefined;
  /** Each message gets one of so many priorities, counted from 1, at random. */
  readonly priorities?: number | undefined;
};

/** A body in its frames, and the header frame before them. */
export type Content = { readonly header: Buffer; readonly bodies: readonly Buffer[] };

export function publishFrame(channel: number, { exchange, routingKey }: Route, mandatory = false): Buffer {
  return methodFrame(channel, MethodId.basicPublish, u16(0), shortString(exchange), shortString(routingKey), u8(mandatory ? MANDATORY_BIT : 0));
}

export function contentOf(body: Uint8Array, { channel = CHANNEL, persistent, properties, frameMaxBytes }: Omit<PublishShape, 'bodyBytes'>): Content {
  const given: MessageProperties = { ...(persistent ? { deliveryMode: PERSISTENT } : {}), ...properties };
  const header = frame(FrameType.header, channel, Buffer.concat([u16(BASIC_CLASS), u16(0), u32(0), u32(body.length), encodeProperties(given)]));
  const bodies: Buffer[] = [];
  const pieceBytes = frameMaxBytes - FRAME_OVERHEAD_BYTES;
  for (let at = 0; at < body.length; at += pieceBytes) bodies.push(frame(FrameType.body, channel, Buffer.from(body.subarray(at, at + pieceBytes))));
  return { header, bodies };
}

/** The messages of the batch take the routes in turn. Throws a RangeError for routes whose names are not of one length. */
export function encodePublish(routes: readonly Route[], shape: PublishShape): PublishWire {
  const { channel = CHANNEL, bodyBytes } = shape;
  const publishes = routes.map((route) => publishFrame(channel, route, shape.mandatory));
  const publish = publishes[0];
  if (publish === undefined || publishes.some(({ length }) => length !== publish.length)) throw new RangeError('the routes of one producer must be of one length');
  const { priorities, properties } = shape;
  const body = Buffer.alloc(bodyBytes, 'x');
  const contents = Array.from({ length: priorities ?? 1 }, (_, index) => contentOf(body, priorities === undefined ? shape : { ...shape, properties: { ...properties, priority: 1 + index } }));
  const { header, bodies } = contents[0] as Content;
  const drawn = (): Buffer => (priorities === undefined ? header : (contents[Math.floor(Math.random() * priorities)] as Content).header);
  const messageBytes = publish.length + header.length + bodies.reduce((sum, { length }) => sum + length, 0);
  const batchMessages = Math.max(1, Math.floor(BATCH_BYTES / messageBytes));
  const batch = Buffer.allocUnsafeSlow(batchMessages * messageBytes);
  for (let index = 0, at = 0; index < batchMessages; index += 1) {
    for (const part of [publishes[index % publishes.length] as Buffer, drawn(), ...bodies]) at += part.copy(batch, at);
  }
  return { batch, batchMessages, messageBytes, timestampAt: publish.length + header.length + FRAME_HEADER_BYTES };
}

/** The messages that were due at `timesNs`, each with its time in its body, as one buffer. */
export function stampedMessages(wire: PublishWire, timesNs: readonly number[]): Buffer {
  const { messageBytes, batchMessages } = wire;
  const bytes = Buffer.allocUnsafe(timesNs.length * messageBytes);
  timesNs.forEach((timeNs, index) => {
    const at = index * messageBytes;
    const from = (index % batchMessages) * messageBytes;
    wire.batch.copy(bytes, at, from, from + messageBytes);
    bytes.writeDoubleBE(timeNs, at + wire.timestampAt);
  });
  return bytes;
}

/** Writes one time into the first `count` messages of the batch, in place: the kernel must have taken the last write of it. */
export function stampBatch(wire: PublishWire, count: number, timeNs: number): void {
  for (let index = 0, at = wire.timestampAt; index < count; index += 1, at += wire.messageBytes) wire.batch.writeDoubleBE(timeNs, at);
}

/** The smallest body that has room for the time of sending. */
export const SMALLEST_TIMED_BODY_BYTES = TIMESTAMP_BYTES;
