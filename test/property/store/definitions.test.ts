/**
 * Definitions that survive: what a new process reads is the durable part of what the writer had, to the last bit of every argument; and
 * whatever happens to the records, reading them never throws, never gives what was not written, and says so.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { encodeTable } from '../../../src/amqp/field-table-codec.ts';
import type { FieldTable, FieldValue } from '../../../src/broker/field-table.ts';
import { isDurable, type TopologyEvent } from '../../../src/broker/topology/topology-event.ts';
import type { TopologyCommand } from '../../../src/broker/topology/topology-command.ts';
import { Topology } from '../../../src/broker/topology/topology.ts';
import { definitionChanges, readDefinitions, reserveQueueIds } from '../../../src/store/definitions.ts';
import { DefinitionMap, definitionPort } from '../../support/definition-port.ts';
import { USER, VHOST, Writer } from '../../support/topology-fixture.ts';
import { contents, topologyHistory } from '../../support/topology-histories.ts';
import { fieldTable } from '../amqp/arbitrary-method.ts';

const definitions = suite('definitions');

const accessCommand = fc.oneof(
  fc.constantFrom('ann', 'bob').chain((name): fc.Arbitrary<TopologyCommand> =>
    fc.constantFrom<TopologyCommand>(
      { type: 'user.set', user: { name, passwordHash: 'aGFzaA==', hashingAlgorithm: 'rabbit_password_hashing_sha256', tags: ['administrator', 'monitoring'] } },
      { type: 'user.delete', name },
      { type: 'permission.set', permission: { user: name, vhost: VHOST, configure: '', write: '.*', read: '^a' } },
      { type: 'permission.delete', user: name, vhost: VHOST },
      { type: 'topic-permission.set', permission: { user: name, vhost: VHOST, exchange: 'a', write: '.*', read: '^a' } },
      { type: 'topic-permission.delete', user: name, vhost: VHOST, exchange: 'a' },
    ),
  ),
);
const history = fc.tuple(topologyHistory, fc.array(accessCommand, { maxLength: 15 })).map(([first, then]) => [...first, ...then]);

/** A writer whose events were put one command at a time. */
function kept(commands: readonly TopologyCommand[]): { readonly writer: Writer; readonly store: DefinitionMap } {
  const writer = new Writer();
  const store = new DefinitionMap();
  store.put(definitionChanges(writer.events, definitionPort));
  for (const command of commands) {
    const before = writer.events.length;
    writer.send(command);
    store.put(definitionChanges(writer.events.slice(before), definitionPort));
  }
  store.put([reserveQueueIds(writer.topology.lastQueueId, definitionPort)]);
  return { writer, store };
}

/** What must survive: places are dealt anew. */
function durable(topology: Topology): string[] {
  const events = [...topology.snapshot()].filter(isDurable);
  return contents(events.map((event) => (event.type === 'queue-created' ? { ...event, queue: { ...event.queue, thread: 0, slot: 0 } } : event)));
}

definitions('what is read is the durable part of what the writer had, in an order that a topology takes', () => {
  let transientCount = 0;
  fc.assert(
    fc.property(history, (commands) => {
      const { writer, store } = kept(commands);
      const { events, lastQueueId, faults } = readDefinitions(store.entries(), definitionPort);
      assert.equal(faults, []);
      assert.is(lastQueueId, writer.topology.lastQueueId);
      const restored = Topology.restore(events, events.length, lastQueueId);
      assert.equal(contents(restored.snapshot()), durable(writer.topology));
      assert.is(restored.lastQueueId, writer.topology.lastQueueId);
      transientCount += [...writer.topology.snapshot()].filter((event) => !isDurable(event)).length;
    }),
    { numRuns: 300 },
  );
  assert.ok(transientCount > 300, `only ${transientCount} transient things stood at the end: the histories are too poor`);
});

const malformed = fc.string({ unit: fc.constantFrom('a', '\udc80', '\udcff', '\ud800'), minLength: 1, maxLength: 9 }).filter((text) => !text.isWellFormed());

/** What is rarely drawn: a zero with a sign, and numbers at their ends. */
const edges: FieldTable = new Map<string, FieldValue>([
  ['', { type: 'd', value: -0 }],
  ['f', { type: 'f', value: -0 }],
  ['D', { type: 'D', scale: 255, value: 2 ** 32 - 1 }],
  ['l', { type: 'l', value: -(2n ** 63n) }],
  ['T', { type: 'T', value: 2n ** 64n - 1n }],
  ['d', { type: 'd', value: Number.MIN_VALUE }],
]);

