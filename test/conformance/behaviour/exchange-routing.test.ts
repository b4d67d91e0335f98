/** Who gets a message: every exchange type, bindings between exchanges, alternate exchanges, CC and BCC. */
import * as assert from 'uvu/assert';
import { conversation } from '../../support/conversation.ts';
import type { Scene } from '../../support/conversation.ts';
import { freshName } from '../../support/fresh-name.ts';
import type { RawProperties } from '../../support/raw-properties.ts';
import { table } from '../../support/raw-table.ts';
import type { RawValue } from '../../support/raw-table.ts';

const { test, run } = conversation('exchange routing');

/** Whether a message with this key or these properties is routed at all: an unroutable mandatory one comes back before its ack. */
async function routed({ channel }: Scene, exchange: string, routingKey: string, properties: RawProperties = {}): Promise<boolean> {
  channel.publish({ exchange, routingKey, mandatory: true }, 'probe', properties);
  const answer = await channel.inbox.take('a return or an ack');
  if (answer.name === 'basic.return') await channel.expect('basic.ack');
  return answer.name === 'basic.ack';
}

async function bound(scene: Scene, exchange: string, routingKey: string, bindingArguments?: Buffer): Promise<string> {
  const queue = await scene.channel.queue(freshName('bound'));
  await scene.channel.call('queue.bind', { queue, exchange, routingKey, ...(bindingArguments && { arguments: bindingArguments }) });
  return queue;
}

const TOPICS: readonly (readonly [pattern: string, matching: readonly string[], others: readonly string[]])[] = [
  ['a.b', ['a.b'], ['a', 'a.b.c', 'a.B', '']],
  // An empty key has no word at all, where 'a.' has two.
  ['', [''], ['a', '.']],
  ['*', ['a'], ['', 'a.b', '.']],
  ['#', ['a', '', 'a.b', '..'], []],
  ['a.*', ['a.b', 'a.'], ['a', 'a.b.c', 'b.a']],
  ['*.b', ['a.b', '.b'], ['b', 'a.a.b']],
  ['a.#', ['a', 'a.b', 'a.b.c', 'a.'], ['b', 'ab']],
  ['#.b', ['b', 'a.b', 'a.a.b'], ['b.a', 'ab']],
  ['a.#.b', ['a.b', 'a.x.b', 'a.x.y.b', 'a.b.b'], ['a', 'b', 'a.b.c']],
  ['#.x.#', ['x', 'a.x', 'x.a', 'a.x.b'], ['a', 'xx']],
  ['*.#', ['a', 'a.b', '.'], ['']],
  ['a..b', ['a..b'], ['a.b', 'a.x.b']],
  ['a*', ['a*'], ['ab', 'a']],
];

for (const [pattern, matching, others] of TOPICS) {
  test(`topic ${pattern}`, async (scene) => {
    await scene.channel.call('confirm.select');
    const exchange = await scene.exchange('topic');
    await bound(scene, exchange, pattern);
    for (const key of matching) assert.ok(await routed(scene, exchange, key), `'${key}' matches`);
    for (const key of others) assert.not.ok(await routed(scene, exchange, key), `'${key}' does not match`);
  });
}

type HeaderRow = readonly [title: string, binding: Record<string, RawValue>, headers: Record<string, RawValue> | undefined, match: boolean];

const HEADERS: readonly HeaderRow[] = [
  ['all, all there', { 'x-match': ['S', 'all'], a: ['S', '1'], b: ['I', 2] }, { a: ['S', '1'], b: ['I', 2], c: ['t', true] }, true],
  ['all, one missing', { 'x-match': ['S', 'all'], a: ['S', '1'], b: ['I', 2] }, { a: ['S', '1'] }, false],
  ['all is the default', { a: ['S', '1'], b: ['S', '2'] }, { a: ['S', '1'] }, false],
  ['any, one there', { 'x-match': ['S', 'any'], a: ['S', '1'], b: ['S', '2'] }, { b: ['S', '2'] }, true],
  ['any, none there', { 'x-match': ['S', 'any'], a: ['S', '1'] }, { a: ['S', '2'] }, false],
  ['no headers at all', { 'x-match': ['S', 'all'], a: ['S', '1'] }, undefined, false],
  ['no conditions, all', { 'x-match': ['S', 'all'] }, undefined, true],
  ['no conditions, any', { 'x-match': ['S', 'any'] }, { a: ['S', '1'] }, false],
  ['void asks for presence', { 'x-match': ['S', 'all'], a: ['V'] }, { a: ['S', 'whatever'] }, true],
  ['void asks for presence, absent', { 'x-match': ['S', 'all'], a: ['V'] }, { b: ['S', 'x'] }, false],
  ['keys with x- do not count', { 'x-match': ['S', 'all'], 'x-a': ['S', '1'] }, { b: ['S', '1'] }, true],
  ['integers of another width are equal', { 'x-match': ['S', 'all'], a: ['I', 1] }, { a: ['l', 1n] }, true],
  ['text is not a number', { 'x-match': ['S', 'all'], a: ['S', '1'] }, { a: ['I', 1] }, false],
];

for (const [title, binding, headers, match] of HEADERS) {
  test(`headers: ${title}`, async (scene) => {
    await scene.channel.call('confirm.select');
    const exchange = await scene.exchange('headers');
    await bound(scene, exchange, '', table(binding));
    const properties = headers === undefined ? {} : { headers: table(headers) };
    assert.is(await routed(scene, exchange, 'ignored', properties), match);
  });
}

