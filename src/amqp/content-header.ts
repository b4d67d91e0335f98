/**
 * The payload of a content header frame (AMQP 0-9-1, section 2.3.5.2), which follows each publish, return, deliver and get-ok.
 *
 *     offset  0           2           4               12          14
 *             +-----------+-----------+---------------+-----------+--------------------------------+
 *             | class u16 | weight u16| body size u64 | flags u16 | the properties that are set    |
 *             +-----------+-----------+---------------+-----------+--------------------------------+
 *
 *     flags   15 content-type    14 content-encoding  13 headers     12 delivery-mode  11 priority    10 correlation-id
 *              9 reply-to         8 expiration         7 message-id   6 timestamp       5 type         4 user-id
 *              3 app-id           2 cluster-id         1 not used     0 more flags follow (never, in this class)
 *
 * Properties stand in the order of their flags. Headers is a table, delivery-mode and priority an octet, timestamp a u64; the
 * others are short strings.
 *
 * A publish is not taken apart: its header is checked once (`validateHeader`), asked for the few properties that decide
 * something, and kept and sent on as it came. The functions that take `(buffer, offset, end)` allocate nothing; `offset` is
 * where the payload begins and `end` where it ends.
 */
import { refuse, ReplyCode, type Refusal } from '../broker/refusal.ts';
import { scanFields } from './table-scanner.ts';
import { TRUNCATED } from './wire-reader.ts';

export const BASIC_CLASS_ID = 60;

const WEIGHT_OFFSET = 2;
const BODY_SIZE_OFFSET = 4;
const FLAGS_OFFSET = 12;
/** Octets before the first property. */
export const CONTENT_HEADER_FIXED_SIZE = 14;

export const PropertyFlag = {
  contentType: 0x8000,
  contentEncoding: 0x4000,
  headers: 0x2000,
  deliveryMode: 0x1000,
  priority: 0x0800,
  correlationId: 0x0400,
  replyTo: 0x0200,
  expiration: 0x0100,
  messageId: 0x0080,
  timestamp: 0x0040,
  type: 0x0020,
  userId: 0x0010,
  appId: 0x0008,
  clusterId: 0x0004,
} as const;
export type PropertyFlag = (typeof PropertyFlag)[keyof typeof PropertyFlag];

const CONTINUATION_FLAG = 0x0001;
const OCTET_FLAGS = PropertyFlag.deliveryMode | PropertyFlag.priority;

/** Answer of a scanner: the octets are not what they should be. */
export const MALFORMED = -1;
/** Answer of a scanner: the property is not set. */
export const ABSENT = -2;

/** The class the content belongs to, or MALFORMED when the fixed part is not whole. Ask this first. */
export function contentClassId(buffer: Buffer, offset: number, end: number): number {
  return end - offset < CONTENT_HEADER_FIXED_SIZE ? MALFORMED : buffer.readUInt16BE(offset);
}

/** Always 0 from an honest peer. */
export function contentWeight(buffer: Buffer, offset: number): number {
  return buffer.readUInt16BE(offset + WEIGHT_OFFSET);
}

/** Octets of the body, or MALFORMED for more than a number holds exactly: such a body is beyond every limit. */
export function contentBodySize(buffer: Buffer, offset: number): number {
  const high = buffer.readUInt32BE(offset + BODY_SIZE_OFFSET);
  if (high > 0x1fffff) return MALFORMED;
  return high * 0x1_0000_0000 + buffer.readUInt32BE(offset + BODY_SIZE_OFFSET + 4);
}

/** The flags word: `propertyFlags(...) & PropertyFlag.headers` tells whether there are headers. */
export function propertyFlags(buffer: Buffer, offset: number): number {
  return buffer.readUInt16BE(offset + FLAGS_OFFSET);
}

/** The offset after the property `flag` that begins at `offset`, or MALFORMED when it does not end before `end`. */
function propertyEnd(buffer: Buffer, offset: number, end: number, flag: number): number {
  let next: number;
  if ((flag & OCTET_FLAGS) !== 0) next = offset + 1;
  else if (flag === PropertyFlag.timestamp) next = offset + 8;
  else if (flag === PropertyFlag.headers) next = offset + 4 > end ? end + 1 : offset + 4 + buffer.readUInt32BE(offset);
  else next = offset < end ? offset + 1 + buffer[offset]! : end + 1;
  return next > end ? MALFORMED : next;
}