function setUp(name: string, args: FieldTable): TopologyEvent[] {
  return [
    { type: 'vhost-set', vhost: { name, queueCountMax: -1, ...(name.length % 2 === 0 ? {} : { defaultQueueType: 'quorum' as const }) } },
    { type: 'exchange-created', exchange: { vhost: name, name, kind: 'headers', durable: true, autoDelete: true, internal: true, arguments: args } },
    { type: 'queue-created', queue: { id: 7, vhost: name, name, durable: true, autoDelete: false, exclusiveOwner: 0, arguments: args, thread: 0, slot: 0 } },
    {
      type: 'binding-created',
      binding: { vhost: name, source: name, destinationKind: 'queue', destination: name, routingKey: name, arguments: args, durable: true },
    },
  ];
}

definitions('arguments of every type and names of any octets come back as they were', () => {
  fc.assert(
    fc.property(fc.oneof({ weight: 9, arbitrary: fieldTable }, fc.constant(edges)), fc.oneof(fc.string({ unit: 'binary' }), malformed), (args, name) => {
      const events = setUp(name, args);
      const store = new DefinitionMap();
      store.put([...definitionChanges(events, definitionPort), reserveQueueIds(7, definitionPort)]);
      const read = readDefinitions(store.entries(), definitionPort);
      assert.equal(read.faults, []);
      assert.is(read.events.length, events.length);
      assert.equal(contents(read.events), contents(events));
      // The wire tells -0 from 0, and keeps order; texts of events do not.
      for (const event of read.events) {
        if (event.type === 'exchange-created') assert.equal(encodeTable(event.exchange.arguments), encodeTable(args));
        if (event.type === 'queue-created') assert.equal(encodeTable(event.queue.arguments), encodeTable(args));
        if (event.type === 'binding-created') assert.equal(encodeTable(event.binding.arguments), encodeTable(args));
      }
    }),
    { numRuns: 500 },
  );
});

/** Reads, and sees that a topology takes what was read. */
function mustRead(store: Pick<DefinitionMap, 'entries'>): { readonly events: readonly TopologyEvent[]; readonly faults: readonly string[] } {
  const read = readDefinitions(store.entries(), definitionPort);
  Topology.restore(read.events, 1);
  return read;
}

definitions('a flipped bit, in a key or in a value, is told, and the rest is what it was', () => {
  fc.assert(
    fc.property(history, fc.nat(), fc.nat(), fc.boolean(), (commands, which, bit, inKey) => {
      const { store } = kept(commands);
      const sound = new Set(contents(mustRead(store).events));
      const entries = store.entries();
      const entry = entries[which % entries.length]!;
      const bytes = inKey ? entry.key : entry.value;
      bytes[(bit >>> 3) % bytes.length]! ^= 1 << (bit & 7);
      const { events, faults } = mustRead({ entries: () => entries });
      assert.ok(faults.length > 0);
      for (const text of contents(events)) assert.ok(sound.has(text), text);
      assert.ok(events.length < sound.size || entry.key.length === 2 || inKey, 'the damaged record was used');
    }),
    { numRuns: 300 },
  );
});

definitions('records that are cut, moved under another key or gone never throw and never make up anything', () => {
  fc.assert(
    fc.property(history, fc.nat(), fc.nat(), fc.constantFrom('cut', 'moved', 'gone'), (commands, which, other, damage) => {
      const { store } = kept(commands);
      const written = mustRead(store).events;
      const sound = new Set(contents(written));
      const entries = store.entries();
      const at = which % entries.length;
      const { key, value } = entries[at]!;
      if (damage === 'cut') entries[at] = { key, value: value.subarray(0, other % value.length) };
      else if (damage === 'gone') entries.splice(at, 1);
      else entries[at] = { key: entries[(at + 1 + (other % (entries.length - 1))) % entries.length]!.key, value };
      const { events, faults } = mustRead({ entries: () => entries });
      for (const text of contents(events)) assert.ok(sound.has(text), text);
      if (damage !== 'gone') assert.ok(faults.length > 0);
      // The last thing in an order in which nothing dangles can go without a trace, such as a reservation of ids that no queue has; nothing else can.
      const isMissed = key[1] === 1 || (key[1] === 0 && written.some(({ type }) => type === 'queue-created'));
      if (damage === 'gone' && isMissed) assert.ok(faults.length > 0, `a ${key[1] === 0 ? 'reservation' : 'virtual host'} went unnoticed`);
    }),
    { numRuns: 300 },
  );
});

definitions('a user that is missed by a permission is told', () => {
  const { store } = kept([]);
  const entries = store.entries().filter(({ key }) => key[1] !== 2);
  assert.equal(readDefinitions(entries, definitionPort).faults, [`The permission of user '${USER}' in vhost '${VHOST}' is kept, but user '${USER}' is not.`]);
});

definitions.run();
