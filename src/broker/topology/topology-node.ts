/**
 * What a replica of the topology makes of the records: nodes that know their neighbours, so that routing follows references
 * and never looks a name up. Nodes belong to one replica and never leave its thread; only records travel.
 *
 *     VhostNode ── exchanges by name ── ExchangeNode ── outgoing bindings ──> QueueNode or ExchangeNode
 *               └─ queues by name ───── QueueNode <── incoming bindings
 */
import { DefaultExchange } from '../exchange/default-exchange.ts';
import { DELAYED_KIND } from '../exchange/delayed-exchange.ts';
import { HISTORY_KIND } from '../exchange/recent-history-exchange.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { createExchange } from '../exchange/exchange-kind.ts';
import { EMPTY_TABLE } from '../field-table.ts';
import { fingerprint, textOf } from '../field-value.ts';
import { DEFAULT_EXCHANGE } from '../name.ts';
import type { BindingRecord, ExchangeRecord, QueueRecord, VhostRecord } from './topology-records.ts';

/** What a binding may lead to. */
export type DestinationNode = QueueNode | ExchangeNode;

export class QueueNode {
  readonly kind = 'queue';
  record: QueueRecord;
  /** The bindings that lead here; made with the first one, because most queues have none. */
  incoming: Set<BindingRecord> | undefined;
  /** The route that last visited the node: see Topology.nextRoute. */
  mark = 0;

  constructor(record: QueueRecord) {
    this.record = record;
  }
}

export class ExchangeNode {
  readonly kind = 'exchange';
  readonly record: ExchangeRecord;
  readonly rules: Exchange<DestinationNode>;
  /** The bindings that lead from here, by what makes them different from each other. */
  readonly outgoing = new Map<string, BindingRecord>();
  incoming: Set<BindingRecord> | undefined;
  /** The name of the exchange that gets what this one has no destination for. It need not exist. */
  readonly alternate: string | undefined;
  /** It holds messages back that ask for it. */
  readonly delays: boolean;
  /** What is bound to it gets its last messages. */
  readonly remembers: boolean;
  mark = 0;

  constructor(record: ExchangeRecord, rules: Exchange<DestinationNode> = createExchange(record.kind, record.arguments)) {
    this.record = record;
    this.rules = rules;
    this.delays = record.kind === DELAYED_KIND;
    this.remembers = record.kind === HISTORY_KIND;
    const alternate = record.arguments.get('alternate-exchange');
    this.alternate = alternate?.type === 'S' ? textOf(alternate.value) : undefined;
  }
}

export class VhostNode {
  record: VhostRecord;
  readonly queues = new Map<string, QueueNode>();
  /** Queues that exchanges have for themselves, which no client can name, by the names that they have as queues. */
  readonly hidden = new Map<string, QueueNode>();
  /** The default exchange included: it is there as soon as the virtual host is. */
  readonly exchanges = new Map<string, ExchangeNode>();

  constructor(record: VhostRecord) {
    this.record = record;
    this.exchanges.set(DEFAULT_EXCHANGE, new ExchangeNode(defaultExchangeOf(record.name), new DefaultExchange(this.queues)));
  }
}

function defaultExchangeOf(vhost: string): ExchangeRecord {
  return { vhost, name: DEFAULT_EXCHANGE, kind: 'direct', durable: true, autoDelete: false, internal: false, arguments: EMPTY_TABLE };
}

/** What tells apart the bindings of one source: destination, routing key and arguments (AMQP 0-9-1, queue.bind). */
export function bindingKey(binding: Pick<BindingRecord, 'destinationKind' | 'destination' | 'routingKey' | 'arguments'>): string {
  const { destinationKind, destination, routingKey } = binding;
  return `${destinationKind}${destination.length}:${destination}${routingKey.length}:${routingKey}${fingerprint(binding.arguments)}`;
}
