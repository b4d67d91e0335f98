/**
 * Random histories of commands: replicas that only apply are the same as the writer that decided, nothing ever dangles, and
 * routing finds what a naive reading of the records finds.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { textOf } from '../../../src/broker/field-value.ts';
import { Topology } from '../../../src/broker/topology/topology.ts';
import type { TopologyCommand } from '../../../src/broker/topology/topology-command.ts';
import type { TopologyEvent } from '../../../src/broker/topology/topology-event.ts';
import type { BindingRecord } from '../../../src/broker/topology/topology-records.ts';
import { VHOST, Writer, int, routedIn, tableOf } from '../../support/topology-fixture.ts';
import { contents, routingKey, topologyHistory } from '../../support/topology-histories.ts';

function played(commands: readonly TopologyCommand[]): Writer {
  const player = new Writer();
  for (const one of commands) player.send(one);
  return player;
}

const topologies = suite('topology');

topologies('a replica that applied the events, and one that read the snapshot, are the writer', () => {
  const packr = new Packr({ structuredClone: true, mapsAsObjects: false });
  fc.assert(
    fc.property(topologyHistory, (commands) => {
      const player = played(commands);
      const replica = new Topology();
      // As between threads: the events are copied by msgpackr on the way.
      for (const event of player.events) replica.apply(packr.unpack(packr.pack(event)) as TopologyEvent);
      const restored = Topology.restore(player.topology.snapshot(), player.topology.version);
      for (const other of [replica, restored]) {
        assert.equal(contents(other.snapshot()), contents(player.topology.snapshot()));
        assert.is(other.version, player.topology.version);
        const { queueCount, exchangeCount, bindingCount } = player.topology;
        assert.equal([other.queueCount, other.exchangeCount, other.bindingCount], [queueCount, exchangeCount, bindingCount]);
        for (const exchange of ['', 'amq.topic', 'amq.fanout']) {
          assert.equal(routedIn(other, exchange, ['k']), routedIn(player.topology, exchange, ['k']));
        }
      }
    }),
    { numRuns: 300 },
  );
});

topologies('nothing dangles: bindings have both ends, counts are right, auto-delete exchanges that lost their bindings are gone', () => {
  fc.assert(
    fc.property(topologyHistory, (commands) => {
      const player = new Writer();
      const { topology } = player;
      const boundOnce = new Set<unknown>();
      for (const one of commands) {
        player.send(one);
        const bindings = [...topology.bindings(VHOST)];
        assert.is(bindings.length, topology.bindingCount);
        for (const { source, destinationKind, destination } of bindings) {
          const node = topology.exchange(VHOST, source);
          assert.ok(node !== undefined && topology.destination(VHOST, destinationKind, destination) !== undefined);
          boundOnce.add(node);
        }
        for (const { name } of topology.exchanges(VHOST)) {
          const node = topology.exchange(VHOST, name);
          if (node?.record.autoDelete === true && boundOnce.has(node)) assert.ok(node.outgoing.size > 0, `${name} should be gone`);
        }
        const incoming = [...topology.exchanges(VHOST)].map(({ name }) => topology.exchange(VHOST, name)?.incoming?.size ?? 0);
        const queued = [...topology.queues(VHOST)].map(({ name }) => topology.queue(VHOST, name)?.incoming?.size ?? 0);
        assert.is([...incoming, ...queued].reduce((sum, count) => sum + count, 0), bindings.length);
        for (const { id, name } of topology.queues(VHOST)) assert.is(topology.queueById(id)?.record.name, name);
      }
      player.send({ type: 'connection.end', connection: 1 });
      for (const { exclusiveOwner } of topology.queues(VHOST)) assert.is.not(exclusiveOwner, 1);
    }),
    { numRuns: 300 },
  );
});

/** Whether a binding takes a message, straight from the definitions of the kinds. */
function takes(kind: string, binding: BindingRecord, routingKey: string, header: number | undefined): boolean {
  switch (kind) {
    case 'fanout':
      return true;
    case 'direct':
      return binding.routingKey === routingKey;
    case 'topic': {
      const split = (text: string): string[] => (text === '' ? [] : text.split('.'));
      const matches = (pattern: readonly string[], words: readonly string[]): boolean => {
        const [head, ...rest] = pattern;
        if (head === undefined) return words.length === 0;
        if (head === '#') return matches(rest, words) || (words.length > 0 && matches(pattern, words.slice(1)));
        return words.length > 0 && (head === '*' || head === words[0]) && matches(rest, words.slice(1));
      };
      return matches(split(binding.routingKey), split(routingKey));
    }
    default:
      // The arguments of this file ask for h=1, alone or together with the presence of i, which is never sent.
      return binding.arguments.size === 0 || header === 1;
  }
}

/** Routing as the guide tells it: sets of names, looked up in the records. */
function routedNaively(topology: Topology, exchange: string, routingKeys: readonly string[], header: number | undefined): string[] {
  const visited = new Set([exchange]);
  const queues = new Set<string>();
  const bindings = [...topology.bindings(VHOST)];
  for (const name of visited) {
    const record = topology.exchange(VHOST, name)?.record;
    if (record === undefined) continue;
    if (name === '') {
      for (const routingKey of routingKeys) if (topology.queue(VHOST, routingKey) !== undefined) queues.add(routingKey);
      continue;
    }
    const taken = bindings.filter(
      (binding) => binding.source === name && routingKeys.some((routingKey) => takes(record.kind, binding, routingKey, header)),
    );
    for (const binding of taken) (binding.destinationKind === 'queue' ? queues : visited).add(binding.destination);
    const alternate = record.arguments.get('alternate-exchange');
    if (taken.length === 0 && alternate?.type === 'S' && textOf(alternate.value) !== '') visited.add(textOf(alternate.value));
  }
  return [...queues].sort();
}

topologies('routing finds what the naive model finds, through cycles and alternate exchanges', () => {
  let routedCount = 0;
  fc.assert(
    fc.property(topologyHistory, fc.array(routingKey, { minLength: 1, maxLength: 3 }), fc.constantFrom(undefined, 1, 2), (commands, keys, header) => {
      const { topology } = played(commands);
      const headers = header === undefined ? undefined : tableOf({ h: int(header) });
      for (const { name } of topology.exchanges(VHOST)) {
        const found = routedIn(topology, name, keys, headers);
        assert.equal(found, routedNaively(topology, name, keys, header));
        routedCount += found.length;
      }
    }),
    { numRuns: 1000 },
  );
  assert.ok(routedCount > 1000, `only ${routedCount} queues were found: the histories are too poor`);
});

topologies.run();
