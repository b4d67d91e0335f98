/**
 * Looks through a field table without building it: the check that each publish with headers passes once, so that whoever
 * decodes them later (an exchange, a dead letter) finds nothing to refuse. What it accepts and what the codec accepts is the
 * same set of octets; a property test holds the two together.
 */
import type { Refusal } from '../broker/refusal.ts';
import { ARRAY_ELEMENTS_MAX, TABLE_DEPTH_MAX, TABLE_FIELDS_MAX } from './bounds.ts';
import { NOT_FINITE, TOO_DEEP, TOO_MANY_ELEMENTS, TOO_MANY_FIELDS, UNKNOWN_TYPE } from './field-table-codec.ts';
import { TRUNCATED } from './wire-reader.ts';

/** The width of each type with a fixed one; -1 is a type with a size in front, -2 no type at all. Indexed by the letter. */
const SIZED = -1;
const UNKNOWN = -2;
const WIDTHS: Int8Array = new Int8Array(256).fill(UNKNOWN);
for (const [letters, width] of [['V', 0], ['tbB', 1], ['su', 2], ['Iif', 4], ['D', 5], ['lLTd', 8], ['SxFA', SIZED]] as const) {
  for (const letter of letters) WIDTHS[letter.charCodeAt(0)] = width;
}

const TABLE = 'F'.charCodeAt(0);
const ARRAY = 'A'.charCodeAt(0);
const FLOAT = 'f'.charCodeAt(0);
const DOUBLE = 'd'.charCodeAt(0);

/** Undefined when the octets from `offset` to `end` are the fields of a table (without its size), else the reason. */
export function scanFields(buffer: Buffer, offset: number, end: number, depth = 1): Refusal | undefined {
  let next = offset;
  for (let count = 1; next < end; count++) {
    if (count > TABLE_FIELDS_MAX) return TOO_MANY_FIELDS;
    next += 1 + buffer[next]!;
    const refusal = scanValue(buffer, next, end, depth);
    if (refusal !== undefined) return refusal;
    next = valueEnd(buffer, next);
  }
  return undefined;
}

function scanElements(buffer: Buffer, offset: number, end: number, depth: number): Refusal | undefined {
  let next = offset;
  for (let count = 1; next < end; count++) {
    if (count > ARRAY_ELEMENTS_MAX) return TOO_MANY_ELEMENTS;
    const refusal = scanValue(buffer, next, end, depth);
    if (refusal !== undefined) return refusal;
    next = valueEnd(buffer, next);
  }
  return undefined;
}

/** Checks the value whose type letter stands at `offset`; afterwards `valueEnd` may be asked. */
function scanValue(buffer: Buffer, offset: number, end: number, depth: number): Refusal | undefined {
  if (offset >= end) return TRUNCATED;
  const type = buffer[offset]!;
  const width = WIDTHS[type]!;
  const start = offset + 1;
  if (width === UNKNOWN) return UNKNOWN_TYPE;
  if (width !== SIZED) {
    if (width > end - start) return TRUNCATED;
    return (type === FLOAT || type === DOUBLE) && !hasFiniteBits(buffer, start, type) ? NOT_FINITE : undefined;
  }
  if (end - start < 4) return TRUNCATED;
  const size = buffer.readUInt32BE(start);
  const content = start + 4;
  if (size > end - content) return TRUNCATED;
  if (type !== TABLE && type !== ARRAY) return undefined;
  if (depth === TABLE_DEPTH_MAX) return TOO_DEEP;
  return type === TABLE ? scanFields(buffer, content, content + size, depth + 1) : scanElements(buffer, content, content + size, depth + 1);
}

/** The offset after the value whose type letter stands at `offset`, in fields that `scanFields` found nothing to refuse in. */
function valueEnd(buffer: Buffer, offset: number): number {
  const width = WIDTHS[buffer[offset]!]!;
  return width === SIZED ? offset + 5 + buffer.readUInt32BE(offset + 1) : offset + 1 + width;
}

/** The offset after the field that begins at `offset`, of fields that `scanFields` found whole. */
export function fieldEnd(buffer: Buffer, offset: number): number {
  return valueEnd(buffer, offset + 1 + buffer[offset]!);
}

/** IEEE 754: an exponent of ones is an infinity or no number. */
function hasFiniteBits(buffer: Buffer, start: number, type: number): boolean {
  const high = buffer.readUInt16BE(start);
  return type === FLOAT ? (high & 0x7f80) !== 0x7f80 : (high & 0x7ff0) !== 0x7ff0;
}
