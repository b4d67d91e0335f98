/**
 * One durable object of the topology as one record: setting it again replaces it, and it goes with its key (definition-key.ts).
 *
 *     | CRC-32 u32, of the key and of all that follows | version u8 | fields ... |
 *
 *     the ids of queues   through u32
 *     virtual host        name, queueCountMax, defaultQueueType where there is one
 *     user                name, passwordHash, hashingAlgorithm, count of tags, tags
 *     permission          user, vhost, configure, write, read
 *     topic permission    user, vhost, exchange, write, read
 *     exchange            vhost, name, kind, autoDelete, internal, arguments
 *     queue               id u32, vhost, name, autoDelete, arguments
 *     binding             vhost, source, leads to a queue, destination, routingKey, arguments
 *
 * What does not outlive a process is not written: thread, slot, owner; and `durable` is true of all that is here.
 */
import { Buffer } from 'node:buffer';
import { isExchangeKind } from '../broker/exchange/exchange-kind.ts';
import { isQueueType } from '../broker/queue-options.ts';
import { NO_OWNER, type BindingRecord, type VhostRecord } from '../broker/topology/topology-records.ts';
import { DefinitionFormError, DefinitionReader, DefinitionWriter } from './definition-bytes.ts';
import { type Definition, DefinitionKind, type DefinitionPort, keyOf } from './definition-key.ts';
import { readTable, writeTable } from './definition-table.ts';

const DEFINITION_VERSION = 1;
const CRC_BYTES = 4;
const HEAD_BYTES = CRC_BYTES + 1;

/** The value that stands under `key`. Undefined: the event takes the object away. */
export function valueOf(definition: Definition, key: Uint8Array, port: DefinitionPort): Buffer | undefined {
  const writer = new DefinitionWriter();
  writer.count(0);
  writer.octet(DEFINITION_VERSION);
  if (!writeFields(writer, definition)) return undefined;
  const value = writer.written();
  value.writeUInt32BE(checksum(key, value, port), 0);
  return value;
}

function checksum(key: Uint8Array, value: Uint8Array, port: DefinitionPort): number {
  return port.crc32(value.subarray(CRC_BYTES), port.crc32(key));
}

/** Answers false, and has written nothing, for an event that takes something away. */
function writeFields(to: DefinitionWriter, definition: Definition): boolean {
  switch (definition.type) {
    case 'queue-ids':
      to.count(definition.through);
      return true;
    case 'vhost-set':
      to.text(definition.vhost.name);
      to.number(definition.vhost.queueCountMax);
      if (definition.vhost.defaultQueueType !== undefined) to.text(definition.vhost.defaultQueueType);
      return true;
    case 'user-set': {
      const { name, passwordHash, hashingAlgorithm, tags } = definition.user;
      for (const text of [name, passwordHash, hashingAlgorithm]) to.text(text);
      to.count(tags.length);
      for (const tag of tags) to.text(tag);
      return true;
    }
    case 'permission-set': {
      const { user, vhost, configure, write, read } = definition.permission;
      for (const text of [user, vhost, configure, write, read]) to.text(text);
      return true;
    }
    case 'topic-permission-set': {
      const { user, vhost, exchange, write, read } = definition.permission;
      for (const text of [user, vhost, exchange, write, read]) to.text(text);
      return true;
    }
    case 'exchange-created': {
      const { vhost, name, kind, autoDelete, internal } = definition.exchange;
      for (const text of [vhost, name, kind]) to.text(text);
      to.flag(autoDelete);
      to.flag(internal);
      writeTable(to, definition.exchange.arguments);
      return true;
    }
    case 'queue-created': {
      const { id, vhost, name, autoDelete } = definition.queue;
      to.count(id);
      to.text(vhost);
      to.text(name);
      to.flag(autoDelete);
      writeTable(to, definition.queue.arguments);
      return true;
    }
    case 'binding-created': {
      const { vhost, source, destinationKind, destination, routingKey } = definition.binding;
      to.text(vhost);
      to.text(source);
      to.flag(destinationKind === 'queue');
      to.text(destination);
      to.text(routingKey);
      writeTable(to, definition.binding.arguments);
      return true;
    }
    default:
      return false;
  }
}

