/** Field tables as clients write them: numbers as 64-bit integers, or as doubles where that is said, texts as long strings, truth as a boolean. */
import { longString, shortString, u32, u8 } from './wire.ts';

export type FieldValue = number | string | boolean | { readonly double: number };
export type Fields = Readonly<Record<string, FieldValue>>;

function i64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

function f64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleBE(value);
  return bytes;
}

function encodeValue(value: FieldValue): Buffer {
  if (typeof value === 'string') return Buffer.concat([Buffer.from('S'), longString(value)]);
  if (typeof value === 'boolean') return Buffer.concat([Buffer.from('t'), u8(value ? 1 : 0)]);
  if (typeof value === 'object') return Buffer.concat([Buffer.from('d'), f64(value.double)]);
  return Buffer.concat([Buffer.from('l'), i64(value)]);
}

/** Throws a RangeError for a number that is not whole. */
export function encodeTable(fields: Fields): Buffer {
  const bytes = Buffer.concat(Object.entries(fields).map(([name, value]) => Buffer.concat([shortString(name), encodeValue(value)])));
  return Buffer.concat([u32(bytes.length), bytes]);
}
