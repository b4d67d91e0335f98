/**
 * Virtual hosts, users and permissions. Refusals here go to the operator, over HTTP or the command line, never to a client of
 * AMQP; their texts are ours.
 */
import { Buffer } from 'node:buffer';
import { NAME_SIZE_MAX, USER_COUNT_MAX, VHOST_COUNT_MAX } from '../bounds.ts';
import type { ExchangeKind } from '../exchange/exchange-kind.ts';
import { EMPTY_TABLE } from '../field-table.ts';
import { isPattern } from '../permission.ts';
import { ReplyCode, refuse } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';
import { Removal } from './removal.ts';
import type { TopologyEvent } from './topology-event.ts';
import { done, refused } from './topology-command.ts';
import type { Decision } from './topology-command.ts';
import type { PermissionRecord, TopicPermissionRecord, UserRecord, VhostRecord } from './topology-records.ts';
import type { Topology } from './topology.ts';

/** What every virtual host has beside the default exchange (AMQP 0-9-1, section 3.1.3; RabbitMQ adds the last two). */
const PREDECLARED: readonly (readonly [name: string, kind: ExchangeKind, internal: boolean])[] = [
  ['amq.direct', 'direct', false],
  ['amq.fanout', 'fanout', false],
  ['amq.topic', 'topic', false],
  ['amq.headers', 'headers', false],
  ['amq.match', 'headers', false],
  ['amq.rabbitmq.trace', 'topic', true],
];

/** Creates the virtual host with its exchanges, or changes its limits. */
export function decideVhostSet(topology: Topology, vhost: VhostRecord): Decision {
  const known = topology.vhost(vhost.name) !== undefined;
  const objection = checkName('virtual host', vhost.name) ?? (known ? undefined : checkCount('virtual hosts', topology.vhostCount, VHOST_COUNT_MAX));
  if (objection !== undefined) return refused(objection);
  const set: TopologyEvent = { type: 'vhost-set', vhost };
  if (known) return done([set]);
  const predeclared = PREDECLARED.map(([name, kind, internal]): TopologyEvent => ({
    type: 'exchange-created',
    exchange: { vhost: vhost.name, name, kind, durable: true, autoDelete: false, internal, arguments: EMPTY_TABLE },
  }));
  return done([set, ...predeclared]);
}

/** Takes along everything in it and every permission for it. Its connections are closed by whoever sends the command. */
export function decideVhostDelete(topology: Topology, name: string): Decision {
  const node = topology.vhost(name);
  if (node === undefined) return done();
  const removal = new Removal(topology);
  for (const queue of node.queues.values()) removal.queue(queue);
  // The default exchange is part of the virtual host and goes with it.
  for (const exchange of node.exchanges.values()) if (exchange.record.name !== '') removal.exchange(exchange);
  const events = removal.events;
  for (const permission of topology.access.permissions()) if (permission.vhost === name) events.push({ type: 'permission-deleted', permission });
  for (const permission of topology.access.topicPermissions()) {
    if (permission.vhost === name) events.push({ type: 'topic-permission-deleted', permission });
  }
  events.push({ type: 'vhost-deleted', vhost: node.record });
  return done(events);
}

export function decideUserSet(topology: Topology, user: UserRecord): Decision {
  const known = topology.access.user(user.name) !== undefined;
  const objection = checkName('user', user.name) ?? (known ? undefined : checkCount('users', topology.access.userCount, USER_COUNT_MAX));
  return objection === undefined ? done([{ type: 'user-set', user }]) : refused(objection);
}

/** Takes the user's permissions along. Its connections keep running, as RabbitMQ's do, but may do nothing new. */
export function decideUserDelete(topology: Topology, name: string): Decision {
  const user = topology.access.user(name);
  if (user === undefined) return done();
  const events: TopologyEvent[] = [];
  for (const permission of topology.access.permissions()) if (permission.user === name) events.push({ type: 'permission-deleted', permission });
  for (const permission of topology.access.topicPermissions()) {
    if (permission.user === name) events.push({ type: 'topic-permission-deleted', permission });
  }
  events.push({ type: 'user-deleted', user });
  return done(events);
}

export function decidePermissionSet(topology: Topology, permission: PermissionRecord): Decision {
  const { user, vhost, configure, write, read } = permission;
  const objection = checkParties(topology, user, vhost) ?? checkPatterns([configure, write, read]);
  return objection === undefined ? done([{ type: 'permission-set', permission }]) : refused(objection);
}

export function decidePermissionDelete(topology: Topology, user: string, vhost: string): Decision {
  const permission = topology.access.permission(user, vhost);
  return permission === undefined ? done() : done([{ type: 'permission-deleted', permission }]);
}

export function decideTopicPermissionSet(topology: Topology, permission: TopicPermissionRecord): Decision {
  const objection = checkParties(topology, permission.user, permission.vhost) ?? checkPatterns([permission.write, permission.read]);
  return objection === undefined ? done([{ type: 'topic-permission-set', permission }]) : refused(objection);
}

export function decideTopicPermissionDelete(topology: Topology, user: string, vhost: string, exchange: string): Decision {
  const permission = topology.access.topicPermission(user, vhost, exchange);
  return permission === undefined ? done() : done([{ type: 'topic-permission-deleted', permission }]);
}

function checkName(what: string, name: string): Refusal | undefined {
  const sizeBytes = Buffer.byteLength(name);
  if (sizeBytes > 0 && sizeBytes <= NAME_SIZE_MAX) return undefined;
  return refuse(ReplyCode.preconditionFailed, `the name of a ${what} has 1 to ${NAME_SIZE_MAX} bytes`);
}

function checkCount(what: string, count: number, countMax: number): Refusal | undefined {
  return count < countMax ? undefined : refuse(ReplyCode.preconditionFailed, `limit of ${countMax} ${what} is reached`);
}

function checkParties(topology: Topology, user: string, vhost: string): Refusal | undefined {
  if (topology.access.user(user) === undefined) return refuse(ReplyCode.notFound, `no user '${user}'`);
  return topology.vhost(vhost) === undefined ? refuse(ReplyCode.notFound, `no vhost '${vhost}'`) : undefined;
}

function checkPatterns(patterns: readonly string[]): Refusal | undefined {
  const wrong = patterns.find((pattern) => !isPattern(pattern));
  return wrong === undefined ? undefined : refuse(ReplyCode.preconditionFailed, `not a regular expression: '${wrong.slice(0, 64)}'`);
}
