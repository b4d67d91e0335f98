/**
 * Short strings as JavaScript strings, without losing an octet.
 *
 * Names in tables and string properties are UTF-8 by custom, not by promise: RabbitMQ passes any octets on. A string that is
 * well-formed UTF-8 is decoded as such. Any other is mapped octet by octet: those below 0x80 to themselves, the others to the
 * lone surrogates U+DC80 to U+DCFF, which UTF-8 can never yield. So each octet sequence has one string, and it is written
 * back with the same octets and the same length.
 */
import { isUtf8 } from 'node:buffer';
import { SHORTSTR_SIZE_MAX } from './bounds.ts';

const REPLACEMENT = '\ufffd';
const OCTET_BASE = 0xdc00;

/** The octets of `buffer` from `start` to `end` as a string; never fails. */
export function decodeText(buffer: Buffer, start: number, end: number): string {
  const text = buffer.toString('utf8', start, end);
  // A broken sequence leaves a replacement character behind: only then are the octets looked at again.
  if (!text.includes(REPLACEMENT) || isUtf8(buffer.subarray(start, end))) return text;
  let octets = '';
  for (let index = start; index < end; index++) {
    const octet = buffer[index]!;
    octets += String.fromCharCode(octet < 0x80 ? octet : OCTET_BASE + octet);
  }
  return octets;
}

/** True for a string that stands for octets which are not UTF-8. */
export function isMalformedText(text: string): boolean {
  return !text.isWellFormed();
}

/** Octets that `text` takes on the wire. */
export function textSize(text: string): number {
  return text.isWellFormed() ? Buffer.byteLength(text) : text.length;
}

/**
 * Writes `text` after one octet of length and answers the offset after it. Throws a RangeError for more than 255 octets: with
 * a length cut to one octet, the rest of the text would be read as further fields.
 */
export function writeShortstr(buffer: Buffer, offset: number, text: string): number {
  const size = textSize(text);
  if (size > SHORTSTR_SIZE_MAX) throw new RangeError(`a text of ${size} octets does not fit a short string`);
  const start = offset + 1;
  buffer[offset] = size;
  if (text.isWellFormed()) buffer.write(text, start, 'utf8');
  else for (let index = 0; index < text.length; index++) buffer[start + index] = text.charCodeAt(index) & 0xff;
  return start + size;
}

/** Writes `bytes` after four octets of length and answers the offset after them. */
export function writeLongstr(buffer: Buffer, offset: number, bytes: Uint8Array): number {
  buffer.set(bytes, buffer.writeUInt32BE(bytes.length, offset));
  return offset + 4 + bytes.length;
}
