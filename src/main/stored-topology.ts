/** The topology that the last process left, with a place for each queue in this one. */
import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { StoreLetter } from '../../actors/messages/store-messages.ts';
import { TOPOLOGY_ID, TOPOLOGY_THREAD } from '../../actors/messages/topology-messages.ts';
import { Letter } from '../../actors/runtime/letter.ts';
import type { StoreGate } from '../../actors/topology/definition-outbox.ts';
import { placeQueues } from '../broker/topology/queue-placement.ts';
import type { TopologyCommand } from '../broker/topology/topology-command.ts';
import { type QueueRecord, UNLIMITED } from '../broker/topology/topology-records.ts';
import { Topology } from '../broker/topology/topology.ts';
import { passwordHash } from '../broker/user.ts';
import type { DefinitionPort } from '../store/definition-key.ts';
import { readDefinitions, refusalToStart } from '../store/definitions.ts';
import type { NodeConfig } from './node.ts';
import type { DiskEntry } from '../store/port.ts';

export const definitionPort: DefinitionPort = {
  crc32,
  digest: (bytes) => createHash('sha256').update(bytes).digest(),
};

/** Throws when definitions are damaged: a node that started without a queue would lose its messages. */
export function restoreTopology(entries: readonly DiskEntry[], schedulers: number): Topology {
  // They have come from another thread, as plain bytes.
  const buffers = entries.map(({ key, value }) => ({ key: Buffer.from(key), value: Buffer.from(value) }));
  const { events, lastQueueId, faults } = readDefinitions(buffers, definitionPort);
  if (faults.length > 0) throw new Error(refusalToStart(faults));
  return Topology.restore(placeQueues(events, schedulers), events.length, lastQueueId);
}

/** The queues that the store knows, of all virtual hosts. */
export function durableQueues(topology: Topology): QueueRecord[] {
  return [...topology.vhosts()].flatMap(({ name }) => [...topology.queues(name)].filter(({ durable }) => durable));
}

/** What a new data directory begins with: a virtual host, and users who may do everything there. */
export function firstObjects({ vhost, users }: Pick<NodeConfig, 'vhost' | 'users'>): TopologyCommand[] {
  const digest = (algorithm: string, bytes: Uint8Array): Uint8Array =>
    createHash(algorithm.replace('rabbit_password_hashing_', '')).update(bytes).digest();
  const hashingAlgorithm = 'rabbit_password_hashing_sha256';
  return [
    { type: 'vhost.set', vhost: { name: vhost, queueCountMax: UNLIMITED } },
    ...users.flatMap(({ name, password, tags }): TopologyCommand[] => {
      const hash = passwordHash({ digest }, hashingAlgorithm, randomBytes(4), password);
      return [
        { type: 'user.set', user: { name, passwordHash: hash, hashingAlgorithm, tags } },
        { type: 'permission.set', permission: { user: name, vhost, configure: '.*', write: '.*', read: '.*' } },
      ];
    }),
  ];
}

/** The way of definitions to the store: letters with rising numbers. */
export function storeGate(tell: (letter: Letter) => void): StoreGate {
  let number = 0;
  return {
    ...definitionPort,
    define: (changes) => {
      const letter = new Letter(StoreLetter.define);
      letter.a = ++number;
      letter.body = changes;
      letter.sender = { thread: TOPOLOGY_THREAD, id: TOPOLOGY_ID, generation: 0 };
      tell(letter);
      return number;
    },
  };
}
