import { long, longlong, longstr, octet, shortstr } from './raw-bytes.ts';

/**
 * Field tables written by hand, in RabbitMQ's dialect: each value names its type letter, because the letter is what the
 * tests are about.
 */
export type RawValue =
  | readonly ['t', boolean]
  | readonly ['b' | 'B' | 's' | 'u' | 'I' | 'i' | 'f' | 'd', number]
  | readonly ['l' | 'L' | 'T', bigint]
  | readonly ['D', scale: number, value: number]
  | readonly ['S', string]
  | readonly ['x', Buffer]
  | readonly ['F', Readonly<Record<string, RawValue>>]
  | readonly ['A', readonly RawValue[]]
  | readonly ['V'];

/** The entries of a table, without its length: the layouts of methods add that. */
export function table(entries: Readonly<Record<string, RawValue>>): Buffer {
  return Buffer.concat(Object.entries(entries).flatMap(([name, value]) => [shortstr(name), encodeValue(value)]));
}

function encodeValue(value: RawValue): Buffer {
  return Buffer.concat([Buffer.from(value[0]), encodePayload(value)]);
}

function encodePayload(value: RawValue): Buffer {
  const bytes = Buffer.alloc(8);
  switch (value[0]) {
    case 't':
      return octet(value[1] ? 1 : 0);
    case 'b':
      return bytes.subarray(0, bytes.writeInt8(value[1]));
    case 'B':
      return octet(value[1]);
    case 's':
      return bytes.subarray(0, bytes.writeInt16BE(value[1]));
    case 'u':
      return bytes.subarray(0, bytes.writeUInt16BE(value[1]));
    case 'I':
      return bytes.subarray(0, bytes.writeInt32BE(value[1]));
    case 'i':
      return long(value[1]);
    case 'f':
      return bytes.subarray(0, bytes.writeFloatBE(value[1]));
    case 'd':
      return bytes.subarray(0, bytes.writeDoubleBE(value[1]));
    case 'l':
    case 'L':
      return bytes.subarray(0, bytes.writeBigInt64BE(value[1]));
    case 'T':
      return longlong(value[1]);
    case 'D':
      return Buffer.concat([octet(value[1]), long(value[2])]);
    case 'S':
    case 'x':
      return longstr(value[1]);
    case 'F':
      return longstr(table(value[1]));
    case 'A':
      return longstr(Buffer.concat(value[1].map(encodeValue)));
    case 'V':
      return Buffer.alloc(0);
  }
}
