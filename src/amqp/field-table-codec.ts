/**
 * Field tables on the wire, in RabbitMQ's dialect (rabbit_binary_parser and rabbit_binary_generator).
 *
 *     table:  | size u32 | field | field | ...          size counts the octets after itself
 *     field:  | name size u8 | name | type u8 | value |
 *     array:  | size u32 | type u8 | value | type u8 | value | ...
 *
 *     t bool u8           b i8   B u8   s i16   u u16   I i32   i u32   l i64   L i64   f f32   d f64
 *     D scale u8, u32     T u64 seconds         S x u32 size and octets         F table     A array     V nothing
 *
 * What is read is written back octet for octet when no name comes twice; of a name that does, the first is kept, which is the
 * one RabbitMQ finds. Numbers that are not finite are refused as RabbitMQ refuses them.
 */
import type { FieldTable, FieldValue } from '../broker/field-table.ts';
import { refuse, ReplyCode, type Refusal } from '../broker/refusal.ts';
import { ARRAY_ELEMENTS_MAX, TABLE_DEPTH_MAX, TABLE_FIELDS_MAX } from './bounds.ts';
import { WireReader } from './wire-reader.ts';
import { textSize, writeLongstr, writeShortstr } from './wire-text.ts';

export const TOO_DEEP: Refusal = refuse(ReplyCode.syntaxError, `tables and arrays are nested more than ${TABLE_DEPTH_MAX} deep`);
export const TOO_MANY_FIELDS: Refusal = refuse(ReplyCode.syntaxError, `a table has more than ${TABLE_FIELDS_MAX} fields`);
export const TOO_MANY_ELEMENTS: Refusal = refuse(ReplyCode.syntaxError, `an array has more than ${ARRAY_ELEMENTS_MAX} elements`);
export const NOT_FINITE: Refusal = refuse(ReplyCode.syntaxError, 'a number in a table is not finite');
export const UNKNOWN_TYPE: Refusal = refuse(ReplyCode.syntaxError, 'a table has a value of an unknown type');

/** The fields from `offset` to `end`, without the size in front (the form of an AMQPLAIN response). */
export function decodeFields(buffer: Buffer, offset: number, end: number): FieldTable | Refusal {
  const reader = new WireReader(buffer, offset, end);
  const table = readFields(reader, 1);
  return reader.failure ?? table;
}

/** The table whose size stands at `offset`; octets between its last and `end` are a failure. */
export function decodeTable(buffer: Buffer, offset: number, end: number): FieldTable | Refusal {
  const reader = new WireReader(buffer, offset, end);
  const table = readTable(reader);
  if (reader.failure === undefined && reader.offset < end) return refuse(ReplyCode.syntaxError, 'octets follow the end of a table');
  return reader.failure ?? table;
}

/** Reads a table with its size; after a failure the answer is worthless and `reader.failure` is set. */
export function readTable(reader: WireReader): FieldTable {
  return readNested(reader, 1, readFields) ?? new Map();
}

/** Narrows the reader to the nested value at its cursor, so that nothing inside can reach into what follows. */
function readNested<T>(reader: WireReader, depth: number, read: (reader: WireReader, depth: number) => T): T | undefined {
  const size = reader.long();
  const start = reader.claim(size);
  if (start < 0) return undefined;
  if (depth > TABLE_DEPTH_MAX) {
    reader.fail(TOO_DEEP);
    return undefined;
  }
  const outerEnd = reader.end;
  reader.offset = start;
  reader.end = start + size;
  const value = read(reader, depth);
  reader.end = outerEnd;
  if (reader.failure !== undefined) reader.offset = outerEnd;
  return value;
}

function readFields(reader: WireReader, depth: number): Map<string, FieldValue> {
  const table = new Map<string, FieldValue>();
  for (let count = 1; reader.offset < reader.end; count++) {
    if (count > TABLE_FIELDS_MAX) reader.fail(TOO_MANY_FIELDS);
    const name = reader.shortstr();
    const value = readValue(reader, depth);
    if (!table.has(name)) table.set(name, value);
  }
  return table;
}

function readElements(reader: WireReader, depth: number): FieldValue[] {
  const elements: FieldValue[] = [];
  while (reader.offset < reader.end) {
    if (elements.length === ARRAY_ELEMENTS_MAX) reader.fail(TOO_MANY_ELEMENTS);
    elements.push(readValue(reader, depth));
  }
  return elements;
}

const VOID: FieldValue = { type: 'V' };

