/**
 * The fourteen properties of class basic as typed values, for those who need them all: dead letters, management, tests. The
 * way of a message through the broker keeps the octets instead (content-header.ts).
 */
import type { FieldTable } from '../broker/field-table.ts';
import type { Refusal } from '../broker/refusal.ts';
import { FRAME_END, FrameType, writeFrameHeader } from './frame.ts';
import { BASIC_CLASS_ID, CONTENT_HEADER_FIXED_SIZE, contentBodySize, propertyFlags, PropertyFlag, validateHeader } from './content-header.ts';
import { FRAME_OVERHEAD_SIZE } from './bounds.ts';
import { readTable, tableSize, writeTable } from './field-table-codec.ts';
import { WireReader } from './wire-reader.ts';
import { textSize, writeShortstr } from './wire-text.ts';

export type BasicProperties = {
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly headers?: FieldTable;
  /** 1 transient, 2 persistent. */
  readonly deliveryMode?: number;
  readonly priority?: number;
  readonly correlationId?: string;
  readonly replyTo?: string;
  /** Milliseconds, as decimal digits. */
  readonly expiration?: string;
  readonly messageId?: string;
  /** Seconds since 1970, unsigned 64 bits. */
  readonly timestamp?: bigint;
  readonly type?: string;
  readonly userId?: string;
  readonly appId?: string;
  readonly clusterId?: string;
};

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type PropertyName = keyof BasicProperties;
/** In the order of the wire. */
const PROPERTY_NAMES = Object.keys(PropertyFlag) as readonly PropertyName[];

/** The properties in the header payload from `offset` to `end`, or why they cannot be read. */
export function decodeProperties(buffer: Buffer, offset: number, end: number): BasicProperties | Refusal {
  const refusal = validateHeader(buffer, offset, end);
  if (refusal !== undefined) return refusal;
  const flags = propertyFlags(buffer, offset);
  const reader = new WireReader(buffer, offset + CONTENT_HEADER_FIXED_SIZE, end);
  const properties: Writable<BasicProperties> = {};
  for (const name of PROPERTY_NAMES) {
    if ((flags & PropertyFlag[name]) === 0) continue;
    if (name === 'headers') properties[name] = readTable(reader);
    else if (name === 'deliveryMode' || name === 'priority') properties[name] = reader.octet();
    else if (name === 'timestamp') properties[name] = reader.longlong();
    else properties[name] = reader.shortstr();
  }
  return reader.failure ?? properties;
}

/** Tells a refusal from the properties that might have come in its place. */
export function isRefusedHeader(value: BasicProperties | Refusal): value is Refusal {
  return 'code' in value;
}

/** Octets of the payload of a content header frame with these properties. */
export function contentHeaderSize(properties: BasicProperties): number {
  let size = CONTENT_HEADER_FIXED_SIZE;
  for (const name of PROPERTY_NAMES) {
    const value = properties[name];
    if (value === undefined) continue;
    if (typeof value === 'string') size += 1 + textSize(value);
    else if (typeof value === 'number') size += 1;
    else if (typeof value === 'bigint') size += 8;
    else size += tableSize(value);
  }
  return size;
}

/**
 * Writes the payload at `offset` and answers the offset after it; the room was measured with `contentHeaderSize`. Throws a
 * RangeError for a text of more than 255 octets: our fault, never the peer's.
 */
export function writeContentHeader(buffer: Buffer, offset: number, bodySize: number, properties: BasicProperties): number {
  const flagsOffset = writePrefix(buffer, offset, bodySize);
  let flags = 0;
  let next = flagsOffset + 2;
  for (const name of PROPERTY_NAMES) {
    const value = properties[name];
    if (value === undefined) continue;
    flags |= PropertyFlag[name];
    if (typeof value === 'string') next = writeShortstr(buffer, next, value);
    else if (typeof value === 'number') next = buffer.writeUInt8(value, next);
    else if (typeof value === 'bigint') next = buffer.writeBigUInt64BE(value, next);
    else next = writeTable(buffer, next, value);
  }
  buffer.writeUInt16BE(flags, flagsOffset);
  return next;
}

/** Class, weight and body size; answers the offset of the flags. */
function writePrefix(buffer: Buffer, offset: number, bodySize: number): number {
  const next = buffer.writeUInt16BE(0, buffer.writeUInt16BE(BASIC_CLASS_ID, offset));
  return buffer.writeBigUInt64BE(BigInt(bodySize), next);
}

/** The whole content header frame, end octet included. */
export function encodeHeaderFrame(channel: number, bodySize: number, properties: BasicProperties): Buffer {
  const payloadSize = contentHeaderSize(properties);
  const frame = Buffer.allocUnsafe(FRAME_OVERHEAD_SIZE + payloadSize);
  const start = writeFrameHeader(frame, 0, FrameType.header, channel, payloadSize);
  frame[writeContentHeader(frame, start, bodySize, properties)] = FRAME_END;
  return frame;
}

/** The payload with other properties and the same body size, for a message that goes on with changed headers. */
export function replaceProperties(payload: Buffer, properties: BasicProperties): Buffer {
  const replaced = Buffer.allocUnsafe(contentHeaderSize(properties));
  writeContentHeader(replaced, 0, contentBodySize(payload, 0), properties);
  return replaced;
}
