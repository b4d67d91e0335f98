/** The times that a stored message carries (stored-message.ts, words 6 and 7, and the property `expiration`). */
import { ABSENT, MALFORMED, expirationOffset } from './content-header.ts';
import { HEADER_SIZE, KEY_SIZE, type MessageMemory, PUBLISHED_HIGH, PUBLISHED_LOW, headerOffset } from './stored-message.ts';

const HIGH = 2 ** 32;

type Words = Pick<MessageMemory, 'intsOf' | 'byteOffsetOf'>;

/** Notes when a message was published, whole milliseconds since the epoch. Before anybody else knows its address. */
export function notePublished(memory: Words, address: number, nowMs: number): void {
  const ints = memory.intsOf(address);
  const word = memory.byteOffsetOf(address) >> 2;
  const wholeMs = Math.floor(nowMs);
  ints[word + PUBLISHED_LOW] = wholeMs % HIGH | 0;
  ints[word + PUBLISHED_HIGH] = Math.floor(wholeMs / HIGH);
}

export function publishedMs(memory: Words, address: number): number {
  const ints = memory.intsOf(address);
  const word = memory.byteOffsetOf(address) >> 2;
  return ints[word + PUBLISHED_HIGH]! * HIGH + (ints[word + PUBLISHED_LOW]! >>> 0);
}

/** The property `expiration`, milliseconds: digits, as its publisher was held to. Infinity without one. */
export function expirationMs(memory: Words & Pick<MessageMemory, 'bytesOf'>, address: number): number {
  const ints = memory.intsOf(address);
  const record = memory.byteOffsetOf(address);
  const word = record >> 2;
  const bytes = memory.bytesOf(address);
  const header = record + headerOffset(ints[word + KEY_SIZE]!);
  const at = expirationOffset(bytes, header, header + ints[word + HEADER_SIZE]!);
  if (at === ABSENT || at === MALFORMED) return Infinity;
  return Number(bytes.toString('latin1', at + 1, at + 1 + bytes[at]!));
}
