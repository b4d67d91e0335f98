import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FieldTable, FieldValue } from '../../../src/broker/field-table.ts';
import { ARRAY_ELEMENTS_MAX, TABLE_DEPTH_MAX, TABLE_FIELDS_MAX } from '../../../src/amqp/bounds.ts';
import {
  decodeFields,
  decodeTable,
  encodeTable,
  NOT_FINITE,
  TOO_DEEP,
  TOO_MANY_ELEMENTS,
  TOO_MANY_FIELDS,
  UNKNOWN_TYPE,
} from '../../../src/amqp/field-table-codec.ts';
import { TRUNCATED } from '../../../src/amqp/wire-reader.ts';

const test = suite('field table codec');

/** A table of these octets with its size in front. */
function sized(...parts: readonly (string | Uint8Array | readonly number[])[]): Buffer {
  const octets = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));
  const size = Buffer.alloc(4);
  size.writeUInt32BE(octets.length);
  return Buffer.concat([size, octets]);
}

function decode(octets: Buffer): ReturnType<typeof decodeTable> {
  return decodeTable(octets, 0, octets.length);
}

function fields(octets: Buffer): [string, FieldValue][] {
  const table = decode(octets);
  assert.instance(table, Map);
  return [...(table as FieldTable)];
}

test('each type letter has its meaning', () => {
  const octets = sized(
    '\x01at\x02', '\x01bb\xff', '\x01cB\xff', '\x01ds\xff\xfe', '\x01eu\xff\xfe', '\x01fI\xff\xff\xff\xff', '\x01gi\xff\xff\xff\xff',
    '\x01hl', new Uint8Array(8).fill(255), '\x01iL', new Uint8Array(8).fill(255), '\x01jT', new Uint8Array(8).fill(255),
    '\x01kf\x3f\x80\x00\x00', '\x01ld\x3f\xf0\x00\x00\x00\x00\x00\x00', '\x01mD\x02\xff\xff\xff\xff',
    '\x01nS\x00\x00\x00\x01z', '\x01ox\x00\x00\x00\x00', '\x01pF\x00\x00\x00\x03\x01qV', '\x01rA\x00\x00\x00\x02VV', '\x01sV',
  );
  assert.equal(fields(octets), [
    ['a', { type: 't', value: true }],
    ['b', { type: 'b', value: -1 }],
    ['c', { type: 'B', value: 255 }],
    ['d', { type: 's', value: -2 }],
    ['e', { type: 'u', value: 65534 }],
    ['f', { type: 'I', value: -1 }],
    ['g', { type: 'i', value: 4294967295 }],
    ['h', { type: 'l', value: -1n }],
    ['i', { type: 'L', value: -1n }],
    ['j', { type: 'T', value: 18446744073709551615n }],
    ['k', { type: 'f', value: 1 }],
    ['l', { type: 'd', value: 1 }],
    ['m', { type: 'D', scale: 2, value: 4294967295 }],
    ['n', { type: 'S', value: Uint8Array.of(122) }],
    ['o', { type: 'x', value: new Uint8Array(0) }],
    ['p', { type: 'F', value: new Map<string, FieldValue>([['q', { type: 'V' }]]) }],
    ['r', { type: 'A', value: [{ type: 'V' }, { type: 'V' }] }],
    ['s', { type: 'V' }],
  ]);
});

test('an empty table, an empty array and an empty nested table are read', () => {
  assert.is((decode(sized()) as FieldTable).size, 0);
  assert.equal(fields(sized('\x01aA\0\0\0\0', '\x01bF\0\0\0\0')), [
    ['a', { type: 'A', value: [] }],
    ['b', { type: 'F', value: new Map() }],
  ]);
});

test('S9: hostile names are entries of a map and nothing else', () => {
  const before = Object.getOwnPropertyNames(Object.prototype).length;
  const octets = sized('\x09__proto__F\0\0\0\x0a\x08pollutedV', '\x0bconstructorV', '\x08toStringV');
  assert.equal(fields(octets).map(([name]) => name), ['__proto__', 'constructor', 'toString']);
  assert.is(Object.getOwnPropertyNames(Object.prototype).length, before);
  assert.is(('polluted' in {}), false);
});

test('the first of two fields with one name counts', () => {
  assert.equal(fields(sized('\x01aB\x01', '\x01aB\x02')), [['a', { type: 'B', value: 1 }]]);
});

test('a name that is not UTF-8 keeps its octets', () => {
  const octets = sized('\x03\xff\xfeaV', '\x02\xff\xfeV');
  assert.is(fields(octets).length, 2);
  assert.ok(octets.equals(encodeTable(decode(octets) as FieldTable)));
});

