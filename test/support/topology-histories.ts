/** Random histories of a topology: commands that mostly find what they name, and the topology they lead to as one text. */
import fc from 'fast-check';
import { EMPTY_TABLE } from '../../src/broker/field-table.ts';
import type { TopologyCommand } from '../../src/broker/topology/topology-command.ts';
import type { TopologyEvent } from '../../src/broker/topology/topology-event.ts';
import { WHO, Writer, int, longstr, tableOf } from './topology-fixture.ts';

const queueName = fc.constantFrom('q1', 'q2', 'q3', '__proto__');
const exchangeName = fc.constantFrom('a', 'b', 'c', 'd', 'amq.topic', 'amq.fanout');
export const routingKey = fc.constantFrom('', 'k', 'k.l', '*', '#', 'k.#', 'q1');
const bindingArguments = fc.constantFrom(EMPTY_TABLE, tableOf({ h: int(1) }), tableOf({ h: int(1), 'x-match': longstr('any'), i: { type: 'V' } }));
const who = fc.constantFrom(1, 2).map((connection) => ({ ...WHO, connection }));

const writer = new Writer();

function exchangeDeclare(names: fc.Arbitrary<string>): fc.Arbitrary<TopologyCommand> {
  const fields = {
    name: names,
    kind: fc.constantFrom('direct', 'fanout', 'topic', 'headers'),
    autoDelete: fc.boolean(),
    durable: fc.boolean(),
    alternate: fc.option(fc.oneof(exchangeName, fc.constantFrom('', 'missing')), { nil: undefined }),
  };
  return fc.record(fields).map(({ name, kind, alternate, ...over }) => {
    const args = alternate === undefined ? EMPTY_TABLE : tableOf({ 'alternate-exchange': longstr(alternate) });
    return writer.exchange(name, kind, { ...over, arguments: args });
  });
}

const bindOrUnbind = (kind: 'queue' | 'exchange') => fc.constantFrom(`${kind}.bind` as const, `${kind}.bind` as const, `${kind}.unbind` as const);

export const topologyCommand: fc.Arbitrary<TopologyCommand> = fc.oneof(
  fc
    .record({ who, name: queueName, exclusive: fc.boolean(), autoDelete: fc.boolean(), durable: fc.boolean() })
    .map(({ name, ...over }) => writer.queue(name, over)),
  fc.record({ who, name: queueName }).map(({ name, who: by }) => writer.queueDelete(name, { who: by })),
  exchangeDeclare(exchangeName),
  fc
    .record({ exchange: exchangeName, ifUnused: fc.boolean() })
    .map((fields) => ({ type: 'exchange.delete' as const, who: WHO, ...fields })),
  {
    weight: 4,
    arbitrary: fc
      .record({ who, type: bindOrUnbind('queue'), queue: queueName, exchange: exchangeName, key: routingKey, args: bindingArguments })
      .map((one) => writer.binding(one.type, one.queue, one.exchange, one.key, { who: one.who, arguments: one.args })),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ type: bindOrUnbind('exchange'), to: exchangeName, from: exchangeName, key: routingKey, args: bindingArguments })
      .map((one) => writer.binding(one.type, one.to, one.from, one.key, { arguments: one.args })),
  },
  fc.constantFrom(1, 2).map((connection) => ({ type: 'connection.end' as const, connection })),
  fc.nat(20).map((id) => ({ type: 'queue.vanish' as const, id })),
  fc.record({ id: fc.nat(20), thread: fc.nat(3), slot: fc.nat(9) }).map((place) => ({ type: 'queue.place' as const, ...place })),
  fc.constantFrom<TopologyCommand>({ type: 'vhost.set', vhost: { name: 'v', queueCountMax: 3 } }, { type: 'vhost.delete', name: 'v' }),
);

/** Every queue and exchange is declared first, so that most of what follows finds what it names. */
const prelude = fc
  .tuple(...['a', 'b', 'c', 'd'].map((name) => exchangeDeclare(fc.constant(name))))
  .map((exchanges): TopologyCommand[] => [...['q1', 'q2', 'q3', '__proto__'].map((name) => writer.queue(name)), ...exchanges]);

export const topologyHistory: fc.Arbitrary<readonly TopologyCommand[]> = fc.tuple(prelude, fc.array(topologyCommand, { minLength: 10, maxLength: 80 })).map(([first, rest]) => [...first, ...rest]);

/** Everything that the events make, as comparable texts: neither their order nor that of their fields matters, that of a table does. */
export function contents(events: Iterable<TopologyEvent>): string[] {
  return [...events].map((event) => JSON.stringify(plain(event))).sort();
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (value instanceof Map) return [...value].map(plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value).map(plain).sort();
}
