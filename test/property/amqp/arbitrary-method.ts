/** Arbitrary tables, methods and properties, hostile names included, for the properties of the wire. */
import fc from 'fast-check';
import type { FieldTable, FieldValue } from '../../../src/broker/field-table.ts';
import type { BasicProperties } from '../../../src/amqp/basic-properties.ts';
import { METHODS, type FieldType, type Method, type MethodName } from '../../../src/amqp/method-table.ts';

/** Strings whose UTF-8 is at most 252 octets, the names that break careless objects among them. */
export const shortText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => text.isWellFormed() && Buffer.byteLength(text) <= 255),
  fc.string({ unit: 'grapheme-ascii', maxLength: 255 }),
  fc.constantFrom('', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'name', '\ufffd', 'ключ', '\u0000'),
);

const bytes = fc.uint8Array({ maxLength: 40 });
const signedLong = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

/** A double or a float as the wire holds it, never NaN and never infinite. */
const double = fc.double({ noNaN: true, noDefaultInfinity: true });
const float = fc.float({ noNaN: true, noDefaultInfinity: true });

const scalar: fc.Arbitrary<FieldValue> = fc.oneof(
  fc.boolean().map((value): FieldValue => ({ type: 't', value })),
  fc.integer({ min: -128, max: 127 }).map((value): FieldValue => ({ type: 'b', value })),
  fc.integer({ min: 0, max: 255 }).map((value): FieldValue => ({ type: 'B', value })),
  fc.integer({ min: -32768, max: 32767 }).map((value): FieldValue => ({ type: 's', value })),
  fc.integer({ min: 0, max: 65535 }).map((value): FieldValue => ({ type: 'u', value })),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((value): FieldValue => ({ type: 'I', value })),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((value): FieldValue => ({ type: 'i', value })),
  signedLong.map((value): FieldValue => ({ type: 'l', value })),
  signedLong.map((value): FieldValue => ({ type: 'L', value })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value): FieldValue => ({ type: 'T', value })),
  float.map((value): FieldValue => ({ type: 'f', value })),
  double.map((value): FieldValue => ({ type: 'd', value })),
  fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })).map(([scale, value]): FieldValue => ({ type: 'D', scale, value })),
  bytes.map((value): FieldValue => ({ type: 'S', value })),
  bytes.map((value): FieldValue => ({ type: 'x', value })),
  fc.constant<FieldValue>({ type: 'V' }),
);

const { table } = fc.letrec<{ table: FieldTable; value: FieldValue }>((tie) => ({
  table: fc.uniqueArray(fc.tuple(shortText, tie('value')), { maxLength: 5, selector: ([name]) => name }).map((fields) => new Map(fields)),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    tie('table').map((value): FieldValue => ({ type: 'F', value })),
    fc.array(tie('value'), { maxLength: 5 }).map((value): FieldValue => ({ type: 'A', value })),
  ),
}));
export const fieldTable: fc.Arbitrary<FieldTable> = table;

const ARBITRARIES: { readonly [T in FieldType]: fc.Arbitrary<unknown> } = {
  octet: fc.integer({ min: 0, max: 255 }),
  short: fc.integer({ min: 0, max: 65535 }),
  long: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  longlong: fc.maxSafeNat(),
  bit: fc.boolean(),
  shortstr: shortText,
  longstr: bytes,
  table: fieldTable,
};

export const METHOD_NAMES = Object.keys(METHODS) as MethodName[];

export function methodNamed(name: MethodName): fc.Arbitrary<Method> {
  const fields = Object.entries(METHODS[name].fields).filter(([field]) => !field.startsWith('reserved'));
  const record = Object.fromEntries(fields.map(([field, type]) => [field, ARBITRARIES[type as FieldType]]));
  return fc.record(record, { noNullPrototype: true }).map((values) => ({ name, ...values }) as Method);
}

export const anyMethod: fc.Arbitrary<Method> = fc.constantFrom(...METHOD_NAMES).chain(methodNamed);

/** Any set of properties, none to all fourteen. */
export const basicProperties: fc.Arbitrary<BasicProperties> = fc.record(
  {
    contentType: shortText,
    contentEncoding: shortText,
    headers: fieldTable,
    deliveryMode: ARBITRARIES.octet as fc.Arbitrary<number>,
    priority: ARBITRARIES.octet as fc.Arbitrary<number>,
    correlationId: shortText,
    replyTo: shortText,
    expiration: shortText,
    messageId: shortText,
    timestamp: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    type: shortText,
    userId: shortText,
    appId: shortText,
    clusterId: shortText,
  },
  { requiredKeys: [], noNullPrototype: true },
);
