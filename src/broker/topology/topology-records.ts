/**
 * The topology as plain data. A record is what a thread tells another and what the store keeps, so it holds nothing but
 * strings, numbers, booleans, arrays, Maps and bytes; it is never changed, only replaced.
 */
import type { QueueType } from '../queue-options.ts';
import type { ExchangeKind } from '../exchange/exchange-kind.ts';
import type { FieldTable } from '../field-table.ts';
import type { ResourceKind } from '../name.ts';

/** Says of a queue that no connection owns it. */
export const NO_OWNER = 0;
/** Says of a virtual host that it may hold as many queues as the node. */
export const UNLIMITED = -1;

export type QueueRecord = {
  /** Positive int32, never given twice in one data directory: messages are kept under it. */
  readonly id: number;
  readonly vhost: string;
  readonly name: string;
  /** False for an exclusive queue, whatever the client asked: it does not outlive its connection. */
  readonly durable: boolean;
  readonly autoDelete: boolean;
  /** The connection that declared the queue exclusive, or `NO_OWNER`. */
  readonly exclusiveOwner: number;
  readonly arguments: FieldTable;
  /** The scheduler thread that runs the queue's actor, and the actor's place there. */
  readonly thread: number;
  readonly slot: number;
};

export type ExchangeRecord = {
  readonly vhost: string;
  readonly name: string;
  readonly kind: ExchangeKind;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  /** Clients may bind it but not publish to it. */
  readonly internal: boolean;
  readonly arguments: FieldTable;
};

export type BindingRecord = {
  readonly vhost: string;
  /** The name of an exchange. */
  readonly source: string;
  readonly destinationKind: ResourceKind;
  readonly destination: string;
  readonly routingKey: string;
  readonly arguments: FieldTable;
  /** True when both ends are durable: only then is the binding kept over a restart. */
  readonly durable: boolean;
};

export type VhostRecord = {
  readonly name: string;
  /** The most queues it may hold, or `UNLIMITED` (RabbitMQ's max-queues). */
  readonly queueCountMax: number;
  /** The type of queues whose declaration names none, where it can be theirs; classic without it. */
  readonly defaultQueueType?: QueueType;
};

export type UserRecord = {
  readonly name: string;
  /** See user.ts; empty for a user that cannot log in with a password. */
  readonly passwordHash: string;
  readonly hashingAlgorithm: string;
  /** `administrator`, `monitoring`, `policymaker`, `management`... */
  readonly tags: readonly string[];
};

/** What a user may do in a virtual host: one regular expression for each permission. */
export type PermissionRecord = {
  readonly user: string;
  readonly vhost: string;
  readonly configure: string;
  readonly write: string;
  readonly read: string;
};

/** Which routing keys a user may use with a topic exchange. Without a record every key is granted. */
export type TopicPermissionRecord = {
  readonly user: string;
  readonly vhost: string;
  readonly exchange: string;
  readonly write: string;
  readonly read: string;
};
