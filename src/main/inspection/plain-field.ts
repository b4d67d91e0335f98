/** Field tables as values that JSON has, for people and their tools. */
import type { FieldTable, FieldValue } from '../../broker/field-table.ts';
import { textOf } from '../../broker/field-value.ts';

export type PlainField = string | number | boolean | null | readonly PlainField[] | { readonly [name: string]: PlainField };

export function plainTable(table: FieldTable): { readonly [name: string]: PlainField } {
  return Object.fromEntries([...table].map(([name, value]) => [name, plainField(value)]));
}

function plainField(field: FieldValue): PlainField {
  switch (field.type) {
    case 'V':
      return null;
    case 'F':
      return plainTable(field.value);
    case 'A':
      return field.value.map(plainField);
    case 'S':
      return textOf(field.value);
    case 'x':
      return Buffer.from(field.value).toString('hex');
    case 'D':
      return `${field.value}e-${field.scale}`;
    default:
      // JSON's numbers are exact below 2^53.
      return typeof field.value === 'bigint' ? plainLong(field.value) : field.value;
  }
}

function plainLong(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
