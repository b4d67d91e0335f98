/**
 * Which definition stands where:
 *
 *     | 0x01 | kind u8 | digest of what tells the object from others of its kind, 32 bytes |
 *     | 0x01 | 0x00 |                                                how far the ids of queues are given out
 *
 *     0x01 virtual host        name
 *     0x02 user                name
 *     0x03 permission          user, vhost
 *     0x04 topic permission    user, vhost, exchange
 *     0x05 exchange            vhost, name
 *     0x06 queue               vhost, name
 *     0x07 binding             vhost, source, bindingKey
 *
 * Kinds sort in the order in which the topology takes them. A digest, because the names of a binding are longer than a key may be; of 32
 * bytes, because clients choose names and must not find two with the same key.
 *
 * The identity of a binding is `bindingKey` (src/broker/topology/topology-node.ts). When its text changes, the version of records must
 * change too, or bindings could never be taken away again: a reader compares the key with what the record says.
 */
import { Buffer } from 'node:buffer';
import type { TopologyEvent } from '../broker/topology/topology-event.ts';
import { bindingKey } from '../broker/topology/topology-node.ts';
import { DefinitionWriter } from './definition-bytes.ts';

/** What this room does not compute itself. */
export interface DefinitionPort {
  /** CRC-32 as zlib's: `seed` is the checksum of what came before. */
  crc32(bytes: Uint8Array, seed?: number): number;
  /** 32 bytes that nobody finds two inputs for: SHA-256. */
  digest(bytes: Uint8Array): Uint8Array;
}

/** First byte of the keys of definitions. Messages have those above. */
const DEFINITION_SPACE = 0x01;
/** Where definitions begin and end among the keys of the store: `from <= key < to`. */
export const DEFINITION_KEYS: { readonly from: Buffer; readonly to: Buffer } = {
  from: Buffer.of(DEFINITION_SPACE),
  to: Buffer.of(DEFINITION_SPACE + 1),
};
const DIGEST_BYTES = 32;

export const DefinitionKind = {
  queueIds: 0x00,
  vhost: 0x01,
  user: 0x02,
  permission: 0x03,
  topicPermission: 0x04,
  exchange: 0x05,
  queue: 0x06,
  binding: 0x07,
} as const;
export type DefinitionKind = (typeof DefinitionKind)[keyof typeof DefinitionKind];

/** What a record says: an event that makes the object, or the highest id of a queue that may have been given. */
export type Definition = TopologyEvent | { readonly type: 'queue-ids'; readonly through: number };

const KIND_NAMES: ReadonlyMap<number, string> = new Map<DefinitionKind, string>([
  [DefinitionKind.queueIds, 'the ids of queues'],
  [DefinitionKind.vhost, 'a virtual host'],
  [DefinitionKind.user, 'a user'],
  [DefinitionKind.permission, 'a permission'],
  [DefinitionKind.topicPermission, 'a topic permission'],
  [DefinitionKind.exchange, 'an exchange'],
  [DefinitionKind.queue, 'a queue'],
  [DefinitionKind.binding, 'a binding'],
]);

/** `a queue`, `a binding`: what the key says that the record is. Undefined: no key of a definition. */
export function kindName(key: Uint8Array): string | undefined {
  if (key[0] !== DEFINITION_SPACE || key.length !== (key[1] === DefinitionKind.queueIds ? 2 : 2 + DIGEST_BYTES)) return undefined;
  return KIND_NAMES.get(key[1]!);
}

/** The key of the object that the event is about. */
export function keyOf(definition: Definition, port: DefinitionPort): Buffer {
  switch (definition.type) {
    case 'queue-ids':
      return Buffer.of(DEFINITION_SPACE, DefinitionKind.queueIds);
    case 'vhost-set':
    case 'vhost-deleted':
      return keyed(port, DefinitionKind.vhost, definition.vhost.name);
    case 'user-set':
    case 'user-deleted':
      return keyed(port, DefinitionKind.user, definition.user.name);
    case 'permission-set':
    case 'permission-deleted':
      return keyed(port, DefinitionKind.permission, definition.permission.user, definition.permission.vhost);
    case 'topic-permission-set':
    case 'topic-permission-deleted': {
      const { user, vhost, exchange } = definition.permission;
      return keyed(port, DefinitionKind.topicPermission, user, vhost, exchange);
    }
    case 'exchange-created':
    case 'exchange-deleted':
      return keyed(port, DefinitionKind.exchange, definition.exchange.vhost, definition.exchange.name);
    case 'queue-created':
    case 'queue-placed':
    case 'queue-deleted':
      return keyed(port, DefinitionKind.queue, definition.queue.vhost, definition.queue.name);
    case 'binding-created':
    case 'binding-deleted':
      return keyed(port, DefinitionKind.binding, definition.binding.vhost, definition.binding.source, bindingKey(definition.binding));
  }
}

function keyed(port: DefinitionPort, kind: DefinitionKind, ...names: readonly string[]): Buffer {
  const writer = new DefinitionWriter();
  for (const name of names) writer.text(name);
  return Buffer.concat([Buffer.of(DEFINITION_SPACE, kind), port.digest(writer.written())]);
}
