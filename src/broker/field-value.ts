/**
 * What the domain asks of field values: are two the same, how does RabbitMQ print one, and what identifies a table.
 *
 * RabbitMQ turns the values of the wire into Erlang terms, and both its comparison and its texts are those of Erlang; both
 * are repeated here because clients can observe them.
 */
import { Buffer } from 'node:buffer';
import type { FieldTable, FieldValue } from './field-table.ts';

/** The type names of rabbit_binary_parser, which appear in the texts of refusals. */
const TYPE_NAMES: Readonly<Record<FieldValue['type'], string>> = {
  t: 'bool',
  b: 'byte',
  B: 'unsignedbyte',
  s: 'short',
  u: 'unsignedshort',
  I: 'signedint',
  i: 'unsignedint',
  l: 'long',
  L: 'long',
  f: 'float',
  d: 'double',
  D: 'decimal',
  S: 'longstr',
  T: 'timestamp',
  F: 'table',
  A: 'array',
  x: 'binary',
  V: 'void',
};

/** `longstr`, `signedint`...: RabbitMQ's name of the value's type. */
export function typeName(value: FieldValue): string {
  return TYPE_NAMES[value.type];
}

/** The text of a longstr. Bytes that are not UTF-8 become the replacement character. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** The value of an integer of any width, or undefined when the field is no integer. Timestamps are no integers here. */
export function integerOf(value: FieldValue): bigint | undefined {
  switch (value.type) {
    case 'b':
    case 'B':
    case 's':
    case 'u':
    case 'I':
    case 'i':
      return BigInt(value.value);
    case 'l':
    case 'L':
      return value.value;
    default:
      return undefined;
  }
}

/** Whether two bytes sequences are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && Buffer.compare(a, b) === 0;
}

/**
 * Whether RabbitMQ takes two values for the same, that is Erlang's `==` on the decoded terms: numbers of any width compare
 * by value, and bytes by content whatever letter announced them. Nested values compare with their types.
 */
export function sameValue(a: FieldValue, b: FieldValue): boolean {
  switch (a.type) {
    case 'V':
      return b.type === 'V';
    case 't':
      return b.type === 't' && a.value === b.value;
    case 'S':
    case 'x':
      return (b.type === 'S' || b.type === 'x') && sameBytes(a.value, b.value);
    case 'D':
      return b.type === 'D' && a.scale === b.scale && a.value === b.value;
    case 'A':
      return b.type === 'A' && a.value.length === b.value.length && a.value.every((item, index) => sameTyped(item, b.value[index]));
    case 'F':
      return b.type === 'F' && sameTable(a.value, b.value);
    default:
      return isNumber(b) && sameNumber(a.value, b.value);
  }
}

type NumberField = Extract<FieldValue, { readonly value: number | bigint }>;

function isNumber(field: FieldValue): field is Exclude<NumberField, { readonly type: 'D' }> {
  return field.type !== 'V' && field.type !== 'D' && (typeof field.value === 'number' || typeof field.value === 'bigint');
}

/** Neither side is rounded: `==` compares a bigint with a number by mathematical value. */
function sameNumber(a: number | bigint, b: number | bigint): boolean {
  return a == b;
}

function sameTyped(a: FieldValue, b: FieldValue | undefined): boolean {
  return b !== undefined && typeName(a) === typeName(b) && sameValue(a, b);
}

function sameTable(a: FieldTable, b: FieldTable): boolean {
  if (a.size !== b.size) return false;
  for (const [name, value] of a) if (!sameTyped(value, b.get(name))) return false;
  return true;
}

/**
 * A value in Erlang's notation (`~p`), as RabbitMQ prints what is not a string. Floats are printed as JavaScript does, with
 * at least one decimal.
 */
export function erlangTerm(value: FieldValue): string {
  switch (value.type) {
    case 'V':
      return 'undefined';
    case 't':
      return value.value ? 'true' : 'false';
    case 'S':
    case 'x':
      return erlangBinary(value.value);
    case 'D':
      return `{${value.scale},${value.value}}`;
    case 'A':
      return `[${value.value.map((item) => `{${typeName(item)},${erlangTerm(item)}}`).join(',')}]`;
    case 'F':
      return `[${[...value.value].map(([name, item]) => `{${erlangBinary(Buffer.from(name))},${typeName(item)},${erlangTerm(item)}}`).join(',')}]`;
    case 'f':
    case 'd':
      return Number.isInteger(value.value) ? value.value.toFixed(1) : String(value.value);
    default:
      return String(value.value);
  }
}

/** `<<"abc">>` for printable ASCII, `<<"ä"/utf8>>` for other printable text, `<<1,2,3>>` for anything else. */
function erlangBinary(bytes: Uint8Array): string {
  const text = textOf(bytes);
  if (text === '') return '<<>>';
  const faithful = sameBytes(Buffer.from(text), bytes);
  if (!faithful || /[^\x20-\x7e\xa0-\xff]/.test(text)) return `<<${bytes.join(',')}>>`;
  return `<<"${text.replaceAll(/["\\]/g, '\\$&')}"${/[^\x20-\x7e]/.test(text) ? '/utf8' : ''}>>`;
}

/**
 * A string that is equal for two tables exactly when they hold the same names, types and values, in whatever order: the
 * part of a binding's identity that its arguments make (AMQP 0-9-1, queue.bind; rabbit_misc:sort_field_table).
 */
export function fingerprint(table: FieldTable): string {
  if (table.size === 0) return '';
  const names = [...table.keys()].sort();
  return names.map((name) => `${name.length}:${name}${valueFingerprint(table.get(name))}`).join('');
}

/** The same for one value; undefined and void are the same. */
export function valueFingerprint(value: FieldValue | undefined): string {
  if (value === undefined || value.type === 'V') return 'V;';
  switch (value.type) {
    case 'S':
    case 'x':
      return `${value.type}${Buffer.from(value.value).toString('latin1').length}:${Buffer.from(value.value).toString('latin1')}`;
    case 'F':
      return `F(${fingerprint(value.value)})`;
    case 'A':
      return `A(${value.value.map(valueFingerprint).join('')})`;
    case 'D':
      return `D${value.scale},${value.value};`;
    default:
      return `${typeName(value)}${value.value};`;
  }
}
