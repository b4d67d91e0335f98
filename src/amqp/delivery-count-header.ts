/**
 * The header `x-delivery-count`: how often a message came back to a queue that limits that (RabbitMQ guide "Quorum Queues", "Poison Message
 * Handling"). It is written into the content header of a redelivery, and into nothing that is kept: what is stored stays as it was published.
 *
 * ```
 *    ... | headers: size u32 | fields ... | 10 "x-delivery-count" | l | count i64 | the other properties
 *                                          `---------- FIELD ---------------------'
 * ```
 *
 * A field of that name that the publisher wrote goes, as in RabbitMQ.
 */
import { ABSENT, CONTENT_HEADER_FIXED_SIZE, PropertyFlag, headersOffset, propertyFlags, propertyOffset } from './content-header.ts';
import { fieldEnd } from './table-scanner.ts';

const FLAGS_OFFSET = 12;
const SIZE_OCTETS = 4;
const NAME = Buffer.from('x-delivery-count', 'latin1');
const COUNT_OFFSET = 1 + NAME.length + 1;
const FIELD = Buffer.concat([Buffer.of(NAME.length), NAME, Buffer.from('l'), Buffer.alloc(8)]);

/** Octets by which a content header grows at most. */
export const DELIVERY_COUNT_SIZE_MAX = SIZE_OCTETS + FIELD.length;

/** A copy of the content header's payload between `offset` and `end`, which was validated when it was published, with the count in it. */
export function withDeliveryCount(buffer: Buffer, offset: number, end: number, count: number): Buffer {
  const at = headersOffset(buffer, offset, end);
  if (at === ABSENT) return withNewTable(buffer, offset, end, count);
  const tableEnd = at + SIZE_OCTETS + buffer.readUInt32BE(at);
  const pieces = [buffer.subarray(offset, at + SIZE_OCTETS)];
  let size = FIELD.length;
  for (let from = at + SIZE_OCTETS; from < tableEnd; ) {
    const to = fieldEnd(buffer, from);
    if (!isNamed(buffer, from)) {
      pieces.push(buffer.subarray(from, to));
      size += to - from;
    }
    from = to;
  }
  pieces.push(fieldOf(count), buffer.subarray(tableEnd, end));
  const copy = Buffer.concat(pieces);
  copy.writeUInt32BE(size, at - offset);
  return copy;
}

function withNewTable(buffer: Buffer, offset: number, end: number, count: number): Buffer {
  const at = afterEncoding(buffer, offset, end);
  const size = Buffer.alloc(SIZE_OCTETS);
  size.writeUInt32BE(FIELD.length);
  const copy = Buffer.concat([buffer.subarray(offset, at), size, fieldOf(count), buffer.subarray(at, end)]);
  copy.writeUInt16BE(propertyFlags(buffer, offset) | PropertyFlag.headers, FLAGS_OFFSET);
  return copy;
}

/** Where headers would stand: behind content-type and content-encoding, which are short strings. */
function afterEncoding(buffer: Buffer, offset: number, end: number): number {
  let at = offset + CONTENT_HEADER_FIXED_SIZE;
  for (const flag of [PropertyFlag.contentType, PropertyFlag.contentEncoding]) {
    const start = propertyOffset(buffer, offset, end, flag);
    if (start !== ABSENT) at = start + 1 + buffer[start]!;
  }
  return at;
}

function fieldOf(count: number): Buffer {
  const field = Buffer.from(FIELD);
  field.writeBigInt64BE(BigInt(count), COUNT_OFFSET);
  return field;
}

function isNamed(buffer: Buffer, field: number): boolean {
  return buffer[field] === NAME.length && NAME.compare(buffer, field + 1, field + 1 + NAME.length) === 0;
}
