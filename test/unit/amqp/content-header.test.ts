import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FieldTable } from '../../../src/broker/field-table.ts';
import { decodeProperties, encodeHeaderFrame, isRefusedHeader, replaceProperties, type BasicProperties } from '../../../src/amqp/basic-properties.ts';
import {
  ABSENT,
  CONTENT_HEADER_FIXED_SIZE,
  contentBodySize,
  contentClassId,
  contentWeight,
  deliveryMode,
  expirationOffset,
  headersOffset,
  MALFORMED,
  priority,
  PropertyFlag,
  propertyFlags,
  propertyOffset,
  replyToOffset,
  userIdOffset,
  validateHeader,
} from '../../../src/amqp/content-header.ts';
import { TOO_DEEP } from '../../../src/amqp/field-table-codec.ts';
import { TRUNCATED } from '../../../src/amqp/wire-reader.ts';

const test = suite('content header');

const FULL: BasicProperties = {
  contentType: 'text/plain',
  contentEncoding: 'utf-8',
  headers: new Map([['x-retry', { type: 'I', value: 3 }]]),
  deliveryMode: 2,
  priority: 7,
  correlationId: 'c-1',
  replyTo: 'amq.rabbitmq.reply-to',
  expiration: '60000',
  messageId: 'm-1',
  timestamp: 2n ** 64n - 1n,
  type: 't',
  userId: 'guest',
  appId: 'a',
  clusterId: '',
};

/** The payload alone, moved to the middle of a larger buffer so that absolute and relative offsets differ. */
function payload(bodySize: number, properties: BasicProperties): { buffer: Buffer; offset: number; end: number } {
  const frame = encodeHeaderFrame(1, bodySize, properties);
  return { buffer: Buffer.concat([frame, frame.subarray(7)]), offset: frame.length, end: frame.length * 2 - 8 };
}

function shortstrAt(buffer: Buffer, offset: number): string {
  return buffer.toString('utf8', offset + 1, offset + 1 + buffer[offset]!);
}

test('the scanners find what was written', () => {
  const { buffer, offset, end } = payload(2 ** 40 + 1, FULL);
  assert.is(contentClassId(buffer, offset, end), 60);
  assert.is(contentWeight(buffer, offset), 0);
  assert.is(contentBodySize(buffer, offset), 2 ** 40 + 1);
  assert.is(propertyFlags(buffer, offset), 0xfffc);
  assert.is(deliveryMode(buffer, offset, end), 2);
  assert.is(priority(buffer, offset, end), 7);
  assert.is(shortstrAt(buffer, expirationOffset(buffer, offset, end)), '60000');
  assert.is(shortstrAt(buffer, replyToOffset(buffer, offset, end)), 'amq.rabbitmq.reply-to');
  assert.is(shortstrAt(buffer, userIdOffset(buffer, offset, end)), 'guest');
  assert.is(shortstrAt(buffer, propertyOffset(buffer, offset, end, PropertyFlag.contentType)), 'text/plain');
  assert.is(buffer[propertyOffset(buffer, offset, end, PropertyFlag.clusterId)], 0);
  const headers = headersOffset(buffer, offset, end);
  assert.is(shortstrAt(buffer, headers + 4), 'x-retry');
  assert.is(validateHeader(buffer, offset, end), undefined);
  assert.equal(decodeProperties(buffer, offset, end), FULL);
});

test('a property that is not set is absent', () => {
  const { buffer, offset, end } = payload(0, { deliveryMode: 1 });
  assert.is(end - offset, CONTENT_HEADER_FIXED_SIZE + 1);
  assert.is(deliveryMode(buffer, offset, end), 1);
  for (const scan of [priority, headersOffset, expirationOffset, replyToOffset, userIdOffset]) assert.is(scan(buffer, offset, end), ABSENT);
  assert.is(validateHeader(buffer, offset, end), undefined);
});

test('each single property is set by its own flag', () => {
  for (const name of Object.keys(FULL) as (keyof BasicProperties)[]) {
    const { buffer, offset, end } = payload(1, { [name]: FULL[name] });
    assert.is(propertyFlags(buffer, offset), PropertyFlag[name], name);
    assert.is(propertyOffset(buffer, offset, end, PropertyFlag[name]), offset + CONTENT_HEADER_FIXED_SIZE, name);
    assert.equal(decodeProperties(buffer, offset, end), { [name]: FULL[name] }, name);
  }
});

test('a header cut short at any place is refused', () => {
  const { buffer, offset, end } = payload(1, FULL);
  for (let cut = offset; cut < end; cut++) {
    assert.is(validateHeader(buffer, offset, cut), TRUNCATED, `cut to ${cut - offset}`);
    assert.is(propertyOffset(buffer, offset, cut, PropertyFlag.clusterId), MALFORMED);
    const properties = decodeProperties(buffer, offset, cut);
    assert.ok(isRefusedHeader(properties));
  }
  assert.is(contentClassId(buffer, offset, offset + 13), MALFORMED);
});

test('octets after the last property and more flags than there are properties are refused', () => {
  const { buffer, offset, end } = payload(1, { deliveryMode: 2 });
  assert.is(validateHeader(buffer, offset, end + 1)?.code, 502);
  buffer.writeUInt16BE(PropertyFlag.deliveryMode | 1, offset + 12);
  assert.is(validateHeader(buffer, offset, end)?.code, 502);
});

test('S1: a body size beyond exact numbers is malformed, one below is read', () => {
  const { buffer, offset } = payload(0, {});
  buffer.writeBigUInt64BE(2n ** 53n - 1n, offset + 4);
  assert.is(contentBodySize(buffer, offset), 2 ** 53 - 1);
  buffer.writeBigUInt64BE(2n ** 53n, offset + 4);
  assert.is(contentBodySize(buffer, offset), MALFORMED);
  buffer.writeBigUInt64BE(2n ** 64n - 1n, offset + 4);
  assert.is(contentBodySize(buffer, offset), MALFORMED);
});

test('S5: a table of headers that claims 2^32-1 octets ends nowhere', () => {
  const { buffer, offset, end } = payload(0, { headers: new Map(), priority: 1 });
  buffer.writeUInt32BE(0xffffffff, offset + 14);
  assert.is(validateHeader(buffer, offset, end), TRUNCATED);
  assert.is(headersOffset(buffer, offset, end), MALFORMED);
  assert.is(priority(buffer, offset, end), MALFORMED);
});

test('S23: headers that cannot be decoded later are refused at once', () => {
  let table: FieldTable = new Map();
  for (let level = 0; level < 32; level++) table = new Map([['a', { type: 'F', value: table }]]);
  const { buffer, offset, end } = payload(0, { headers: table });
  assert.is(validateHeader(buffer, offset, end), TOO_DEEP);
});

test('octets that are not UTF-8 in a property are kept', () => {
  const { buffer, offset, end } = payload(0, { correlationId: 'abc' });
  buffer.set([0xff, 0xfe, 0x00], offset + 15);
  const properties = decodeProperties(buffer, offset, end) as BasicProperties;
  assert.ok(encodeHeaderFrame(1, 0, properties).subarray(7, -1).equals(buffer.subarray(offset, end)));
});

test('other properties, same body size', () => {
  const { buffer, offset, end } = payload(12345, FULL);
  const replaced = replaceProperties(buffer.subarray(offset, end), { priority: 1 });
  assert.is(contentBodySize(replaced, 0), 12345);
  assert.equal(decodeProperties(replaced, 0, replaced.length), { priority: 1 });
});

test.run();
