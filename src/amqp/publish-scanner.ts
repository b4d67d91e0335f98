/**
 * The fast way of a message in: a basic.publish whose method, header and body frames lie complete and side by side in one
 * chunk, which is what clients write. One look over the bytes finds where everything is; nothing is decoded, copied or
 * allocated. Whatever looks different goes the slow way, frame by frame, and gets its errors there.
 */
import { FRAME_OVERHEAD_SIZE } from './bounds.ts';
import { NO_CHUNK } from './chunk-view.ts';
import { FRAME_END, FRAME_HEADER_SIZE, FrameType } from './frame.ts';
import { WIRE_FORM_BODY_MAX } from './stored-message.ts';

export const Scan = {
  /** All found. */
  complete: 0,
  /** The bytes end before the message does; it is small, so wait for the rest. */
  partial: 1,
  /** Not a case for this way. */
  other: 2,
} as const;
export type Scan = (typeof Scan)[keyof typeof Scan];

export const MANDATORY_BIT = 1;
export const IMMEDIATE_BIT = 2;

/** Where the parts of one publish are in the chunk. Reused from message to message. */
export class PublishScan {
  /** The chunk as words. */
  view = NO_CHUNK;
  channel = 0;
  /** Exchange and routing key, two short strings. */
  keyStart = 0;
  keySize = 0;
  /** MANDATORY_BIT, IMMEDIATE_BIT. */
  bits = 0;
  /** The content header's frame. */
  headerFrame = 0;
  /** Bytes of its payload. */
  headerSize = 0;
  bodySize = 0;
  /** The first byte after the last frame. */
  end = 0;
  /** But for the body it is the same as the one before it. */
  repeated = false;
}

/**
 * Scans the publish whose method frame, already known to be complete, begins at `start` with `methodSize` payload bytes.
 */
export function scanPublish(
  buffer: Buffer,
  start: number,
  end: number,
  methodSize: number,
  frameMax: number,
  scan: PublishScan,
): Scan {
  const { view } = scan;
  const exchange = start + FRAME_HEADER_SIZE + 6;
  const routingKey = exchange + 1 + buffer[exchange]!;
  const methodEnd = start + FRAME_HEADER_SIZE + methodSize;
  if (routingKey >= methodEnd) return Scan.other;
  const bits = routingKey + 1 + buffer[routingKey]!;
  if (bits + 1 !== methodEnd || buffer[methodEnd] !== FRAME_END) return Scan.other;

  const header = methodEnd + 1;
  if (end - header < FRAME_HEADER_SIZE) return Scan.partial;
  const channelHigh = buffer[start + 1]!;
  const channelLow = buffer[start + 2]!;
  if (
    buffer[header] !== FrameType.header ||
    buffer[header + 1] !== channelHigh ||
    buffer[header + 2] !== channelLow
  ) {
    return Scan.other;
  }
  const headerSize = view.getUint32(header + 3);
  if (headerSize < 14 || headerSize + FRAME_OVERHEAD_SIZE > frameMax) return Scan.other;
  const body = header + FRAME_OVERHEAD_SIZE + headerSize;
  if (end < body) return headerSize > WIRE_FORM_BODY_MAX ? Scan.other : Scan.partial;
  const payload = header + FRAME_HEADER_SIZE;
  // class 60, weight 0, the upper half of the body size 0
  if (view.getUint32(payload) !== 60 << 16 || view.getUint32(payload + 4) !== 0 || buffer[body - 1] !== FRAME_END) {
    return Scan.other;
  }
  const bodySize = view.getUint32(payload + 8);
  if (bodySize > WIRE_FORM_BODY_MAX) return Scan.other;
  let next = body;
  if (bodySize > 0) {
    if (end - body < FRAME_HEADER_SIZE) return Scan.partial;
    if (
      buffer[body] !== FrameType.body ||
      buffer[body + 1] !== channelHigh ||
      buffer[body + 2] !== channelLow ||
      view.getUint32(body + 3) !== bodySize ||
      bodySize + FRAME_OVERHEAD_SIZE > frameMax
    ) {
      return Scan.other;
    }
    next = body + FRAME_OVERHEAD_SIZE + bodySize;
    if (end < next) return Scan.partial;
    if (buffer[next - 1] !== FRAME_END) return Scan.other;
  }
  scan.channel = (channelHigh << 8) | channelLow;
  scan.keyStart = exchange;
  scan.keySize = bits - exchange;
  scan.bits = buffer[bits]!;
  scan.headerFrame = header;
  scan.headerSize = headerSize;
  scan.bodySize = bodySize;
  scan.end = next;
  return Scan.complete;
}
