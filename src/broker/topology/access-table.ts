/** Users and what they may do: the part of the topology that is not exchanges, queues and bindings. */
import { grantsResource, grantsTopic } from '../permission.ts';
import type { Permission } from '../permission.ts';
import type { Resource } from '../name.ts';
import type { PermissionRecord, TopicPermissionRecord, UserRecord } from './topology-records.ts';

export class AccessTable {
  readonly #users = new Map<string, UserRecord>();
  /** By user, then by virtual host. */
  readonly #permissions = new Map<string, Map<string, PermissionRecord>>();
  /** By user, then by virtual host, then by exchange. */
  readonly #topicPermissions = new Map<string, Map<string, Map<string, TopicPermissionRecord>>>();

  get userCount(): number {
    return this.#users.size;
  }

  user(name: string): UserRecord | undefined {
    return this.#users.get(name);
  }

  users(): Iterable<UserRecord> {
    return this.#users.values();
  }

  permission(user: string, vhost: string): PermissionRecord | undefined {
    return this.#permissions.get(user)?.get(vhost);
  }

  *permissions(): Iterable<PermissionRecord> {
    for (const byVhost of this.#permissions.values()) yield* byVhost.values();
  }

  topicPermission(user: string, vhost: string, exchange: string): TopicPermissionRecord | undefined {
    return this.#topicPermissions.get(user)?.get(vhost)?.get(exchange);
  }

  *topicPermissions(): Iterable<TopicPermissionRecord> {
    for (const byVhost of this.#topicPermissions.values()) for (const byExchange of byVhost.values()) yield* byExchange.values();
  }

  /** Whether the user has the permission on the resource; no without a record for the virtual host. */
  permits(user: string, permission: Permission, resource: Resource): boolean {
    const record = this.permission(user, resource.vhost);
    return record !== undefined && grantsResource(record[permission], resource);
  }

  /** Whether the user may use the routing key with the topic exchange; yes without a record for the exchange. */
  permitsTopic(user: string, permission: 'write' | 'read', vhost: string, exchange: string, routingKey: string): boolean {
    const record = this.topicPermission(user, vhost, exchange);
    return record === undefined || grantsTopic(record[permission], routingKey, user, vhost);
  }

  setUser(user: UserRecord): void {
    this.#users.set(user.name, user);
  }

  deleteUser(name: string): void {
    if (this.#permissions.has(name) || this.#topicPermissions.has(name)) throw new Error('assertion failed: a user goes after its permissions');
    if (!this.#users.delete(name)) throw new Error('assertion failed: the user is not there');
  }

  setPermission(record: PermissionRecord): void {
    levelUnder(this.#permissions, record.user).set(record.vhost, record);
  }

  deletePermission(record: PermissionRecord): void {
    const byVhost = levelUnder(this.#permissions, record.user);
    if (!byVhost.delete(record.vhost)) throw new Error('assertion failed: the permission is not there');
    if (byVhost.size === 0) this.#permissions.delete(record.user);
  }

  setTopicPermission(record: TopicPermissionRecord): void {
    levelUnder(levelUnder(this.#topicPermissions, record.user), record.vhost).set(record.exchange, record);
  }

  deleteTopicPermission(record: TopicPermissionRecord): void {
    const byVhost = levelUnder(this.#topicPermissions, record.user);
    const byExchange = levelUnder(byVhost, record.vhost);
    if (!byExchange.delete(record.exchange)) throw new Error('assertion failed: the topic permission is not there');
    if (byExchange.size === 0) byVhost.delete(record.vhost);
    if (byVhost.size === 0) this.#topicPermissions.delete(record.user);
  }
}

function levelUnder<Value>(level: Map<string, Map<string, Value>>, key: string): Map<string, Value> {
  let inner = level.get(key);
  if (inner === undefined) {
    inner = new Map();
    level.set(key, inner);
  }
  return inner;
}