test('an unknown x-match is refused', async (scene) => {
  const { channel } = scene;
  const exchange = await scene.exchange('headers');
  const queue = await channel.queue(freshName('bound'));
  channel.send('queue.bind', { queue, exchange, arguments: table({ 'x-match': ['S', 'some'] }) });
  const refusal = await channel.refused();
  assert.is(refusal.code, 406);
  // The list of what is expected grew with the releases.
  assert.match(refusal.text, /^PRECONDITION_FAILED - Invalid x-match field value "?<*"?some/);
});

test('direct compares the whole key, fanout none', async (scene) => {
  await scene.channel.call('confirm.select');
  const direct = await scene.exchange('direct');
  await bound(scene, direct, 'Key');
  assert.ok(await routed(scene, direct, 'Key'));
  for (const key of ['key', 'Key ', '', 'Key.x']) assert.not.ok(await routed(scene, direct, key));
  const fanout = await scene.exchange('fanout');
  await bound(scene, fanout, 'some key');
  assert.ok(await routed(scene, fanout, 'another'));
});

test('a queue bound twice gets one copy', async (scene) => {
  const exchange = await scene.exchange('topic');
  const queue = await bound(scene, exchange, 'a.*');
  await scene.channel.call('queue.bind', { queue, exchange, routingKey: '#' });
  scene.channel.publish({ exchange, routingKey: 'a.b' }, 'once');
  assert.equal(await scene.channel.drain(queue), ['once']);
});

test('exchanges bound in a ring deliver one copy each', async (scene) => {
  const { channel } = scene;
  const ring = [await scene.exchange('fanout'), await scene.exchange('fanout'), await scene.exchange('fanout')] as const;
  const queues: string[] = [];
  for (const [place, source] of ring.entries()) {
    queues.push(await bound(scene, source, ''));
    await channel.call('exchange.bind', { source, destination: ring[(place + 1) % ring.length] ?? '' });
  }
  channel.publish({ exchange: ring[0], routingKey: 'k' }, 'round');
  for (const queue of queues) assert.equal(await scene.channel.drain(queue), ['round']);
});

test('a message through bound exchanges keeps the name of the first', async (scene) => {
  const source = await scene.exchange('direct');
  const destination = await scene.exchange('topic');
  await scene.channel.call('exchange.bind', { source, destination, routingKey: 'in.x' });
  const queue = await bound(scene, destination, 'in.*');
  scene.channel.publish({ exchange: source, routingKey: 'in.x' }, 'hop');
  assert.is((await scene.channel.get(queue)).fields.exchange, source);
  await scene.channel.call('exchange.unbind', { source, destination, routingKey: 'in.x' });
  scene.channel.publish({ exchange: source, routingKey: 'in.x', mandatory: true }, 'stop');
  assert.is((await scene.channel.expectContent('basic.return')).text, 'stop');
});

test('what is not routed goes to the alternate exchange, and counts as routed', async (scene) => {
  await scene.channel.call('confirm.select');
  const last = await scene.exchange('fanout');
  const middle = await scene.exchange('direct', { arguments: table({ 'alternate-exchange': ['S', last] }) });
  const first = await scene.exchange('direct', { arguments: table({ 'alternate-exchange': ['S', middle] }) });
  const known = await bound(scene, first, 'known');
  const rest = await bound(scene, last, '');
  assert.ok(await routed(scene, first, 'known'));
  assert.ok(await routed(scene, first, 'unknown'));
  assert.equal(await scene.channel.drain(known), ['probe']);
  assert.equal(await scene.channel.drain(rest), ['probe']);
});

test('alternate exchanges in a ring end', async (scene) => {
  await scene.channel.call('confirm.select');
  const first = freshName('direct');
  const second = await scene.exchange('direct', { arguments: table({ 'alternate-exchange': ['S', first] }) });
  await scene.channel.call('exchange.declare', {
    exchange: first,
    type: 'direct',
    arguments: table({ 'alternate-exchange': ['S', second] }),
  });
  assert.not.ok(await routed(scene, first, 'nowhere'));
  await scene.channel.call('exchange.delete', { exchange: first });
});

test('a missing alternate exchange is as none', async (scene) => {
  await scene.channel.call('confirm.select');
  const exchange = await scene.exchange('direct', { arguments: table({ 'alternate-exchange': ['S', freshName('missing')] }) });
  assert.not.ok(await routed(scene, exchange, 'nowhere'));
});

test('CC adds keys and is kept, BCC adds keys and is removed, a queue gets one copy', async (scene) => {
  const { channel } = scene;
  const [to, copy, blind] = [await channel.queue(freshName('to')), await channel.queue(freshName('cc')), await channel.queue(freshName('bcc'))];
  const copies: Record<string, RawValue> = {
    CC: ['A', [['S', copy], ['S', to], ['S', copy]]],
    BCC: ['A', [['S', blind]]],
  };
  channel.publish({ routingKey: to }, 'all', { headers: table({ ...copies, other: ['I', 1] }) });
  for (const queue of [to, copy, blind]) {
    const { properties, fields, text } = await channel.get(queue);
    assert.is(text, 'all');
    assert.is(fields.routingKey, to);
    assert.is(fields.messageCount, 0);
    assert.equal(properties.headers, table({ CC: copies['CC'] ?? ['V'], other: ['I', 1] }));
  }
});

test('CC routes in every exchange', async (scene) => {
  const exchange = await scene.exchange('topic');
  const queue = await bound(scene, exchange, 'copy.#');
  const headers = table({ CC: ['A', [['S', 'copy.of.it']]] });
  scene.channel.publish({ exchange, routingKey: 'unmatched' }, 'cc', { headers });
  assert.is((await scene.channel.get(queue)).fields.routingKey, 'unmatched');
});

run();
