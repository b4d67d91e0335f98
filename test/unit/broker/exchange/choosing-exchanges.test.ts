/** Exchanges that choose one destination for each message: even shares, the same choice for the same key, few keys moved. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chanceFrom } from '../../../../src/broker/exchange/chance.ts';
import { createExchange } from '../../../../src/broker/exchange/exchange-kind.ts';
import type { ExchangeKind } from '../../../../src/broker/exchange/exchange-kind.ts';
import type { BindingTerms, Exchange, RoutingProperties } from '../../../../src/broker/exchange/exchange.ts';
import { EMPTY_TABLE } from '../../../../src/broker/field-table.ts';
import type { FieldTable } from '../../../../src/broker/field-table.ts';
import { int, longstr, tableOf } from '../../../support/topology-fixture.ts';

const KEYS = Array.from({ length: 20_000 }, (_, index) => `order.${index}`);

const terms = (destination: string, routingKey: string): BindingTerms => ({ destinationKind: 'queue', destination, routingKey, arguments: EMPTY_TABLE });

/** One exchange whose destinations are bound with these keys, in this order. */
function bound(kind: ExchangeKind, bindings: readonly (readonly [destination: string, routingKey: string])[], args?: FieldTable): Exchange<string> {
  const exchange = createExchange<string>(kind, args);
  for (const [destination, routingKey] of bindings) exchange.bind(terms(destination, routingKey), destination);
  return exchange;
}

const chance = chanceFrom(() => 42);

function chosen(exchange: Exchange<string>, routingKey: string, properties: RoutingProperties = {}): string {
  const found: string[] = [];
  exchange.route(routingKey, properties, { add: (destination) => void found.push(destination), chance });
  assert.ok(found.length < 2, 'one destination at most');
  return found[0] ?? '';
}

/** Pearson's statistic of the counts against shares in proportion to the weights. */
function chiSquare(choices: readonly string[], weights: Readonly<Record<string, number>>): number {
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  return Object.entries(weights).reduce((sum, [name, weight]) => {
    const expected = (choices.length * weight) / total;
    return sum + (choices.filter((choice) => choice === name).length - expected) ** 2 / expected;
  }, 0);
}

const choosing = suite('choosing exchanges');

choosing('a consistent hash spreads keys in proportion to weights', () => {
  const even = bound('x-consistent-hash', Array.from({ length: 10 }, (_, index) => [`q${index}`, '1'] as const));
  const weights = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`q${index}`, 1]));
  // 9 degrees of freedom: above 27.9 once in a thousand.
  assert.ok(chiSquare(KEYS.map((key) => chosen(even, key)), weights) < 27.9);
  const uneven = bound('x-consistent-hash', [['a', '1'], ['b', '2'], ['c', '007'], ['d', '+2']]);
  // 3 degrees of freedom: above 16.3 once in a thousand.
  assert.ok(chiSquare(KEYS.map((key) => chosen(uneven, key)), { a: 1, b: 2, c: 7, d: 2 }) < 16.3);
  assert.ok(chiSquare(KEYS.map((key) => chosen(uneven, key)), { a: 1, b: 1, c: 7, d: 2 }) > 16.3, 'the statistic tells other weights');
});

choosing('a destination that comes or goes moves its own keys and no others', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const exchange = bound('x-consistent-hash', names.map((name) => [name, '3'] as const));
  const before = KEYS.map((key) => chosen(exchange, key));
  exchange.unbind(terms('b', '3'), 'b');
  const without = KEYS.map((key) => chosen(exchange, key));
  for (const [index, choice] of before.entries()) if (choice !== 'b') assert.is(without[index], choice);
  assert.ok(chiSquare(without.filter((_, index) => before[index] === 'b'), { a: 1, c: 1, d: 1, e: 1 }) < 16.3, 'all others share them');
  exchange.bind(terms('b', '3'), 'b');
  assert.equal(KEYS.map((key) => chosen(exchange, key)), before, 'back as it was');
  exchange.bind(terms('f', '1'), 'f');
  const withF = KEYS.map((key) => chosen(exchange, key));
  for (const [index, choice] of withF.entries()) if (choice !== 'f') assert.is(choice, before[index]);
});

choosing('the order of bindings does not matter, the first of one destination counts', () => {
  const forth = bound('x-consistent-hash', [['a', '1'], ['b', '5'], ['c', '2']]);
  const back = bound('x-consistent-hash', [['c', '2'], ['a', '1'], ['b', '5'], ['a', '100']]);
  for (const key of KEYS) assert.is(chosen(back, key), chosen(forth, key));
  back.unbind(terms('a', '1'), 'a');
  assert.ok(chiSquare(KEYS.map((key) => chosen(back, key)), { a: 100, b: 5, c: 2 }) < 13.9);
  back.unbind(terms('a', '100'), 'a');
  assert.ok(KEYS.every((key) => chosen(back, key) !== 'a'));
  assert.throws(() => back.unbind(terms('a', '100'), 'a'), /assertion failed/);
});

