/**
 * Publishes and settles as they stand in a method frame's payload, for the paths that must not build an object per frame.
 * `offset` is where the payload begins (its class number) and `end` where it ends; who calls has looked at the first four
 * octets. What these call MALFORMED goes to `decodeMethod`, which finds the words for it.
 *
 *     offset  0      4            6                                                        end - 1
 *     publish | 60 40 | reserved u16 | size u8 | exchange | size u8 | routing key          | bits u8 |
 *
 *     offset  0          4                   12
 *     settle  | 60 method | delivery tag u64  | bits u8 |          ack 80, reject 90, nack 120
 */
import { MALFORMED } from './content-header.ts';
import { methodKey } from './method-table.ts';

/** The first four octets of a payload, to be compared with `buffer.readUInt32BE(offset)`. */
export const PUBLISH_KEY = methodKey(60, 40);
export const ACK_KEY = methodKey(60, 80);
export const REJECT_KEY = methodKey(60, 90);
export const NACK_KEY = methodKey(60, 120);

/** From the start of the payload to the length octet of the exchange's name. */
export const PUBLISH_EXCHANGE_OFFSET = 6;

export const PublishBit = { mandatory: 1, immediate: 2 } as const;
export const AckBit = { multiple: 1 } as const;
export const RejectBit = { requeue: 1 } as const;
export const NackBit = { multiple: 1, requeue: 2 } as const;

const SETTLE_TAG_OFFSET = 4;
const SETTLE_BITS_OFFSET = 12;
const SETTLE_SIZE = 13;

/**
 * The bits of a publish, or MALFORMED. With an answer of 0 or more, both names lie whole between `offset` and `end`; whether
 * they are UTF-8 is for whoever turns them into strings (once per name, then the octets are known).
 */
export function publishBits(buffer: Buffer, offset: number, end: number): number {
  const exchangeOffset = offset + PUBLISH_EXCHANGE_OFFSET;
  if (exchangeOffset >= end) return MALFORMED;
  const routingKeyOffset = publishRoutingKeyOffset(buffer, offset);
  if (routingKeyOffset >= end) return MALFORMED;
  const bitsOffset = routingKeyOffset + 1 + buffer[routingKeyOffset]!;
  return bitsOffset === end - 1 ? buffer[bitsOffset]! : MALFORMED;
}

/** From `buffer`'s start to the length octet of the routing key; only after `publishBits` found the publish whole. */
export function publishRoutingKeyOffset(buffer: Buffer, offset: number): number {
  const exchangeOffset = offset + PUBLISH_EXCHANGE_OFFSET;
  return exchangeOffset + 1 + buffer[exchangeOffset]!;
}

/** The delivery tag of an ack, reject or nack, or MALFORMED: not 13 octets, or a tag that a number cannot hold exactly. */
export function settleTag(buffer: Buffer, offset: number, end: number): number {
  if (end - offset !== SETTLE_SIZE) return MALFORMED;
  const high = buffer.readUInt32BE(offset + SETTLE_TAG_OFFSET);
  return high > 0x1fffff ? MALFORMED : high * 0x1_0000_0000 + buffer.readUInt32BE(offset + SETTLE_TAG_OFFSET + 4);
}

/** The bits of an ack, reject or nack; only after `settleTag` found it whole. */
export function settleBits(buffer: Buffer, offset: number): number {
  return buffer[offset + SETTLE_BITS_OFFSET]!;
}
