import { Buffer } from 'node:buffer';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EMPTY_TABLE } from '../../../src/broker/field-table.ts';
import { Topology } from '../../../src/broker/topology/topology.ts';
import type { TopologyEvent } from '../../../src/broker/topology/topology-event.ts';
import { DEFINITION_KEYS } from '../../../src/store/definition-key.ts';
import { definitionChanges, readDefinitions, refusalToStart, reserveQueueIds } from '../../../src/store/definitions.ts';
import type { DiskEntry } from '../../../src/store/port.ts';
import { DefinitionMap, definitionPort } from '../../support/definition-port.ts';
import { VHOST, Writer, longstr, tableOf } from '../../support/topology-fixture.ts';

const definitions = suite('definitions');

function stored(writer: Writer, reserved = 1_000): DefinitionMap {
  const store = new DefinitionMap();
  store.put([...definitionChanges(writer.events, definitionPort), reserveQueueIds(reserved, definitionPort)]);
  return store;
}

function faultsOf(entries: readonly DiskEntry[]): readonly string[] {
  return readDefinitions(entries, definitionPort).faults;
}

definitions('a record lies in bytes as it is drawn: when this fails, the version must rise', () => {
  const args = tableOf({ 'x-max-length': { type: 'I', value: 5 } });
  const queue = { id: 7, vhost: '/', name: 'q', durable: true, autoDelete: false, exclusiveOwner: 0, arguments: args, thread: 3, slot: 4 };
  const [change] = definitionChanges([{ type: 'queue-created', queue }], definitionPort);
  const digest = definitionPort.digest(Buffer.from('00000001' + '2f' + '00000001' + '71', 'hex'));
  assert.is(Buffer.from(change!.key).toString('hex'), `0106${Buffer.from(digest).toString('hex')}`);
  const fields = '01' + '00000007' + '000000012f' + '0000000171' + '00' + '00000001' + '0000000c' + Buffer.from('x-max-length').toString('hex') + '49' + '4014000000000000';
  assert.is(Buffer.from(change!.value!.subarray(4)).toString('hex'), fields);
});

definitions('what goes is one key without a value, and what is not durable is nothing', () => {
  const writer = new Writer();
  const [created] = definitionChanges(writer.must(writer.queue('q')), definitionPort);
  const gone = definitionChanges(writer.must(writer.queueDelete('q')), definitionPort);
  assert.equal(gone, [{ key: created!.key, value: undefined }]);
  for (const over of [{ durable: false }, { exclusive: true }]) {
    assert.equal(definitionChanges(writer.must(writer.queue('t', over)), definitionPort), []);
    assert.equal(definitionChanges(writer.must(writer.binding('queue.bind', 't', 'amq.topic', 'k')), definitionPort), []);
    assert.equal(definitionChanges(writer.must(writer.queueDelete('t')), definitionPort), []);
  }
});

definitions('keys lie where definitions do, and sort so that nothing dangles', () => {
  const writer = new Writer();
  writer.must(writer.queue('q'));
  writer.must(writer.binding('queue.bind', 'q', 'amq.topic', 'k'));
  const entries = stored(writer).entries();
  for (const { key } of entries) {
    assert.ok(Buffer.compare(DEFINITION_KEYS.from, key) <= 0 && Buffer.compare(key, DEFINITION_KEYS.to) < 0);
  }
  assert.equal(
    entries.map(({ key }) => key[1]),
    [...entries.map(({ key }) => key[1]!)].sort((left, right) => left - right),
  );
});

definitions('ids go on above what was reserved', () => {
  const writer = new Writer();
  writer.must(writer.queue('q'));
  const { events, lastQueueId } = readDefinitions(stored(writer, 5_000).entries(), definitionPort);
  assert.is(lastQueueId, 5_000);
  assert.is(Topology.restore(events, 1, lastQueueId).lastQueueId, 5_000);
  assert.equal(readDefinitions([], definitionPort), { events: [], lastQueueId: 0, faults: [] });
});