choosing('a consistent hash of a header or a property', () => {
  const bindings = Array.from({ length: 4 }, (_, index) => [`q${index}`, '1'] as const);
  const byHeader = bound('x-consistent-hash', bindings, tableOf({ 'hash-header': longstr('user') }));
  assert.ok(byHeader.dependsOnMore);
  const headers = (user: string): RoutingProperties => ({ headers: tableOf({ user: longstr(user) }) });
  for (const user of ['ann', 'bob', 'cyd']) {
    assert.is(chosen(byHeader, 'x', headers(user)), chosen(byHeader, 'y', headers(user)));
  }
  assert.is(new Set(KEYS.map((key) => chosen(byHeader, '', headers(key)))).size, 4);
  assert.is(new Set(KEYS.map((key) => chosen(byHeader, key))).size, 1, 'who lacks the header goes where all go who lack it');
  const properties: Readonly<Record<string, (key: string, index: number) => RoutingProperties>> = {
    message_id: (messageId) => ({ messageId }),
    correlation_id: (correlationId) => ({ correlationId }),
    timestamp: (_key, index) => ({ timestamp: BigInt(index) }),
  };
  for (const [name, make] of Object.entries(properties)) {
    const exchange = bound('x-consistent-hash', bindings, tableOf({ 'hash-property': longstr(name) }));
    assert.ok(chiSquare(KEYS.map((key, index) => chosen(exchange, 'k', make(key, index))), { q0: 1, q1: 1, q2: 1, q3: 1 }) < 16.3, name);
    assert.is(new Set(KEYS.map((key) => chosen(exchange, key))).size, 1);
  }
  assert.not.ok(bound('x-consistent-hash', bindings).dependsOnMore, 'routing keys alone may be kept');
});

choosing('a modulus hash is even, and the same in whatever order bindings came', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const exchange = bound('x-modulus-hash', names.map((name) => [name, ''] as const));
  const back = bound('x-modulus-hash', names.toReversed().map((name) => [name, ''] as const));
  const choices = KEYS.map((key) => chosen(exchange, key));
  // 5 degrees of freedom: above 20.5 once in a thousand.
  assert.ok(chiSquare(choices, Object.fromEntries(names.map((name) => [name, 1]))) < 20.5);
  assert.equal(KEYS.map((key) => chosen(back, key)), choices);
  exchange.unbind(terms('c', ''), 'c');
  assert.is(new Set(KEYS.map((key) => chosen(exchange, key))).has('c'), false);
  assert.throws(() => exchange.unbind(terms('c', ''), 'c'), /assertion failed/);
});

for (const kind of ['x-random', 'x-local-random'] as const) {
  choosing(`${kind} draws each binding as often as any other, whatever the key`, () => {
    const exchange = bound(kind, [['a', ''], ['b', ''], ['c', '']]);
    assert.ok(exchange.dependsOnMore);
    // 2 degrees of freedom: above 13.8 once in a thousand.
    assert.ok(chiSquare(KEYS.map(() => chosen(exchange, 'k')), { a: 1, b: 1, c: 1 }) < 13.8);
    exchange.bind(terms('c', ''), 'c');
    assert.ok(chiSquare(KEYS.map(() => chosen(exchange, 'k')), { a: 1, b: 1, c: 2 }) < 13.8);
    for (const name of ['a', 'c', 'b']) exchange.unbind(terms(name, ''), name);
    assert.is(chosen(exchange, 'k'), 'c');
    assert.not.ok(exchange.dependsOnMore);
    exchange.unbind(terms('c', ''), 'c');
    assert.is(chosen(exchange, 'k'), '');
    assert.throws(() => exchange.unbind(terms('c', ''), 'c'), /assertion failed/);
  });
}

choosing('what is no field of the header decides by its type too', () => {
  const exchange = bound('x-consistent-hash', Array.from({ length: 50 }, (_, index) => [`q${index}`, '1'] as const), tableOf({ 'hash-header': longstr('n') }));
  const choices = KEYS.slice(0, 20).map((_, index) => [
    chosen(exchange, '', { headers: tableOf({ n: int(index) }) }),
    chosen(exchange, '', { headers: tableOf({ n: longstr(String(index)) }) }),
  ]);
  assert.ok(choices.some(([number, text]) => number !== text));
});

choosing.run();
