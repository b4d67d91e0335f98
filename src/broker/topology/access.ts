/**
 * Who may do what: the one place where permissions are asked for, for the commands that change the topology as for those that
 * publish to it and consume from it. The order of the checks is RabbitMQ's, because it decides which refusal a client sees.
 */
import type { ExchangeNode, QueueNode } from './topology-node.ts';
import type { Topology } from './topology.ts';
import { NO_OWNER } from './topology-records.ts';
import type { QueueRecord } from './topology-records.ts';
import { describe, refuseMissing } from '../name.ts';
import type { Resource, ResourceKind } from '../name.ts';
import { refusePermission, refuseTopic } from '../permission.ts';
import type { Permission } from '../permission.ts';
import { ReplyCode, refuse } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';

/** Who sends a command: a user, in the virtual host of its connection. */
export type Who = { readonly user: string; readonly vhost: string; readonly connection: number };

/** Why the user may not, or undefined. */
export function permit(topology: Topology, who: Who, permission: Permission, kind: ResourceKind, name: string): Refusal | undefined {
  const resource: Resource = { kind, vhost: who.vhost, name };
  return topology.access.permits(who.user, permission, resource) ? undefined : refusePermission(permission, resource, who.user);
}

const ANY_PERMISSION: readonly Permission[] = ['configure', 'write', 'read'];

/**
 * Why the user may not even learn whether the resource exists. A passive declare needs one permission, whichever: clients that
 * only publish or only consume do it, but nobody may probe for names (RabbitMQ 4.3; earlier ones asked for none).
 */
export function permitAny(topology: Topology, who: Who, kind: ResourceKind, name: string): Refusal | undefined {
  const resource: Resource = { kind, vhost: who.vhost, name };
  const granted = ANY_PERMISSION.some((permission) => topology.access.permits(who.user, permission, resource));
  return granted ? undefined : refusePermission('configure', resource, who.user);
}

/** Why the user may not use the routing key with the exchange. Only topic exchanges have such permissions. */
export function permitTopic(
  topology: Topology,
  who: Who,
  permission: 'write' | 'read',
  exchange: ExchangeNode,
  routingKey: string,
): Refusal | undefined {
  const { kind, vhost, name } = exchange.record;
  if (kind !== 'topic' || topology.access.permitsTopic(who.user, permission, vhost, name, routingKey)) return undefined;
  return refuseTopic(permission, { kind: 'exchange', vhost, name }, routingKey, who.user);
}

/** 405 when another connection owns the queue. */
export function checkOwner(queue: QueueRecord, who: Who): Refusal | undefined {
  return queue.exclusiveOwner === NO_OWNER || queue.exclusiveOwner === who.connection ? undefined : refuseLocked(queue);
}

/** 405 in the words of RabbitMQ. */
export function refuseLocked(queue: QueueRecord): Refusal {
  return refuse(
    ReplyCode.resourceLocked,
    `cannot obtain exclusive access to locked ${describe('queue', queue.vhost, queue.name)}. It could be originally declared on ` +
      'another connection or the exclusive property value does not match that of the original declaration.',
  );
}

/** What basic.consume, basic.get and queue.purge ask first: read permission 403, existence 404, owner 405. */
export function openQueue(topology: Topology, who: Who, name: string): { readonly refusal: Refusal } | { readonly queue: QueueNode } {
  const refused = permit(topology, who, 'read', 'queue', name);
  if (refused !== undefined) return { refusal: refused };
  const queue = topology.queue(who.vhost, name);
  if (queue === undefined) return { refusal: refuseMissing('queue', who.vhost, name) };
  const locked = checkOwner(queue.record, who);
  return locked === undefined ? { queue } : { refusal: locked };
}

/** What basic.publish asks first: write permission 403, existence 404, not internal 403. Topic permissions: `permitTopics`. */
export function openExchange(topology: Topology, who: Who, name: string): { readonly refusal: Refusal } | { readonly exchange: ExchangeNode } {
  const refused = permit(topology, who, 'write', 'exchange', name);
  if (refused !== undefined) return { refusal: refused };
  const exchange = topology.exchange(who.vhost, name);
  if (exchange === undefined) return { refusal: refuseMissing('exchange', who.vhost, name) };
  if (!exchange.record.internal) return { exchange };
  return { refusal: refuse(ReplyCode.accessRefused, `cannot publish to internal ${describe('exchange', who.vhost, name)}`) };
}

/** What basic.publish asks of each routing key, those of CC and BCC included. */
export function permitTopics(topology: Topology, who: Who, exchange: ExchangeNode, routingKeys: readonly string[]): Refusal | undefined {
  for (const routingKey of routingKeys) {
    const refused = permitTopic(topology, who, 'write', exchange, routingKey);
    if (refused !== undefined) return refused;
  }
  return undefined;
}

/** Whether a user may open a connection to the virtual host: 530 with RabbitMQ's texts, or undefined. */
export function checkVhostAccess(topology: Topology, user: string, vhost: string): Refusal | undefined {
  if (topology.vhost(vhost) === undefined) return refuse(ReplyCode.notAllowed, `vhost ${vhost} not found`);
  if (topology.access.permission(user, vhost) !== undefined) return undefined;
  return refuse(ReplyCode.notAllowed, `access to vhost '${vhost}' refused for user '${user}'`);
}
