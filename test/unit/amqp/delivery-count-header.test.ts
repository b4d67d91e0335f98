/** The header that says how often a message came back: among whatever else stands in a content header. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { validateHeader } from '../../../src/amqp/content-header.ts';
import { DELIVERY_COUNT_SIZE_MAX, withDeliveryCount } from '../../../src/amqp/delivery-count-header.ts';
import { long, longlong, short } from '../../support/raw-bytes.ts';
import { type RawProperties, decodeProperties, encodeProperties } from '../../support/raw-properties.ts';
import { type RawValue, table } from '../../support/raw-table.ts';

const counting = suite('delivery count header');

const text = fc.string({ maxLength: 20 });
const value = fc.oneof<fc.Arbitrary<RawValue>[]>(
  fc.constant(['V'] as const),
  text.map((each) => ['S', each] as const),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((each) => ['l', each] as const),
  fc.constant(['F', { inner: ['A', [['t', true], ['x', Buffer.alloc(9)]]] }] as const),
);
const properties = fc.record<RawProperties>(
  {
    contentType: text,
    contentEncoding: text,
    headers: fc.dictionary(fc.string({ minLength: 1, maxLength: 10 }), value, { maxKeys: 4, noNullPrototype: true }).map(table),
    deliveryMode: fc.constantFrom(1, 2),
    correlationId: text,
    timestamp: fc.nat(),
    appId: text,
  },
  { requiredKeys: [] },
);

function payloadOf(given: RawProperties): Buffer {
  return Buffer.concat([short(60), short(0), longlong(5), encodeProperties(given)]);
}

const COUNT = (count: number): Buffer => table({ 'x-delivery-count': ['l', BigInt(count)] });

counting('stands behind the other headers, and everything else stays', () => {
  fc.assert(
    fc.property(properties, fc.integer({ min: 1, max: 2 ** 31 }), fc.nat(9), (given, count, offset) => {
      const payload = payloadOf(given);
      const buffer = Buffer.concat([Buffer.alloc(offset, 0xaa), payload, Buffer.alloc(3, 0xbb)]);
      const copy = withDeliveryCount(buffer, offset, offset + payload.length, count);
      assert.is(validateHeader(copy, 0, copy.length), undefined);
      assert.equal(copy.subarray(0, 12), payload.subarray(0, 12));
      const expected = { ...given, headers: Buffer.concat([given.headers ?? Buffer.alloc(0), COUNT(count)]) };
      assert.equal(decodeProperties(copy.subarray(12)), expected);
      assert.ok(copy.length <= payload.length + DELIVERY_COUNT_SIZE_MAX);
      assert.equal(buffer.subarray(offset, offset + payload.length), payload, 'the original stays');
    }),
    { numRuns: 500, includeErrorInReport: true },
  );
});

counting('takes the place of one that was there', () => {
  const before = table({ a: ['S', 'x'] });
  const after = table({ 'x-delivery-counter': ['I', 1] });
  for (const own of [COUNT(700), table({ 'x-delivery-count': ['F', { deep: ['S', 'y'] }] })]) {
    const payload = payloadOf({ headers: Buffer.concat([before, own, after, own]), type: 't' });
    const copy = withDeliveryCount(payload, 0, payload.length, 3);
    assert.equal(decodeProperties(copy.subarray(12)), { headers: Buffer.concat([before, after, COUNT(3)]), type: 't' });
  }
});

counting('says the size of the table', () => {
  const payload = payloadOf({});
  const copy = withDeliveryCount(payload, 0, payload.length, 1);
  assert.equal(copy.subarray(12), Buffer.concat([short(0x2000), long(COUNT(1).length), COUNT(1)]));
});

counting.run();
