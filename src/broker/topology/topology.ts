/**
 * The topology of a node: virtual hosts, exchanges, queues, bindings, users, permissions. The same class is the state of the
 * one writer that decides (decide.ts) and of the replica that every thread routes with: both do nothing but apply events, so
 * replicas that applied the same events are the same, and `version` says how many that were.
 *
 * Events come from a writer that checked them; one that does not fit is a broken invariant and throws.
 */
import type { TopologyEvent } from './topology-event.ts';
import { NO_OWNER } from './topology-records.ts';
import type { BindingRecord, ExchangeRecord, QueueRecord, VhostRecord } from './topology-records.ts';
import { timelineName } from '../exchange/delayed-exchange.ts';
import { isHidden } from '../exchange/hidden-queue.ts';
import { historyName } from '../exchange/recent-history-exchange.ts';
import { DEFAULT_EXCHANGE } from '../name.ts';
import { AccessTable } from './access-table.ts';
import { ExchangeNode, QueueNode, VhostNode, bindingKey } from './topology-node.ts';
import type { DestinationNode } from './topology-node.ts';

export class Topology {
  /** Users and permissions. Read only: it changes with events. */
  readonly access = new AccessTable();
  readonly #vhosts = new Map<string, VhostNode>();
  readonly #queuesById = new Map<number, QueueNode>();
  readonly #queuesByOwner = new Map<number, Set<QueueNode>>();
  #version = 0;
  #lastQueueId = 0;
  #exchangeCount = 0;
  #bindingCount = 0;
  #route = 0;

  /**
   * A replica of what `snapshot` told, which then goes on with the events after `version`. `lastQueueId`: queues that are gone had ids
   * up to here; the one writer must know, or it would give them again.
   */
  static restore(snapshot: Iterable<TopologyEvent>, version: number, lastQueueId = 0): Topology {
    const topology = new Topology();
    for (const event of snapshot) topology.apply(event);
    topology.#version = version;
    topology.#lastQueueId = Math.max(topology.#lastQueueId, lastQueueId);
    return topology;
  }

  /** Events applied so far. What was computed from the topology holds until this number changes. */
  get version(): number {
    return this.#version;
  }

  /** The highest id that a queue ever had here. */
  get lastQueueId(): number {
    return this.#lastQueueId;
  }

  get vhostCount(): number {
    return this.#vhosts.size;
  }

  /** Declared exchanges; the default exchanges are not counted. */
  get exchangeCount(): number {
    return this.#exchangeCount;
  }

  get queueCount(): number {
    return this.#queuesById.size;
  }

  get bindingCount(): number {
    return this.#bindingCount;
  }

  vhost(name: string): VhostNode | undefined {
    return this.#vhosts.get(name);
  }

  *vhosts(): Iterable<VhostRecord> {
    for (const node of this.#vhosts.values()) yield node.record;
  }

  exchange(vhost: string, name: string): ExchangeNode | undefined {
    return this.#vhosts.get(vhost)?.exchanges.get(name);
  }

  queue(vhost: string, name: string): QueueNode | undefined {
    return this.#vhosts.get(vhost)?.queues.get(name);
  }

  /** Where a delayed exchange holds messages back. */
  timeline(vhost: string, exchange: string): QueueNode | undefined {
    return this.#vhosts.get(vhost)?.hidden.get(timelineName(exchange));
  }

  /** Where an exchange keeps its last messages. */
  history(vhost: string, exchange: string): QueueNode | undefined {
    return this.#vhosts.get(vhost)?.hidden.get(historyName(exchange));
  }

  queueById(id: number): QueueNode | undefined {
    return this.#queuesById.get(id);
  }

  /** The exclusive queues of a connection. */
  queuesOwnedBy(connection: number): Iterable<QueueNode> {
    return this.#queuesByOwner.get(connection) ?? [];
  }

  /** The exchanges of a virtual host, the default exchange included. */
  *exchanges(vhost: string): Iterable<ExchangeRecord> {
    for (const node of this.#vhosts.get(vhost)?.exchanges.values() ?? []) yield node.record;
  }

  /** The queues of a virtual host, those that exchanges have for themselves included. */
  *queues(vhost: string): Iterable<QueueRecord> {
    const node = this.#vhosts.get(vhost);
    for (const { record } of node?.queues.values() ?? []) yield record;
    for (const { record } of node?.hidden.values() ?? []) yield record;
  }

  /** The explicit bindings of a virtual host; the implicit ones of the default exchange are not listed. */
  *bindings(vhost: string): Iterable<BindingRecord> {
    for (const node of this.#vhosts.get(vhost)?.exchanges.values() ?? []) yield* node.outgoing.values();
  }

  /** The node that a binding leads to, if it is there. */
  destination(vhost: string, kind: 'queue' | 'exchange', name: string): DestinationNode | undefined {
    return kind === 'queue' ? this.queue(vhost, name) : this.exchange(vhost, name);
  }

  /**
   * A number that no earlier route had. A route writes it on the nodes it visits, and so knows them again without a set of
   * its own; routes of one replica must therefore not be interleaved.
   */
  nextRoute(): number {
    return ++this.#route;
  }

  /** The events that make an empty topology into this one. */
  *snapshot(): Iterable<TopologyEvent> {
    for (const { record, exchanges, queues, hidden } of this.#vhosts.values()) {
      yield { type: 'vhost-set', vhost: record };
      for (const node of exchanges.values()) if (node.record.name !== DEFAULT_EXCHANGE) yield { type: 'exchange-created', exchange: node.record };
      for (const node of queues.values()) yield { type: 'queue-created', queue: node.record };
      for (const node of hidden.values()) yield { type: 'queue-created', queue: node.record };
      for (const node of exchanges.values()) for (const binding of node.outgoing.values()) yield { type: 'binding-created', binding };
    }
    for (const user of this.access.users()) yield { type: 'user-set', user };
    for (const permission of this.access.permissions()) yield { type: 'permission-set', permission };
    for (const permission of this.access.topicPermissions()) yield { type: 'topic-permission-set', permission };
  }

  apply(event: TopologyEvent): void {
    this.#version++;
    switch (event.type) {
      case 'vhost-set':
        return this.#setVhost(event.vhost);
      case 'vhost-deleted':
        return this.#deleteVhost(event.vhost);
      case 'exchange-created':
        return this.#createExchange(event.exchange);
      case 'exchange-deleted':
        return this.#deleteExchange(event.exchange);
      case 'queue-created':
        return this.#createQueue(event.queue);
      case 'queue-placed':
        return this.#placeQueue(event.queue);
      case 'queue-deleted':
        return this.#deleteQueue(event.queue);
      case 'binding-created':
        return this.#createBinding(event.binding);
      case 'binding-deleted':
        return this.#deleteBinding(event.binding);
      case 'user-set':
        return this.access.setUser(event.user);
      case 'user-deleted':
        return this.access.deleteUser(event.user.name);
      case 'permission-set':
        return this.access.setPermission(event.permission);
      case 'permission-deleted':
        return this.access.deletePermission(event.permission);
      case 'topic-permission-set':
        return this.access.setTopicPermission(event.permission);
      case 'topic-permission-deleted':
        return this.access.deleteTopicPermission(event.permission);
    }
  }

  #setVhost(record: VhostRecord): void {
    const known = this.#vhosts.get(record.name);
    if (known === undefined) this.#vhosts.set(record.name, new VhostNode(record));
    else known.record = record;
  }

  #deleteVhost(record: VhostRecord): void {
    const node = this.#vhostOf(record.name);
    assert(node.queues.size === 0 && node.hidden.size === 0 && node.exchanges.size === 1, 'a virtual host goes after what is in it');
    this.#vhosts.delete(record.name);
  }

  #createExchange(record: ExchangeRecord): void {
    const { exchanges } = this.#vhostOf(record.vhost);
    assert(!exchanges.has(record.name), 'an exchange is created once');
    exchanges.set(record.name, new ExchangeNode(record));
    this.#exchangeCount++;
  }

