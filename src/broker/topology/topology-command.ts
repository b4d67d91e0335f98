/**
 * What may be asked of the topology. Commands of clients are named after the methods of AMQP 0-9-1 and say who asks; those of
 * the operator say what to set, because whoever passes them on has checked that the operator may.
 */
import type { FieldTable } from '../field-table.ts';
import type { Refusal } from '../refusal.ts';
import type { Who } from './access.ts';
import type { TopologyEvent } from './topology-event.ts';
import type { PermissionRecord, QueueRecord, TopicPermissionRecord, UserRecord, VhostRecord } from './topology-records.ts';

export type ExchangeDeclare = {
  readonly type: 'exchange.declare';
  readonly who: Who;
  readonly exchange: string;
  /** The method's field `type`. */
  readonly kind: string;
  readonly passive: boolean;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  readonly arguments: FieldTable;
  /** Where the actor of a delayed exchange will run if the exchange is new: put in by whoever decides. */
  readonly place?: { readonly thread: number; readonly slot: number };
};

export type ExchangeDelete = { readonly type: 'exchange.delete'; readonly who: Who; readonly exchange: string; readonly ifUnused: boolean };

/** exchange.bind, exchange.unbind, queue.bind and queue.unbind. The caller has put in the name of the last declared queue. */
export type BindingCommand = {
  readonly type: 'exchange.bind' | 'exchange.unbind' | 'queue.bind' | 'queue.unbind';
  readonly who: Who;
  readonly source: string;
  readonly destination: string;
  readonly routingKey: string;
  readonly arguments: FieldTable;
};

export type QueueDeclare = {
  readonly type: 'queue.declare';
  readonly who: Who;
  /** Empty: the broker chooses a name. */
  readonly queue: string;
  /** 22 characters of base64url that nobody can guess; read when the broker chooses the name. */
  readonly randomPart: string;
  readonly passive: boolean;
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  readonly arguments: FieldTable;
  /** Where the queue's actor will run if the queue is new. */
  readonly thread: number;
  readonly slot: number;
};

export type QueueDelete = {
  readonly type: 'queue.delete';
  readonly who: Who;
  readonly queue: string;
  readonly ifUnused: boolean;
  readonly ifEmpty: boolean;
  /** What the queue's actor answered; undefined the first time. Read when `ifUnused` or `ifEmpty` is set. */
  readonly facts: QueueFacts | undefined;
};

/** What only the queue's actor knows. */
export type QueueFacts = { readonly readyCount: number; readonly consumerCount: number };

export type TopologyCommand =
  | ExchangeDeclare
  | ExchangeDelete
  | BindingCommand
  | QueueDeclare
  | QueueDelete
  /** A queue deletes itself: it expired, or its last consumer left and it is auto-delete. Nothing happens if it is gone. */
  | { readonly type: 'queue.vanish'; readonly id: number }
  /** The queue's actor runs elsewhere from now on. */
  | { readonly type: 'queue.place'; readonly id: number; readonly thread: number; readonly slot: number }
  /** A connection ended: its exclusive queues go. */
  | { readonly type: 'connection.end'; readonly connection: number }
  | { readonly type: 'vhost.set'; readonly vhost: VhostRecord }
  | { readonly type: 'vhost.delete'; readonly name: string }
  | { readonly type: 'user.set'; readonly user: UserRecord }
  | { readonly type: 'user.delete'; readonly name: string }
  | { readonly type: 'permission.set'; readonly permission: PermissionRecord }
  | { readonly type: 'permission.delete'; readonly user: string; readonly vhost: string }
  | { readonly type: 'topic-permission.set'; readonly permission: TopicPermissionRecord }
  | { readonly type: 'topic-permission.delete'; readonly user: string; readonly vhost: string; readonly exchange: string };

export type TopologyReply =
  /** Done, or nothing was to do. */
  | { readonly type: 'done' }
  /** A new binding of an exchange that remembers: what is bound gets what stands in `history`. */
  | { readonly type: 'bound'; readonly history: QueueRecord }
  /** The queue that was declared. Its counts are asked from its actor; both are 0 when it is new. */
  | { readonly type: 'queue-declared'; readonly queue: QueueRecord; readonly created: boolean }
  /** The queue that is deleted now. Its actor answers how many messages were ready. */
  | { readonly type: 'queue-deleted'; readonly queue: QueueRecord }
  /** Ask the queue's actor for its facts and send the command again with them. Nothing has happened yet. */
  | { readonly type: 'facts-wanted'; readonly queue: QueueRecord };

/** Either why not, or the reply and what happened. A refused command changes nothing. */
export type Decision = { readonly refusal: Refusal } | { readonly reply: TopologyReply; readonly events: readonly TopologyEvent[] };

const NO_EVENTS: readonly TopologyEvent[] = [];

export function refused(refusal: Refusal): Decision {
  return { refusal };
}

export function done(events: readonly TopologyEvent[] = NO_EVENTS): Decision {
  return { reply: { type: 'done' }, events };
}
