/** The properties that a stored message carries (stored-message.ts), decoded. */
import { type BasicProperties, decodeProperties, isRefusedHeader } from './basic-properties.ts';
import { HEADER_SIZE, KEY_SIZE, type MessageMemory, headerOffset } from './stored-message.ts';

/**
 * All properties of the message at `address`. Undefined: earlier deaths made the headers more than are read (bounds.ts). What a client sent
 * was read when it was published.
 */
export function propertiesOf(memory: Pick<MessageMemory, 'intsOf' | 'byteOffsetOf' | 'bytesOf'>, address: number): BasicProperties | undefined {
  const ints = memory.intsOf(address);
  const record = memory.byteOffsetOf(address);
  const word = record >> 2;
  const header = record + headerOffset(ints[word + KEY_SIZE]!);
  const properties = decodeProperties(memory.bytesOf(address), header, header + ints[word + HEADER_SIZE]!);
  return isRefusedHeader(properties) ? undefined : properties;
}
