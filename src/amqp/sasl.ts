/**
 * The two mechanisms that carry a user name and a password (rabbit_auth_mechanism_plain and _amqplain).
 *
 *     PLAIN      0 | user | 0 | password        neither may contain a 0
 *     AMQPLAIN   the fields LOGIN and PASSWORD of a table, without the size in front of it
 */
import type { FieldTable } from '../broker/field-table.ts';
import { decodeFields } from './field-table-codec.ts';
import { decodeText } from './wire-text.ts';

/** The password stays octets: it is hashed, never shown, and nothing promises UTF-8. */
export type Credentials = { readonly username: string; readonly password: Uint8Array };

/** The credentials in a PLAIN response; undefined when it has another form. */
export function decodePlain(response: Uint8Array): Credentials | undefined {
  const octets = toBuffer(response);
  if (octets[0] !== 0) return undefined;
  const middle = octets.indexOf(0, 1);
  if (middle < 0 || octets.includes(0, middle + 1)) return undefined;
  return { username: decodeText(octets, 1, middle), password: new Uint8Array(octets.subarray(middle + 1)) };
}

/** The credentials in an AMQPLAIN response; undefined when it is no table or a field is missing or no string. */
export function decodeAmqplain(response: Uint8Array): Credentials | undefined {
  const fields = decodeFields(toBuffer(response), 0, response.length);
  if (!(fields instanceof Map)) return undefined;
  const login = stringField(fields, 'LOGIN');
  const password = stringField(fields, 'PASSWORD');
  if (login === undefined || password === undefined) return undefined;
  return { username: decodeText(toBuffer(login), 0, login.length), password };
}

function stringField(fields: FieldTable, name: string): Uint8Array | undefined {
  const field = fields.get(name);
  return field?.type === 'S' ? field.value : undefined;
}

/** The same memory, with a Buffer's methods. */
function toBuffer(octets: Uint8Array): Buffer {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length);
}