test('S5: a length of 2^32-1 is compared with what remains and nothing is allocated', () => {
  const huge = [255, 255, 255, 255];
  for (const type of ['S', 'x', 'F', 'A']) assert.is(decode(sized(`\x01a${type}`, huge)), TRUNCATED);
  assert.is(decode(Buffer.from(huge)), TRUNCATED);
  assert.is(decode(sized('\xffa')), TRUNCATED);
});

test('a nested table cannot reach into the octets after it', () => {
  assert.is(decode(sized('\x01aF\0\0\0\x04\x01bS\0', '\0\0\0')), TRUNCATED);
});

test('octets that end inside a value are refused at each place', () => {
  const whole = encodeTable(new Map<string, FieldValue>([['a', { type: 'F', value: new Map([['b', { type: 'A', value: [{ type: 'd', value: 1 }] }]]) }]]));
  for (let size = 1; size < whole.length - 4; size++) {
    const cut = sized(whole.subarray(4, 4 + size));
    assert.is(decode(cut), TRUNCATED, `cut to ${size}`);
  }
});

test('octets after the table are refused', () => {
  assert.is((decode(Buffer.concat([sized(), Buffer.of(0)])) as { code: number }).code, 502);
});

/** `depth` tables inside each other. */
function nested(depth: number, type: 'F' | 'A'): Buffer {
  let octets = Buffer.alloc(0);
  for (let level = 1; level < depth; level++) {
    const inner = sized(octets);
    octets = Buffer.concat([Buffer.from(type === 'F' ? '\x01aF' : 'A', 'latin1'), inner]);
  }
  return type === 'F' ? sized(octets) : sized('\x01aA', sized(octets));
}

test('S4: nesting is bounded', () => {
  assert.instance(decode(nested(TABLE_DEPTH_MAX, 'F')), Map);
  assert.is(decode(nested(TABLE_DEPTH_MAX + 1, 'F')), TOO_DEEP);
  assert.instance(decode(nested(TABLE_DEPTH_MAX - 1, 'A')), Map);
  assert.is(decode(nested(TABLE_DEPTH_MAX, 'A')), TOO_DEEP);
  assert.is(decode(nested(10_000, 'F')), TOO_DEEP);
  assert.is(decode(nested(10_000, 'A')), TOO_DEEP);
});

test('S6: the fields of a table and the elements of an array are bounded', () => {
  const field = (index: number): string => `\x02${String.fromCharCode(index >> 8, index & 255)}V`;
  const many = (count: number): string => Array.from({ length: count }, (_, index) => field(index)).join('');
  assert.is((decode(sized(many(TABLE_FIELDS_MAX))) as FieldTable).size, TABLE_FIELDS_MAX);
  assert.is(decode(sized(many(TABLE_FIELDS_MAX + 1))), TOO_MANY_FIELDS);
  assert.instance(decode(sized('\x01aA', sized('V'.repeat(ARRAY_ELEMENTS_MAX)))), Map);
  assert.is(decode(sized('\x01aA', sized('V'.repeat(ARRAY_ELEMENTS_MAX + 1)))), TOO_MANY_ELEMENTS);
});

test('unknown types and numbers that are not finite are refused', () => {
  assert.is(decode(sized('\x01aZ')), UNKNOWN_TYPE);
  assert.is(decode(sized('\x01a\0')), UNKNOWN_TYPE);
  assert.is(decode(sized('\x01af\x7f\xc0\0\0')), NOT_FINITE);
  assert.is(decode(sized('\x01ad\x7f\xf0\0\0\0\0\0\0')), NOT_FINITE);
});

test('values do not look into the buffer they came from', () => {
  const octets = sized('\x01aS\0\0\0\x01z');
  const decoded = fields(octets);
  octets.fill(0);
  assert.equal(decoded, [['a', { type: 'S', value: Uint8Array.of(122) }]]);
});

test('fields without a size in front are read as AMQPLAIN sends them', () => {
  const octets = Buffer.from('\x05LOGINS\0\0\0\x01u', 'latin1');
  assert.equal(decodeFields(octets, 0, octets.length), new Map([['LOGIN', { type: 'S', value: Uint8Array.of(117) }]]));
});

test('a name of 256 octets is our fault', () => {
  assert.throws(() => encodeTable(new Map([['a'.repeat(256), { type: 'V' }]])), /256 octets/);
  assert.not.throws(() => encodeTable(new Map([['a'.repeat(255), { type: 'V' }]])));
});

test.run();