/** The record as it was written. Throws `DefinitionFormError`, whose message ends a sentence about the record, for any other bytes. */
export function readDefinition(key: Uint8Array, value: Buffer, port: DefinitionPort): Definition {
  if (value.length < HEAD_BYTES) throw new DefinitionFormError(`it has only ${value.length} bytes`);
  if (value.readUInt32BE(0) !== checksum(key, value, port)) throw new DefinitionFormError('its checksum is wrong');
  const version = value[CRC_BYTES]!;
  if (version !== DEFINITION_VERSION) {
    throw new DefinitionFormError(`it has the format ${version}, and this version of Leveret reads format ${DEFINITION_VERSION}`);
  }
  const reader = new DefinitionReader(value, HEAD_BYTES);
  const definition = fieldsOf(key[1]!, reader);
  reader.end();
  if (Buffer.compare(keyOf(definition, port), key) !== 0) throw new DefinitionFormError('it stands under the key of something else');
  return definition;
}

/** What a damaged record seems to say, for a text. Undefined: nobody can tell. */
export function guessDefinition(key: Uint8Array, value: Buffer): Definition | undefined {
  try {
    return fieldsOf(key[1]!, new DefinitionReader(value, HEAD_BYTES));
  } catch (error) {
    if (error instanceof DefinitionFormError) return undefined;
    throw error;
  }
}

function fieldsOf(kind: number, from: DefinitionReader): Definition {
  switch (kind) {
    case DefinitionKind.queueIds:
      return { type: 'queue-ids', through: from.count() };
    case DefinitionKind.vhost:
      return { type: 'vhost-set', vhost: readVhost(from) };
    case DefinitionKind.user:
      return { type: 'user-set', user: { name: from.text(), passwordHash: from.text(), hashingAlgorithm: from.text(), tags: texts(from) } };
    case DefinitionKind.permission: {
      const permission = { user: from.text(), vhost: from.text(), configure: from.text(), write: from.text(), read: from.text() };
      return { type: 'permission-set', permission };
    }
    case DefinitionKind.topicPermission: {
      const permission = { user: from.text(), vhost: from.text(), exchange: from.text(), write: from.text(), read: from.text() };
      return { type: 'topic-permission-set', permission };
    }
    case DefinitionKind.exchange:
      return readExchange(from);
    case DefinitionKind.queue:
      return readQueue(from);
    case DefinitionKind.binding:
      return { type: 'binding-created', binding: readBinding(from) };
    default:
      throw new DefinitionFormError('it is of an unknown kind');
  }
}

function texts(from: DefinitionReader): readonly string[] {
  const found: string[] = [];
  for (let left = from.count(); left > 0; left--) found.push(from.text());
  return found;
}

function readVhost(from: DefinitionReader): VhostRecord {
  const vhost = { name: from.text(), queueCountMax: from.number() };
  if (from.atEnd) return vhost;
  const type = from.text();
  if (!isQueueType(type)) throw new DefinitionFormError(`its queues are of the unknown type '${type}'`);
  return { ...vhost, defaultQueueType: type };
}

function readExchange(from: DefinitionReader): Definition {
  const vhost = from.text();
  const name = from.text();
  const kind = from.text();
  if (!isExchangeKind(kind)) throw new DefinitionFormError(`it is an exchange of the unknown type '${kind}'`);
  const exchange = { vhost, name, kind, durable: true, autoDelete: from.flag(), internal: from.flag(), arguments: readTable(from) };
  return { type: 'exchange-created', exchange };
}

function readQueue(from: DefinitionReader): Definition {
  const queue = { id: from.count(), vhost: from.text(), name: from.text(), autoDelete: from.flag(), arguments: readTable(from) };
  return { type: 'queue-created', queue: { ...queue, durable: true, exclusiveOwner: NO_OWNER, thread: 0, slot: 0 } };
}

function readBinding(from: DefinitionReader): BindingRecord {
  return {
    vhost: from.text(),
    source: from.text(),
    destinationKind: from.flag() ? 'queue' : 'exchange',
    destination: from.text(),
    routingKey: from.text(),
    arguments: readTable(from),
    durable: true,
  };
}
