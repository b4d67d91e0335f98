/**
 * A publish as it stands on the wire, encoded once and sent many times. A queue is addressed through the default exchange.
 *
 *   | basic.publish frame | header frame | body frame ... |  |  the same again  | ...
 *   |<------------------- messageBytes ----------------->|
 */
import { CHANNEL } from './connection.ts';
import { TIMESTAMP_BYTES } from './frame-scanner.ts';
import { frame, FRAME_HEADER_BYTES, FRAME_OVERHEAD_BYTES, FrameType, methodFrame, MethodId, shortString, u16, u32, u8 } from './wire.ts';

/** What a batch fills: large enough that a write costs little per message, small enough to stay in the processor's cache. */
const BATCH_BYTES = 262_144;
const BASIC_CLASS = 60;
const DELIVERY_MODE_FLAG = 0x1000;
const PERSISTENT = 2;

export type PublishWire = {
  /** Whole messages, one behind the other. */
  readonly batch: Buffer;
  readonly batchMessages: number;
  readonly messageBytes: number;
  /** Where in a message the time of sending belongs. */
  readonly timestampAt: number;
};

export type PublishShape = { readonly bodyBytes: number; readonly persistent: boolean; readonly frameMaxBytes: number };

export function encodePublish(queue: string, shape: PublishShape): PublishWire {
  const publish = methodFrame(CHANNEL, MethodId.basicPublish, u16(0), shortString(''), shortString(queue), u8(0));
  const properties = shape.persistent ? [u16(DELIVERY_MODE_FLAG), u8(PERSISTENT)] : [u16(0)];
  const bodySize = [u32(0), u32(shape.bodyBytes)];
  const header = frame(FrameType.header, CHANNEL, Buffer.concat([u16(BASIC_CLASS), u16(0), ...bodySize, ...properties]));
  const bodies: Buffer[] = [];
  const pieceBytes = shape.frameMaxBytes - FRAME_OVERHEAD_BYTES;
  for (let left = shape.bodyBytes; left > 0; left -= pieceBytes) {
    bodies.push(frame(FrameType.body, CHANNEL, Buffer.alloc(Math.min(left, pieceBytes), 'x')));
  }
  const message = Buffer.concat([publish, header, ...bodies]);
  const batchMessages = Math.max(1, Math.floor(BATCH_BYTES / message.length));
  const batch = Buffer.allocUnsafeSlow(batchMessages * message.length);
  for (let index = 0; index < batchMessages; index += 1) message.copy(batch, index * message.length);
  return { batch, batchMessages, messageBytes: message.length, timestampAt: publish.length + header.length + FRAME_HEADER_BYTES };
}

/** The messages that were due at `timesNs`, each with its time in its body, as one buffer. */
export function stampedMessages(wire: PublishWire, timesNs: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(timesNs.length * wire.messageBytes);
  timesNs.forEach((timeNs, index) => {
    const at = index * wire.messageBytes;
    wire.batch.copy(bytes, at, 0, wire.messageBytes);
    bytes.writeDoubleBE(timeNs, at + wire.timestampAt);
  });
  return bytes;
}

/** The smallest body that has room for the time of sending. */
export const SMALLEST_TIMED_BODY_BYTES = TIMESTAMP_BYTES;