/**
 * Where the value of a property begins (its length, for those that have one), ABSENT or MALFORMED. The value itself ends
 * before `end`. Walks over the properties before it; costs nothing to speak of when there are few.
 */
export function propertyOffset(buffer: Buffer, offset: number, end: number, flag: PropertyFlag): number {
  if (end - offset < CONTENT_HEADER_FIXED_SIZE) return MALFORMED;
  const flags = propertyFlags(buffer, offset);
  if ((flags & flag) === 0) return ABSENT;
  let next = offset + CONTENT_HEADER_FIXED_SIZE;
  for (let current = PropertyFlag.contentType as number; current !== flag; current >>= 1) {
    if ((flags & current) === 0) continue;
    next = propertyEnd(buffer, next, end, current);
    if (next < 0) return MALFORMED;
  }
  return propertyEnd(buffer, next, end, flag) < 0 ? MALFORMED : next;
}

function octetProperty(buffer: Buffer, offset: number, end: number, flag: PropertyFlag): number {
  const start = propertyOffset(buffer, offset, end, flag);
  return start < 0 ? start : buffer[start]!;
}

/** The octet of delivery-mode (2 is persistent), ABSENT or MALFORMED. */
export function deliveryMode(buffer: Buffer, offset: number, end: number): number {
  return octetProperty(buffer, offset, end, PropertyFlag.deliveryMode);
}

/** The octet of priority, ABSENT or MALFORMED. */
export function priority(buffer: Buffer, offset: number, end: number): number {
  return octetProperty(buffer, offset, end, PropertyFlag.priority);
}

/** Where the length octet of expiration stands, ABSENT or MALFORMED. */
export function expirationOffset(buffer: Buffer, offset: number, end: number): number {
  return propertyOffset(buffer, offset, end, PropertyFlag.expiration);
}

/** Where the length octet of reply-to stands, ABSENT or MALFORMED. */
export function replyToOffset(buffer: Buffer, offset: number, end: number): number {
  return propertyOffset(buffer, offset, end, PropertyFlag.replyTo);
}

/** Where the length octet of user-id stands, ABSENT or MALFORMED. */
export function userIdOffset(buffer: Buffer, offset: number, end: number): number {
  return propertyOffset(buffer, offset, end, PropertyFlag.userId);
}

/** Where the four octets of size stand with which headers begin, ABSENT or MALFORMED; the table ends after 4 + size octets. */
export function headersOffset(buffer: Buffer, offset: number, end: number): number {
  return propertyOffset(buffer, offset, end, PropertyFlag.headers);
}

const CONTINUED: Refusal = refuse(ReplyCode.syntaxError, 'a content header has more property flags than its class has properties');
const LEFT_OVER: Refusal = refuse(ReplyCode.syntaxError, 'octets follow the properties of a content header');

/**
 * Undefined for a content header whose properties can be decoded, else why not (hard). Looks at each property and through the
 * whole table of headers and builds nothing: 9 ns for a header that sets delivery-mode alone, 160 ns for one with three header
 * fields and four properties, where decoding takes 2 us.
 */
export function validateHeader(buffer: Buffer, offset: number, end: number): Refusal | undefined {
  if (end - offset < CONTENT_HEADER_FIXED_SIZE) return TRUNCATED;
  const flags = propertyFlags(buffer, offset);
  if ((flags & CONTINUATION_FLAG) !== 0) return CONTINUED;
  let next = offset + CONTENT_HEADER_FIXED_SIZE;
  // The flags that remain to be looked at: the walk ends with the last one set.
  let remaining = flags & ~0x0003;
  for (let flag = PropertyFlag.contentType as number; remaining !== 0; flag >>= 1) {
    if ((remaining & flag) === 0) continue;
    remaining ^= flag;
    const after = propertyEnd(buffer, next, end, flag);
    if (after < 0) return TRUNCATED;
    if (flag === PropertyFlag.headers) {
      const refusal = scanFields(buffer, next + 4, after);
      if (refusal !== undefined) return refusal;
    }
    next = after;
  }
  return next < end ? LEFT_OVER : undefined;
}
