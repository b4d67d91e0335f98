/** The priority that a stored message carries (stored-message.ts): the octet of its property, as any client may have set it. */
import { priority } from './content-header.ts';
import { HEADER_SIZE, KEY_SIZE, type MessageMemory, headerOffset } from './stored-message.ts';

/** 0 to 255; 0 without one. */
export function priorityOf(memory: Pick<MessageMemory, 'intsOf' | 'byteOffsetOf' | 'bytesOf'>, address: number): number {
  const ints = memory.intsOf(address);
  const record = memory.byteOffsetOf(address);
  const word = record >> 2;
  const header = record + headerOffset(ints[word + KEY_SIZE]!);
  // Negative: it has none.
  return Math.max(0, priority(memory.bytesOf(address), header, header + ints[word + HEADER_SIZE]!));
}
