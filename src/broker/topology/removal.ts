/**
 * What goes when something goes. Deleting a queue or an exchange takes its bindings along; an exchange declared auto-delete
 * goes when the last binding of which it is the source does, which takes bindings to it along, and so on through chains and
 * cycles of exchanges.
 *
 * A removal only reads the topology and collects events, in an order in which nothing dangles: a binding's event stands before
 * the events of its ends.
 */
import type { TopologyEvent } from './topology-event.ts';
import type { DestinationNode, ExchangeNode, QueueNode } from './topology-node.ts';
import type { BindingRecord } from './topology-records.ts';
import type { Topology } from './topology.ts';

export class Removal {
  readonly events: TopologyEvent[] = [];
  readonly #topology: Topology;
  readonly #bindings = new Set<BindingRecord>();
  readonly #nodes = new Set<DestinationNode>();
  /** Bindings that a source will still have, for sources that lose some. */
  readonly #remaining = new Map<ExchangeNode, number>();
  /** Sources that lost their last binding and are looked at next: a list instead of recursion, chains may be long. */
  readonly #bare: ExchangeNode[] = [];

  constructor(topology: Topology) {
    this.#topology = topology;
  }

  queue(node: QueueNode): void {
    if (this.#nodes.has(node)) return;
    this.#nodes.add(node);
    this.#incoming(node);
    this.events.push({ type: 'queue-deleted', queue: node.record });
    this.#cascade();
  }

  exchange(node: ExchangeNode): void {
    this.#exchange(node);
    this.#cascade();
  }

  binding(record: BindingRecord): void {
    this.#binding(record);
    this.#cascade();
  }

  #exchange(node: ExchangeNode): void {
    if (this.#nodes.has(node)) return;
    this.#nodes.add(node);
    for (const record of node.outgoing.values()) this.#binding(record);
    this.#incoming(node);
    this.events.push({ type: 'exchange-deleted', exchange: node.record });
    const { vhost, name } = node.record;
    const own = node.delays ? this.#topology.timeline(vhost, name) : node.remembers ? this.#topology.history(vhost, name) : undefined;
    if (own !== undefined) this.events.push({ type: 'queue-deleted', queue: own.record });
  }

  #incoming(node: DestinationNode): void {
    for (const record of node.incoming ?? []) this.#binding(record);
  }

  #binding(record: BindingRecord): void {
    if (this.#bindings.has(record)) return;
    this.#bindings.add(record);
    this.events.push({ type: 'binding-deleted', binding: record });
    const source = this.#topology.exchange(record.vhost, record.source);
    if (source === undefined) throw new Error('assertion failed: the source of a binding is there');
    const remaining = (this.#remaining.get(source) ?? source.outgoing.size) - 1;
    this.#remaining.set(source, remaining);
    if (remaining === 0 && source.record.autoDelete) this.#bare.push(source);
  }

  #cascade(): void {
    for (let node = this.#bare.pop(); node !== undefined; node = this.#bare.pop()) this.#exchange(node);
  }
}
