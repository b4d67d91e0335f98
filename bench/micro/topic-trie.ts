/** Cost of routing a key through a topic exchange with many bindings, friendly and hostile ones. */
import { NO_PROPERTIES } from '../../src/broker/exchange/exchange.ts';
import { TopicExchange } from '../../src/broker/exchange/topic-exchange.ts';
import { EMPTY_TABLE } from '../../src/broker/field-table.ts';
import { report } from './support/report.ts';

type Destination = { readonly name: string };

function exchange(patterns: readonly string[]): TopicExchange<Destination> {
  const topic = new TopicExchange<Destination>();
  for (const [index, routingKey] of patterns.entries()) {
    topic.bind({ destinationKind: 'queue', destination: 'q', routingKey, arguments: EMPTY_TABLE }, { name: `q${index}` });
  }
  return topic;
}

let matched = 0;
const sink = {
  chance: () => 0,
  add: (): void => {
    matched++;
  },
};

function bench(name: string, patterns: readonly string[], keys: readonly string[]): void {
  const topic = exchange(patterns);
  report(`${name}, ${patterns.length} bindings`, 'route', keys.length, () => {
    for (const key of keys) topic.route(key, NO_PROPERTIES, sink);
  });
}

const words = (count: number): string[] => Array.from({ length: count }, (_, index) => `w${index}`);
bench('exact keys', words(10_000).map((word) => `stock.${word}.nyse`), words(100).map((word) => `stock.${word}.nyse`));
bench('one star', words(10_000).map((word) => `stock.${word}.*`), words(100).map((word) => `stock.${word}.nyse`));
bench('hash at the end', words(10_000).map((word) => `${word}.#`), words(100).map((word) => `${word}.a.b.c`));
bench(
  'hostile #.a.#.b.#, a key of 60 words',
  words(10_000).map((word) => `#.a.#.${word}.#.a.#`),
  [Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? 'a' : 'b')).join('.')],
);
if (matched === 0) throw new Error('nothing matched');
