import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createExchange, isExchangeKind } from '../../../../src/broker/exchange/exchange-kind.ts';
import type { ExchangeKind } from '../../../../src/broker/exchange/exchange-kind.ts';
import { DefaultExchange } from '../../../../src/broker/exchange/default-exchange.ts';
import { TopicExchange } from '../../../../src/broker/exchange/topic-exchange.ts';
import { normalWords } from '../../../../src/broker/exchange/topic-pattern.ts';
import { NO_PROPERTIES } from '../../../../src/broker/exchange/exchange.ts';
import type { Exchange } from '../../../../src/broker/exchange/exchange.ts';
import { EMPTY_TABLE } from '../../../../src/broker/field-table.ts';
import type { FieldTable, FieldValue } from '../../../../src/broker/field-table.ts';

const longstr = (text: string): FieldValue => ({ type: 'S', value: Buffer.from(text) });
const tableOf = (fields: Record<string, FieldValue>): FieldTable => new Map(Object.entries(fields));

/** The name means nothing to the kinds of exchange that are tested here. */
const TO_Q = { destinationKind: 'queue', destination: 'q' } as const;

/** What the exchange finds, sorted, each destination as often as it was found. */
function found(exchange: Exchange<string>, routingKey: string, headers?: FieldTable): string[] {
  const destinations: string[] = [];
  exchange.route(routingKey, headers === undefined ? NO_PROPERTIES : { headers }, { add: (destination) => void destinations.push(destination), chance: () => 0 });
  return destinations.sort();
}

function bound(kind: ExchangeKind, keys: Record<string, string>): Exchange<string> {
  const exchange = createExchange<string>(kind);
  for (const [destination, routingKey] of Object.entries(keys)) exchange.bind({ ...TO_Q, routingKey, arguments: EMPTY_TABLE }, destination);
  return exchange;
}

const kinds = suite('exchange kinds');

kinds('only four types are known', () => {
  for (const type of ['direct', 'fanout', 'topic', 'headers']) assert.ok(isExchangeKind(type));
  for (const type of ['x-jms-topic', '', 'Direct', '__proto__', 'constructor', 'toString']) assert.not.ok(isExchangeKind(type));
});

kinds('direct matches the whole key', () => {
  const exchange = bound('direct', { a: 'k', b: 'k', c: 'k2' });
  assert.equal(found(exchange, 'k'), ['a', 'b']);
  assert.equal(found(exchange, 'K'), []);
  exchange.unbind({ ...TO_Q, routingKey: 'k', arguments: EMPTY_TABLE }, 'a');
  assert.equal(found(exchange, 'k'), ['b']);
});

kinds('names of object properties are ordinary keys', () => {
  const exchange = bound('direct', { a: '__proto__', b: 'constructor' });
  assert.equal(found(exchange, '__proto__'), ['a']);
  assert.equal(found(exchange, 'constructor'), ['b']);
  assert.equal(found(exchange, 'toString'), []);
});

kinds('a destination bound twice stays until both bindings are gone', () => {
  const exchange = createExchange<string>('direct');
  const terms = { ...TO_Q, routingKey: 'k', arguments: EMPTY_TABLE };
  const other = { ...TO_Q, routingKey: 'k', arguments: tableOf({ x: longstr('1') }) };
  exchange.bind(terms, 'q');
  exchange.bind(other, 'q');
  assert.equal(found(exchange, 'k'), ['q']);
  exchange.unbind(other, 'q');
  assert.equal(found(exchange, 'k'), ['q']);
  exchange.unbind(terms, 'q');
  assert.equal(found(exchange, 'k'), []);
});

kinds('fanout ignores the key and survives many destinations coming and going', () => {
  const exchange = createExchange<string>('fanout');
  const terms = { ...TO_Q, routingKey: '', arguments: EMPTY_TABLE };
  const names = Array.from({ length: 100 }, (_, index) => `q${String(index).padStart(3, '0')}`);
  for (const name of names) exchange.bind(terms, name);
  assert.equal(found(exchange, 'anything'), names);
  for (const name of names.slice(0, 60)) exchange.unbind(terms, name);
  assert.equal(found(exchange, ''), names.slice(60));
  for (const name of names.slice(60)) exchange.unbind(terms, name);
  assert.equal(found(exchange, ''), []);
});

kinds('the default exchange reads the queues by name', () => {
  const queues = new Map([['q', 'q']]);
  const exchange = new DefaultExchange(queues);
  assert.equal(found(exchange, 'q'), ['q']);
  queues.delete('q');
  assert.equal(found(exchange, 'q'), []);
  assert.throws(() => exchange.bind(), /assertion failed/);
});

kinds.run();

const topic = suite('topic exchange');

topic('star is one word, hash any number', () => {
  const exchange = bound('topic', { exact: 'a.b.c', star: 'a.*.c', hash: 'a.#', all: '#', one: '*', tail: '#.c' });
  assert.equal(found(exchange, 'a.b.c'), ['all', 'exact', 'hash', 'star', 'tail']);
  assert.equal(found(exchange, 'a'), ['all', 'hash', 'one']);
  assert.equal(found(exchange, 'c'), ['all', 'one', 'tail']);
  assert.equal(found(exchange, 'a..c'), ['all', 'hash', 'star', 'tail']);
});

topic('the empty key has no word, a dot makes two empty ones', () => {
  const exchange = bound('topic', { empty: '', all: '#', one: '*', two: '*.*', dot: '.' });
  assert.equal(found(exchange, ''), ['all', 'empty']);
  assert.equal(found(exchange, '.'), ['all', 'dot', 'two']);
});

topic('wildcards in a routing key are plain words', () => {
  const exchange = bound('topic', { a: 'a.b', star: 'a.*' });
  assert.equal(found(exchange, 'a.*'), ['star']);
  assert.equal(found(exchange, 'a.#'), ['star']);
});

