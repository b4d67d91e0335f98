/** Properties and headers come out byte for byte as they went in. */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import { freshName } from '../../support/fresh-name.ts';
import { encodeProperties } from '../../support/raw-properties.ts';
import type { RawProperties } from '../../support/raw-properties.ts';
import { table } from '../../support/raw-table.ts';
import type { RawValue } from '../../support/raw-table.ts';

const { test, run } = conversation('properties');

const PROPERTIES: readonly (readonly [title: string, properties: RawProperties])[] = [
  ['none', {}],
  ['content type and encoding', { contentType: 'application/json', contentEncoding: 'gzip' }],
  ['transient', { deliveryMode: 1 }],
  ['persistent', { deliveryMode: 2 }],
  ['priority', { priority: 9 }],
  ['the highest priority', { priority: 255 }],
  ['request and reply', { correlationId: 'c', replyTo: 'somewhere' }],
  ['expiration', { expiration: '60000' }],
  ['names', { messageId: 'm', type: 't', appId: 'a', clusterId: 'cluster' }],
  ["the user's own name", { userId: 'guest' }],
  ['time', { timestamp: 1_700_000_000 }],
  ['empty texts', { contentType: '', messageId: '', appId: '' }],
  ['empty headers', { headers: Buffer.alloc(0) }],
  ['texts of 255 bytes', { messageId: 'ž'.repeat(127) + 'x', correlationId: 'x'.repeat(255) }],
  [
    'all',
    {
      contentType: 'text/plain',
      contentEncoding: 'utf-8',
      headers: table({ a: ['S', 'b'] }),
      deliveryMode: 2,
      priority: 4,
      correlationId: 'c',
      replyTo: 'r',
      expiration: '100000',
      messageId: 'm',
      timestamp: 1,
      type: 't',
      userId: 'guest',
      appId: 'a',
      clusterId: 'x',
    },
  ],
];

const HEADERS: readonly (readonly [title: string, headers: Record<string, RawValue>])[] = [
  ['boolean', { yes: ['t', true], no: ['t', false] }],
  ['8 bits', { b: ['b', -128], B: ['B', 255] }],
  ['16 bits', { s: ['s', -32_768], u: ['u', 65_535] }],
  ['32 bits', { I: ['I', -2_147_483_648], i: ['i', 4_294_967_295] }],
  ['64 bits', { l: ['l', -9_223_372_036_854_775_808n], small: ['l', 1n] }],
  ['float and double', { f: ['f', 0.5], d: ['d', Math.PI], negative: ['d', -0] }],
  ['decimal', { D: ['D', 2, 12_345] }],
  ['long string', { S: ['S', 'žluťoučký 兎'], empty: ['S', ''], nul: ['S', '\0'] }],
  ['byte array', { x: ['x', Buffer.from([0, 255, 206, 10])] }],
  ['time', { T: ['T', 1_700_000_000n] }],
  ['void', { V: ['V'] }],
  ['array', { A: ['A', [['I', 1], ['S', 'two'], ['A', [['V']]], ['F', { n: ['t', true] }]]], none: ['A', []] }],
  ['table', { F: ['F', { inner: ['F', { deep: ['l', 5n] }], e: ['F', {}] }] }],
  ['the order of names', { z: ['I', 1], a: ['I', 2], m: ['I', 3] }],
  ['a long list', Object.fromEntries(Array.from({ length: 200 }, (_, n): [string, RawValue] => [`header-${n}`, ['I', n]]))],
];

const cases = [...PROPERTIES, ...HEADERS.map(([title, headers]) => [`header ${title}`, { headers: table(headers) }] as const)];

for (const [title, properties] of cases) {
  test(title, async ({ channel }) => {
    const queue = await channel.queue(freshName('properties'));
    channel.publish({ routingKey: queue }, 'x', properties);
    const got = await channel.get(queue);
    assert.equal(got.properties, properties);
    assert.is(got.header.toString('hex'), encodeProperties(properties).toString('hex'));
  });
}

test("a deliverer's header is the same as a getter's and a returned one's", async ({ channel }) => {
  const queue = await channel.queue(freshName('properties'));
  const properties: RawProperties = { headers: table({ a: ['l', 1n], b: ['A', [['V']]] }), timestamp: 5, appId: 'x' };
  await channel.consume(queue, { noAck: true });
  channel.publish({ routingKey: queue }, 'x', properties);
  assert.equal((await channel.delivery()).header, encodeProperties(properties));
  channel.publish({ routingKey: freshName('nowhere'), mandatory: true }, 'x', properties);
  assert.equal((await channel.expectContent('basic.return')).header, encodeProperties(properties));
});

run();
