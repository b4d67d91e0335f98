/**
 * A message in shared memory: its content as it came over the wire, so that a delivery is one copy with only the channel
 * number changed.
 *
 * ```
 * word 0  SIZE           bytes of the whole record
 *      1  KEY_SIZE       bytes of exchange and routing key, both short strings
 *      2  HEADER_SIZE    bytes of the content header's payload
 *      3  BODY_SIZE      bytes of the body
 *      4  FLAGS          PERSISTENT, SPLIT, SHARED, BLIND
 *      5  PLACE          where the store keeps the body of a SHARED message; the store's alone
 *      6..7 PUBLISHED    when it was published, ms since the epoch, low word first; only of a message that may expire in one of
 *                        its queues, anything in others
 *
 * byte 32  exchange | routing key | 0xCE | 02 ch ch size, header payload, 0xCE | 03 ch ch size, body, 0xCE
 *          `------- key --------'  `---- end of the method frame that will precede it
 *
 * With SPLIT the body stands there bare, without a frame around it: it came in several frames, or is large and will be
 * sent from where it lies. Without a body there is no body frame.
 * ```
 */
import { FRAME_OVERHEAD_SIZE } from './bounds.ts';
import { FRAME_HEADER_SIZE } from './frame.ts';

export const SIZE = 0;
export const KEY_SIZE = 1;
export const HEADER_SIZE = 2;
export const BODY_SIZE = 3;
export const FLAGS = 4;
export const PLACE = 5;
export const PUBLISHED_LOW = 6;
export const PUBLISHED_HIGH = 7;

export const PERSISTENT = 1;
export const SPLIT = 2;
/** It went to several queues. */
export const SHARED = 4;
/** Behind the body stand routing keys that only a dead letter goes by (blind-keys.ts). Only with SPLIT. */
export const BLIND = 8;

export const RECORD_HEAD_SIZE = 32;

/** Bodies above this are stored bare and sent from where they lie. By measurement: below it a copy is cheaper. */
export const WIRE_FORM_BODY_MAX = 12_288;

/** Where threads keep messages: the port of the pure code to shared memory. */
export interface MessageMemory {
  /** Room for a record with so many holders; 0 when memory is exhausted. */
  allocate(sizeBytes: number, leases: number): number;
  bytesOf(address: number): Buffer;
  viewOf(address: number): DataView;
  intsOf(address: number): Int32Array;
  byteOffsetOf(address: number): number;
  /** Adds holders to a message that this thread has just allocated (I6). */
  lease(address: number, leases: number): void;
  /** Adds a holder to any message that has one. */
  hold(address: number): void;
  /** Ends one lease. */
  release(address: number): void;
}

/** Bytes of a record whose content is in wire form. */
export function wireRecordSize(keySize: number, headerSize: number, bodySize: number): number {
  const body = bodySize === 0 ? 0 : bodySize + FRAME_OVERHEAD_SIZE;
  return RECORD_HEAD_SIZE + keySize + 1 + headerSize + FRAME_OVERHEAD_SIZE + body;
}

/** Bytes of a record whose body stands bare. */
export function splitRecordSize(keySize: number, headerSize: number, bodySize: number): number {
  return RECORD_HEAD_SIZE + keySize + 1 + headerSize + FRAME_OVERHEAD_SIZE + bodySize;
}

/** Offset of the content header's frame from the start of the record. */
export function headerFrameOffset(keySize: number): number {
  return RECORD_HEAD_SIZE + keySize + 1;
}

/** Offset of the content header's payload from the start of the record. */
export function headerOffset(keySize: number): number {
  return headerFrameOffset(keySize) + FRAME_HEADER_SIZE;
}

/** Offset of the body's first byte from the start of the record. */
export function bodyOffset(keySize: number, headerSize: number, flags: number): number {
  const afterHeader = headerFrameOffset(keySize) + headerSize + FRAME_OVERHEAD_SIZE;
  return (flags & SPLIT) !== 0 ? afterHeader : afterHeader + FRAME_HEADER_SIZE;
}