topic('runs of wildcards have one normal form', () => {
  assert.equal(normalWords('#.#'), ['#']);
  assert.equal(normalWords('#.*.#.*'), ['*', '*', '#']);
  assert.equal(normalWords('a.#.#.b.*'), ['a', '#', 'b', '*']);
  assert.equal(normalWords(''), []);
  assert.equal(normalWords('.'), ['', '']);
});

topic('patterns of one normal form are bound and unbound apart', () => {
  const exchange = bound('topic', { a: '#.*', b: '*.#' });
  assert.equal(found(exchange, 'x'), ['a', 'b']);
  exchange.unbind({ ...TO_Q, routingKey: '#.*', arguments: EMPTY_TABLE }, 'a');
  assert.equal(found(exchange, 'x'), ['b']);
});

topic('unbinding a pattern that is not there is a broken invariant', () => {
  const exchange = bound('topic', { a: 'a.b' });
  assert.throws(() => exchange.unbind({ ...TO_Q, routingKey: 'a.c', arguments: EMPTY_TABLE }, 'a'), /assertion failed/);
});

topic('hostile patterns cost words times nodes, not more', () => {
  const exchange = new TopicExchange<string>();
  const terms = (routingKey: string) => ({ ...TO_Q, routingKey, arguments: EMPTY_TABLE });
  for (let index = 0; index < 10_000; index++) exchange.bind(terms(`#.w${index % 100}.#.x${index}.#`), `q${index}`);
  exchange.bind(terms(Array.from({ length: 60 }, () => '#').join('.')), 'hashes');
  exchange.bind(terms(Array.from({ length: 60 }, () => '#.a').join('.')), 'ladder');
  const words = 60;
  assert.equal(found(exchange, Array.from({ length: words }, () => 'a').join('.')), ['hashes', 'ladder']);
  // The ladder alone is 120 nodes, each entered at most twice a word; the 10,000 others never get past their first word.
  assert.ok(exchange.work < words * 120 * 3, `${exchange.work} nodes were visited`);
});

topic.run();

const headers = suite('headers exchange');

function matches(args: Record<string, FieldValue>, sent: Record<string, FieldValue> | undefined): boolean {
  const exchange = createExchange<string>('headers');
  exchange.bind({ ...TO_Q, routingKey: '', arguments: tableOf(args) }, 'q');
  assert.ok(exchange.dependsOnMore);
  return found(exchange, 'ignored', sent === undefined ? undefined : tableOf(sent)).length === 1;
}

headers('all is the default, any needs one', () => {
  const wanted = { a: longstr('1'), b: longstr('2') };
  assert.ok(matches(wanted, { a: longstr('1'), b: longstr('2'), c: longstr('3') }));
  assert.not.ok(matches(wanted, { a: longstr('1') }));
  assert.not.ok(matches(wanted, undefined));
  assert.ok(matches({ ...wanted, 'x-match': longstr('any') }, { b: longstr('2') }));
  assert.not.ok(matches({ ...wanted, 'x-match': longstr('any') }, { b: longstr('1') }));
  assert.not.ok(matches({ ...wanted, 'x-match': longstr('any') }, undefined));
});

headers('all of nothing matches, any of nothing does not', () => {
  assert.ok(matches({}, undefined));
  assert.not.ok(matches({ 'x-match': longstr('any') }, { a: longstr('1') }));
});

headers('names with x- count only with -with-x', () => {
  assert.ok(matches({ 'x-a': longstr('1') }, {}));
  assert.not.ok(matches({ 'x-match': longstr('all-with-x'), 'x-a': longstr('1') }, {}));
  assert.ok(matches({ 'x-match': longstr('any-with-x'), 'x-a': longstr('1') }, { 'x-a': longstr('1') }));
});

headers('a void argument asks for presence', () => {
  assert.ok(matches({ a: { type: 'V' } }, { a: longstr('anything') }));
  assert.not.ok(matches({ a: { type: 'V' } }, { b: longstr('anything') }));
});

headers('numbers compare by value, a number is not its digits', () => {
  assert.ok(matches({ a: { type: 'I', value: 1 } }, { a: { type: 'l', value: 1n } }));
  assert.not.ok(matches({ a: { type: 'I', value: 1 } }, { a: longstr('1') }));
  assert.not.ok(matches({ a: { type: 'I', value: 1 } }, { a: { type: 't', value: true } }));
});

headers('a wrong x-match is refused in the words of RabbitMQ', () => {
  const exchange = createExchange<string>('headers');
  assert.equal(exchange.validate({ ...TO_Q, routingKey: '', arguments: tableOf({ 'x-match': longstr('some') }) }), {
    code: 406,
    text: 'PRECONDITION_FAILED - Invalid x-match field value <<"some">>; expected all, any, all-with-x, or any-with-x',
  });
  assert.equal(exchange.validate({ ...TO_Q, routingKey: '', arguments: tableOf({ 'x-match': { type: 'I', value: 3 } }) }), {
    code: 406,
    text: 'PRECONDITION_FAILED - Invalid x-match field type signedint (value 3); expected longstr',
  });
  assert.is(exchange.validate({ ...TO_Q, routingKey: '', arguments: tableOf({ 'x-match': longstr('any-with-x') }) }), undefined);
});

headers('dependsOnMore ends with the last binding', () => {
  const exchange = createExchange<string>('headers');
  const terms = { ...TO_Q, routingKey: '', arguments: tableOf({ a: longstr('1') }) };
  assert.not.ok(exchange.dependsOnMore);
  exchange.bind(terms, 'q');
  exchange.unbind(terms, 'q');
  assert.not.ok(exchange.dependsOnMore);
});

headers.run();
