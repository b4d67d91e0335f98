/**
 * Field tables within definitions:
 *
 *     table   | count u32 | name text | type u8 | value | name text | ...        in the table's order
 *     array   | count u32 | type u8 | value | type u8 | value | ...
 *
 * The type is the letter that RabbitMQ's dialect of the wire gives it. Numbers are f64 whatever their width, which holds them all
 * exactly; integers of 64 bits are u64.
 */
import type { FieldTable, FieldValue } from '../broker/field-table.ts';
import { DefinitionFormError, type DefinitionReader, type DefinitionWriter } from './definition-bytes.ts';

export function writeTable(to: DefinitionWriter, table: FieldTable): void {
  to.count(table.size);
  for (const [name, field] of table) {
    to.text(name);
    writeField(to, field);
  }
}

function writeField(to: DefinitionWriter, field: FieldValue): void {
  to.octet(field.type.charCodeAt(0));
  switch (field.type) {
    case 't':
      return to.flag(field.value);
    case 'l':
    case 'L':
    case 'T':
      return to.long(field.value);
    case 'D':
      to.octet(field.scale);
      return to.number(field.value);
    case 'S':
    case 'x':
      return to.bytes(field.value);
    case 'F':
      return writeTable(to, field.value);
    case 'A':
      to.count(field.value.length);
      for (const element of field.value) writeField(to, element);
      return;
    case 'V':
      return;
    default:
      return to.number(field.value);
  }
}

export function readTable(from: DefinitionReader): FieldTable {
  const table = new Map<string, FieldValue>();
  for (let left = from.count(); left > 0; left--) {
    const name = from.text();
    table.set(name, readField(from));
  }
  return table;
}

function readField(from: DefinitionReader): FieldValue {
  const type = String.fromCharCode(from.octet());
  switch (type) {
    case 't':
      return { type, value: from.flag() };
    case 'l':
    case 'L':
      return { type, value: from.signedLong() };
    case 'T':
      return { type, value: from.unsignedLong() };
    case 'b':
    case 'B':
    case 's':
    case 'u':
    case 'I':
    case 'i':
    case 'f':
    case 'd':
      return { type, value: from.number() };
    case 'D':
      return { type, scale: from.octet(), value: from.number() };
    case 'S':
    case 'x':
      return { type, value: from.bytes() };
    case 'F':
      return { type, value: readTable(from) };
    case 'A':
      return { type, value: readArray(from) };
    case 'V':
      return { type };
    default:
      throw new DefinitionFormError('a table has a value of an unknown type');
  }
}

function readArray(from: DefinitionReader): readonly FieldValue[] {
  const elements: FieldValue[] = [];
  for (let left = from.count(); left > 0; left--) elements.push(readField(from));
  return elements;
}
