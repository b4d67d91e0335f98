/**
 * The routing keys of BCC, which no consumer sees and a dead letter still goes by (RabbitMQ keeps them beside the message): short strings
 * behind the body of a record with the flag BLIND.
 */
import type { FieldTable } from '../broker/field-table.ts';
import { SHORTSTR_SIZE_MAX } from './bounds.ts';
import { BLIND, BODY_SIZE, FLAGS, HEADER_SIZE, KEY_SIZE, type MessageMemory, SIZE, bodyOffset } from './stored-message.ts';

export const NO_BLIND_KEYS: Buffer = Buffer.alloc(0);

/** As they stand in the record. A key that no short string holds is nobody's. */
export function blindKeysOf(headers: FieldTable): Buffer {
  const keys = headers.get('BCC');
  if (keys?.type !== 'A') return NO_BLIND_KEYS;
  const texts = keys.value.flatMap((key) => (key.type === 'S' && key.value.length <= SHORTSTR_SIZE_MAX ? [key.value] : []));
  return Buffer.concat(texts.flatMap((text) => [Buffer.of(text.length), text]));
}

/** Octets behind the body of a record. */
export function blindKeysSize(memory: Pick<MessageMemory, 'intsOf' | 'byteOffsetOf'>, address: number): number {
  const ints = memory.intsOf(address);
  const word = memory.byteOffsetOf(address) >> 2;
  const flags = ints[word + FLAGS]!;
  if ((flags & BLIND) === 0) return 0;
  return ints[word + SIZE]! - bodyOffset(ints[word + KEY_SIZE]!, ints[word + HEADER_SIZE]!, flags) - ints[word + BODY_SIZE]!;
}

/** The keys of the message at `address`. */
export function blindKeysAt(memory: MessageMemory, address: number): string[] {
  const bytes = memory.bytesOf(address);
  const end = memory.byteOffsetOf(address) + memory.intsOf(address)[(memory.byteOffsetOf(address) >> 2) + SIZE]!;
  const keys: string[] = [];
  for (let at = end - blindKeysSize(memory, address); at < end; at += 1 + bytes[at]!) keys.push(bytes.toString('utf8', at + 1, at + 1 + bytes[at]!));
  return keys;
}
