/**
 * Short strings as JavaScript strings, without losing an octet.
 *
 * Names in tables and string properties are UTF-8 by custom, not by promise: RabbitMQ passes any octets on. A string that is
 * well-formed UTF-8 is decoded as such. Any other is mapped octet by octet: those below 0x80 to themselves, the others to the
 * lone surrogates U+DC80 to U+DCFF, which UTF-8 can never yield. So each octet sequence has one string, and it is written
 * back with the same octets and the same length.
 */
import { isUtf8 } from 'node:buffer';

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

/** Writes `text` and answers the octets written. The room was measured with `textSize`. */
export function writeText(buffer: Buffer, offset: number, text: string): number {
  if (text.isWellFormed()) return buffer.write(text, offset, 'utf8');
  for (let index = 0; index < text.length; index++) buffer[offset + index] = text.charCodeAt(index) & 0xff;
  return text.length;
}