definitions('damage is a sentence that names the record', () => {
  const writer = new Writer();
  writer.must(writer.queue('orders'));
  const entries = stored(writer).entries();
  const queue = entries.find(({ key }) => key[1] === 6)!;
  queue.value[queue.value.length - 5]! ^= 1;
  const name = queue.key.toString('hex', 0, 8);
  assert.equal(faultsOf(entries), [`The record of a queue (${name}) is damaged: its checksum is wrong. It seems to be queue 'orders' in vhost '/'.`]);
});

definitions('a record of another format is told from a damaged one', () => {
  const entries = stored(new Writer()).entries();
  const { key, value } = entries[1]!;
  value[4] = 9;
  value.writeUInt32BE(definitionPort.crc32(value.subarray(4), definitionPort.crc32(key)), 0);
  assert.match(faultsOf(entries)[0]!, /^The record of a virtual host \([0-9a-f]+\) is damaged: it has the format 9, and this version of Leveret reads format 1\./);
});

definitions('what has vanished is missed by what was built on it', () => {
  const writer = new Writer();
  writer.must(writer.queue('q'));
  writer.must(writer.exchange('x', 'topic'));
  writer.must(writer.binding('queue.bind', 'q', 'x', 'a.*'));
  const entries = stored(writer).entries();
  const binding = "The binding from exchange 'x' to queue 'q' in vhost '/' by 'a.*' is kept, but ";
  const exchange = definitionChanges([{ type: 'exchange-deleted', exchange: writer.topology.exchange(VHOST, 'x')!.record }], definitionPort)[0]!;
  assert.equal(faultsOf(entries.filter(({ key }) => Buffer.compare(key, exchange.key) !== 0)), [`${binding}exchange 'x' in vhost '/' is not.`]);
  assert.equal(faultsOf(entries.filter(({ key }) => key[1] !== 6)), [`${binding}queue 'q' in vhost '/' is not.`]);
  assert.equal(
    faultsOf(entries.filter(({ key }) => key[1] !== 0)).slice(0, 1),
    ["Queue 'q' in vhost '/' has the id 1, and only 0 were given."],
  );
});

definitions('two queues of one id are told', () => {
  const writer = new Writer();
  writer.must(writer.queue('a'));
  const twin: TopologyEvent = { type: 'queue-created', queue: { ...writer.topology.queue(VHOST, 'a')!.record, name: 'b', arguments: EMPTY_TABLE } };
  const store = stored(writer);
  store.put(definitionChanges([twin], definitionPort));
  assert.match(faultsOf(store.entries())[0]!, /^Queue '[ab]' in vhost '\/' has the id 1 of queue '[ab]' in vhost '\/'\.$/);
});

definitions('a refusal to start names the faults, as many as one reads, and how to go on', () => {
  const faults = Array.from({ length: 25 }, (_, index) => `Fault ${index}.`);
  const text = refusalToStart(faults);
  assert.match(text, /Fault 19\.\n {2}- and 5 more\n/);
  assert.not.match(text, /Fault 20\./);
  assert.match(text, /--data-dir/);
});

definitions('a later change of an object takes the place of the earlier one', () => {
  const writer = new Writer();
  writer.must({ type: 'vhost.set', vhost: { name: 'v', queueCountMax: 3 } });
  writer.must({ type: 'vhost.set', vhost: { name: 'v', queueCountMax: 4 } });
  writer.must(writer.exchange('x', 'headers', { arguments: tableOf({ 'alternate-exchange': longstr('y') }) }));
  const { events } = readDefinitions(stored(writer).entries(), definitionPort);
  const restored = Topology.restore(events, 1);
  assert.is(restored.vhost('v')?.record.queueCountMax, 4);
  assert.is(restored.exchange(VHOST, 'x')?.alternate, 'y');
});

definitions.run();