function readValue(reader: WireReader, depth: number): FieldValue {
  const type = String.fromCharCode(reader.octet());
  switch (type) {
    case 'S':
    case 'x':
      return { type, value: reader.longstr() };
    case 't':
      return { type, value: reader.octet() !== 0 };
    case 'b':
      return { type, value: (reader.octet() << 24) >> 24 };
    case 'B':
      return { type, value: reader.octet() };
    case 's':
      return { type, value: (reader.short() << 16) >> 16 };
    case 'u':
      return { type, value: reader.short() };
    case 'I':
      return { type, value: reader.long() | 0 };
    case 'i':
      return { type, value: reader.long() };
    case 'l':
    case 'L':
      return { type, value: BigInt.asIntN(64, reader.longlong()) };
    case 'T':
      return { type, value: reader.longlong() };
    case 'f':
    case 'd':
      return { type, value: readFloat(reader, type) };
    case 'D':
      return { type, scale: reader.octet(), value: reader.long() };
    case 'F':
      return { type, value: readNested(reader, depth + 1, readFields) ?? new Map() };
    case 'A':
      return { type, value: readNested(reader, depth + 1, readElements) ?? [] };
    case 'V':
      return VOID;
    default:
      reader.fail(UNKNOWN_TYPE);
      return VOID;
  }
}

function readFloat(reader: WireReader, type: 'f' | 'd'): number {
  const start = reader.claim(type === 'f' ? 4 : 8);
  if (start < 0) return 0;
  const value = type === 'f' ? reader.buffer.readFloatBE(start) : reader.buffer.readDoubleBE(start);
  if (!Number.isFinite(value)) reader.fail(NOT_FINITE);
  return value;
}

/** Octets of a table on the wire, its size field included. */
export function tableSize(table: FieldTable): number {
  let size = 4;
  for (const [name, value] of table) size += 1 + textSize(name) + 1 + valueSize(value);
  return size;
}

function valueSize(field: FieldValue): number {
  switch (field.type) {
    case 'S':
    case 'x':
      return 4 + field.value.length;
    case 't':
    case 'b':
    case 'B':
      return 1;
    case 's':
    case 'u':
      return 2;
    case 'I':
    case 'i':
    case 'f':
      return 4;
    case 'l':
    case 'L':
    case 'T':
    case 'd':
      return 8;
    case 'D':
      return 5;
    case 'F':
      return tableSize(field.value);
    case 'A':
      return field.value.reduce((size, element) => size + 1 + valueSize(element), 4);
    case 'V':
      return 0;
  }
}

/** The table as octets, its size field in front. */
export function encodeTable(table: FieldTable): Buffer {
  const buffer = Buffer.allocUnsafe(tableSize(table));
  writeTable(buffer, 0, table);
  return buffer;
}

/**
 * Writes the table with its size in front and answers the offset after it. The room was measured with `tableSize`.
 * Throws a RangeError for a name of more than 255 octets or a number outside its type: our fault, never the peer's.
 */
export function writeTable(buffer: Buffer, offset: number, table: FieldTable): number {
  let next = offset + 4;
  for (const [name, value] of table) next = writeValue(buffer, writeShortstr(buffer, next, name), value);
  buffer.writeUInt32BE(next - offset - 4, offset);
  return next;
}

function writeValue(buffer: Buffer, offset: number, field: FieldValue): number {
  buffer[offset] = field.type.charCodeAt(0);
  const start = offset + 1;
  switch (field.type) {
    case 'S':
    case 'x':
      return writeLongstr(buffer, start, field.value);
    case 't':
      return buffer.writeUInt8(field.value ? 1 : 0, start);
    case 'b':
      return buffer.writeInt8(field.value, start);
    case 'B':
      return buffer.writeUInt8(field.value, start);
    case 's':
      return buffer.writeInt16BE(field.value, start);
    case 'u':
      return buffer.writeUInt16BE(field.value, start);
    case 'I':
      return buffer.writeInt32BE(field.value, start);
    case 'i':
      return buffer.writeUInt32BE(field.value, start);
    case 'l':
    case 'L':
      return buffer.writeBigInt64BE(field.value, start);
    case 'T':
      return buffer.writeBigUInt64BE(field.value, start);
    case 'f':
      return buffer.writeFloatBE(field.value, start);
    case 'd':
      return buffer.writeDoubleBE(field.value, start);
    case 'D':
      return buffer.writeUInt32BE(field.value, buffer.writeUInt8(field.scale, start));
    case 'F':
      return writeTable(buffer, start, field.value);
    case 'A':
      return writeArray(buffer, start, field.value);
    case 'V':
      return start;
  }
}

function writeArray(buffer: Buffer, offset: number, elements: readonly FieldValue[]): number {
  let next = offset + 4;
  for (const element of elements) next = writeValue(buffer, next, element);
  buffer.writeUInt32BE(next - offset - 4, offset);
  return next;
}
