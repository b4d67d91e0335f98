import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { NO_PROPERTIES } from '../../../src/broker/exchange/exchange.ts';
import { TopicExchange } from '../../../src/broker/exchange/topic-exchange.ts';
import { wordsOf } from '../../../src/broker/exchange/topic-pattern.ts';
import { EMPTY_TABLE } from '../../../src/broker/field-table.ts';

/** The name means nothing to this kind of exchange. */
const TO_Q = { destinationKind: 'queue', destination: 'q' } as const;

/** The definition, word for word; exponential, so only for short patterns. */
function matchesNaively(pattern: readonly string[], key: readonly string[]): boolean {
  const [head, ...rest] = pattern;
  if (head === undefined) return key.length === 0;
  if (head === '#') return matchesNaively(rest, key) || (key.length > 0 && matchesNaively(pattern, key.slice(1)));
  return key.length > 0 && (head === '*' || head === key[0]) && matchesNaively(rest, key.slice(1));
}

const key = fc.array(fc.constantFrom('a', 'b', ''), { maxLength: 6 }).map((words) => words.join('.'));
const pattern = fc.array(fc.constantFrom('a', 'b', '', '*', '#', '#'), { maxLength: 6 }).map((words) => words.join('.'));

const terms = (routingKey: string) => ({ ...TO_Q, routingKey, arguments: EMPTY_TABLE });

function found(exchange: TopicExchange<number>, routingKey: string): number[] {
  const destinations = new Set<number>();
  exchange.route(routingKey, NO_PROPERTIES, { add: (destination) => void destinations.add(destination), chance: () => 0 });
  return [...destinations].sort((a, b) => a - b);
}

const topic = suite('topic matching');

topic('the trie finds what the definition finds, also after unbinding', () => {
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 12 }), fc.array(key, { minLength: 1, maxLength: 6 }), fc.nat(11), (patterns, keys, kept) => {
      const exchange = new TopicExchange<number>();
      const expected = (from: number, routingKey: string): number[] =>
        patterns.flatMap((text, index) => (index >= from && matchesNaively(wordsOf(text), wordsOf(routingKey)) ? [index] : []));
      patterns.forEach((text, index) => exchange.bind(terms(text), index));
      for (const routingKey of keys) assert.equal(found(exchange, routingKey), expected(0, routingKey));
      patterns.slice(0, kept).forEach((text, index) => exchange.unbind(terms(text), index));
      for (const routingKey of keys) assert.equal(found(exchange, routingKey), expected(kept, routingKey));
    }),
    { numRuns: 2000 },
  );
});

topic('the work for one key is bounded by words times nodes', () => {
  fc.assert(
    fc.property(fc.array(pattern, { minLength: 1, maxLength: 40 }), fc.integer({ min: 0, max: 60 }), (patterns, length) => {
      const exchange = new TopicExchange<number>();
      patterns.forEach((text, index) => exchange.bind(terms(text), index));
      const nodes = 1 + patterns.reduce((sum, text) => sum + wordsOf(text).length, 0);
      exchange.route(Array.from({ length }, () => 'a').join('.'), NO_PROPERTIES, { add: () => undefined, chance: () => 0 });
      // A node is entered by its parent, by itself and by its parent's `#`: at most four times a word.
      assert.ok(exchange.work <= 4 * nodes * (length + 1), `${exchange.work} visits, ${nodes} nodes, ${length} words`);
    }),
    { numRuns: 500 },
  );
});

topic.run();
