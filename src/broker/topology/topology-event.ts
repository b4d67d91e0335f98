/**
 * What happened to the topology: the one writer decides it, every replica applies it, the store keeps what is durable of it.
 *
 * Each event changes exactly one record. What follows from a change is spelled out as events of its own, in an order in which
 * nothing dangles in between: bindings go before what they bind.
 */
import type {
  BindingRecord,
  ExchangeRecord,
  PermissionRecord,
  QueueRecord,
  TopicPermissionRecord,
  UserRecord,
  VhostRecord,
} from './topology-records.ts';

export type TopologyEvent =
  | { readonly type: 'vhost-set'; readonly vhost: VhostRecord }
  | { readonly type: 'vhost-deleted'; readonly vhost: VhostRecord }
  | { readonly type: 'exchange-created'; readonly exchange: ExchangeRecord }
  | { readonly type: 'exchange-deleted'; readonly exchange: ExchangeRecord }
  | { readonly type: 'queue-created'; readonly queue: QueueRecord }
  /** The queue's actor runs elsewhere now; everything but thread and slot is as before. */
  | { readonly type: 'queue-placed'; readonly queue: QueueRecord }
  | { readonly type: 'queue-deleted'; readonly queue: QueueRecord }
  | { readonly type: 'binding-created'; readonly binding: BindingRecord }
  | { readonly type: 'binding-deleted'; readonly binding: BindingRecord }
  | { readonly type: 'user-set'; readonly user: UserRecord }
  | { readonly type: 'user-deleted'; readonly user: UserRecord }
  | { readonly type: 'permission-set'; readonly permission: PermissionRecord }
  | { readonly type: 'permission-deleted'; readonly permission: PermissionRecord }
  | { readonly type: 'topic-permission-set'; readonly permission: TopicPermissionRecord }
  | { readonly type: 'topic-permission-deleted'; readonly permission: TopicPermissionRecord };

/** Whether the event must survive a restart of the node. */
export function isDurable(event: TopologyEvent): boolean {
  switch (event.type) {
    case 'exchange-created':
    case 'exchange-deleted':
      return event.exchange.durable;
    case 'queue-created':
    case 'queue-deleted':
      return event.queue.durable;
    // Where a queue runs is decided anew at each start.
    case 'queue-placed':
      return false;
    case 'binding-created':
    case 'binding-deleted':
      return event.binding.durable;
    default:
      return true;
  }
}