  #deleteExchange(record: ExchangeRecord): void {
    const { exchanges } = this.#vhostOf(record.vhost);
    const node = exchanges.get(record.name);
    assert(node !== undefined && node.outgoing.size === 0 && incomingCount(node) === 0, 'an exchange goes after its bindings');
    exchanges.delete(record.name);
    this.#exchangeCount--;
  }

  #createQueue(record: QueueRecord): void {
    const queues = this.#queuesFor(record);
    assert(!queues.has(record.name) && !this.#queuesById.has(record.id), 'a queue is created once');
    const node = new QueueNode(record);
    queues.set(record.name, node);
    this.#queuesById.set(record.id, node);
    this.#lastQueueId = Math.max(this.#lastQueueId, record.id);
    if (record.exclusiveOwner === NO_OWNER) return;
    const owned = this.#queuesByOwner.get(record.exclusiveOwner);
    if (owned === undefined) this.#queuesByOwner.set(record.exclusiveOwner, new Set([node]));
    else owned.add(node);
  }

  #placeQueue(record: QueueRecord): void {
    const node = this.#queuesById.get(record.id);
    assert(node !== undefined && node.record.name === record.name, 'a queue that is placed is there');
    node.record = record;
  }

  #deleteQueue(record: QueueRecord): void {
    const node = this.#queuesById.get(record.id);
    assert(node !== undefined && incomingCount(node) === 0, 'a queue goes after its bindings');
    this.#queuesFor(record).delete(record.name);
    this.#queuesById.delete(record.id);
    const owned = this.#queuesByOwner.get(record.exclusiveOwner);
    owned?.delete(node);
    if (owned?.size === 0) this.#queuesByOwner.delete(record.exclusiveOwner);
  }

  #createBinding(record: BindingRecord): void {
    const source = this.exchange(record.vhost, record.source);
    const destination = this.destination(record.vhost, record.destinationKind, record.destination);
    const key = bindingKey(record);
    assert(source !== undefined && destination !== undefined, 'a binding is between two things that are there');
    assert(!source.outgoing.has(key), 'a binding is created once');
    source.outgoing.set(key, record);
    (destination.incoming ??= new Set()).add(record);
    source.rules.bind(record, destination);
    this.#bindingCount++;
  }

  #deleteBinding(record: BindingRecord): void {
    const source = this.exchange(record.vhost, record.source);
    const destination = this.destination(record.vhost, record.destinationKind, record.destination);
    const key = bindingKey(record);
    // The event may be a copy from another thread; the sets hold the record that this replica stored.
    const stored = source?.outgoing.get(key);
    assert(source !== undefined && destination !== undefined && stored !== undefined, 'a binding that is deleted is there');
    source.outgoing.delete(key);
    destination.incoming?.delete(stored);
    source.rules.unbind(stored, destination);
    this.#bindingCount--;
  }

  #queuesFor(record: QueueRecord): Map<string, QueueNode> {
    const { queues, hidden } = this.#vhostOf(record.vhost);
    return isHidden(record) ? hidden : queues;
  }

  #vhostOf(name: string): VhostNode {
    const node = this.#vhosts.get(name);
    assert(node !== undefined, 'the virtual host of an event is there');
    return node;
  }
}

function incomingCount(node: DestinationNode): number {
  return node.incoming?.size ?? 0;
}

function assert(holds: boolean, rule: string): asserts holds {
  if (!holds) throw new Error(`assertion failed: ${rule}`);
}
