/**
 * A widely used client, whose codec was generated from the specification, as a second opinion on ours: the same fields give
 * the same octets, for each method and for content headers.
 */
import { createRequire } from 'node:module';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FieldTable } from '../../../src/broker/field-table.ts';
import { isAmqpError } from '../../../src/amqp/amqp-error.ts';
import { decodeProperties, encodeHeaderFrame, isRefusedHeader } from '../../../src/amqp/basic-properties.ts';
import { contentBodySize } from '../../../src/amqp/content-header.ts';
import { decodeMethod, encodeMethodFrame, methodName } from '../../../src/amqp/method-codec.ts';
import { methodKey } from '../../../src/amqp/method-table.ts';

type ClientField = { readonly type: string; readonly name: string };
type ClientMethod = { readonly id: number; readonly classId?: number; readonly methodId: number; readonly args: readonly ClientField[] };
type ClientCodec = {
  encodeMethod(id: number, channel: number, fields: object): Buffer;
  encodeProperties(id: number, channel: number, size: number, fields: object): Buffer;
};
const definitions: unknown = createRequire(import.meta.url)('../../../node_modules/amqplib/lib/defs.js');
const client = definitions as ClientCodec;
/** Its descriptions stand among functions and numbers under names of their own. */
const descriptions = Object.values(definitions as Record<string, ClientMethod>).filter((entry) => entry?.args !== undefined && entry.classId !== undefined);

/** Fields that exist for reasons long gone: sent as nothing. */
const RESERVED = new Map<string, unknown>([
  ['ticket', 0], ['capabilities', ''], ['insist', false], ['knownHosts', ''], ['outOfBand', ''], ['channelId', Buffer.alloc(0)], ['clusterId', ''],
]);

const test = suite('agreement with a client');

/** Values that differ from field to field, so that two fields in the wrong order are seen. */
function valuesOf(method: ClientMethod): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  method.args.forEach((field, index) => {
    const samples: Record<string, unknown> = {
      octet: 200 + index,
      short: 60_000 + index,
      long: 4_000_000_000 + index,
      longlong: 9_000_000_000 + index,
      bit: index % 2 === 0,
      shortstr: `field-${index}-\u20ac`,
      longstr: Buffer.from(`long-${index}`),
      table: { text: 'x', number: 1, nested: { yes: true, list: [1, 'two', null] }, large: 2 ** 40, half: 0.5 },
    };
    const isReserved = RESERVED.has(field.name) && !(field.name === 'ticket' && method.classId === 30);
    values[field.name] = isReserved ? RESERVED.get(field.name) : samples[field.type];
  });
  return values;
}

test('each method has the same octets', () => {
  assert.is(descriptions.length, 66);
  for (const entry of descriptions) {
    const theirs = client.encodeMethod(entry.id, 7, valuesOf(entry));
    const method = decodeMethod(theirs, 7, theirs.length - 1);
    if (isAmqpError(method)) throw new Error(`${methodName(entry.classId ?? 0, entry.methodId)}: ${method.text}`);
    assert.is(encodeMethodFrame(7, method).toString('hex'), theirs.toString('hex'), method.name);
  }
});

test('a consume is understood field by field', () => {
  const theirs = client.encodeMethod(methodKey(60, 20), 1, {
    ticket: 0,
    queue: 'q',
    consumerTag: 'c',
    noLocal: false,
    noAck: true,
    exclusive: false,
    nowait: true,
    arguments: { 'x-priority': 5 },
  });
  const method = decodeMethod(theirs, 7, theirs.length - 1);
  assert.equal(method, {
    name: 'basic.consume',
    queue: 'q',
    consumerTag: 'c',
    noLocal: false,
    noAck: true,
    exclusive: false,
    noWait: true,
    arguments: new Map([['x-priority', { type: 'b', value: 5 }]]) as FieldTable,
  });
});

test('content headers have the same octets', () => {
  const properties = {
    contentType: 'text/plain',
    contentEncoding: 'utf-8',
    headers: { 'x-delay': 60_000, flags: [true, false], at: { '!': 'timestamp', value: 1_700_000_000 } },
    deliveryMode: 2,
    priority: 3,
    correlationId: 'corr',
    replyTo: 'reply',
    expiration: '100',
    messageId: 'id',
    timestamp: 1_700_000_000,
    type: 'kind',
    userId: 'guest',
    appId: 'app',
    clusterId: 'cluster',
  };
  for (const omitted of [undefined, ...Object.keys(properties)]) {
    const some = Object.fromEntries(Object.entries(properties).filter(([name]) => name !== omitted));
    const theirs = client.encodeProperties(60, 3, 123_456, some);
    const decoded = decodeProperties(theirs, 7, theirs.length - 1);
    if (isRefusedHeader(decoded)) throw new Error(decoded.text);
    assert.is(contentBodySize(theirs, 7), 123_456);
    assert.is(encodeHeaderFrame(3, 123_456, decoded).toString('hex'), theirs.toString('hex'), `without ${omitted}`);
  }
});

test.run();
