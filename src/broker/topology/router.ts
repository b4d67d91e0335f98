/**
 * Routing: from an exchange and routing keys to queues, each at most once, over bindings between exchanges and alternate
 * exchanges, through cycles.
 *
 * The hot path allocates nothing: visited nodes carry the number of the route, and the result's arrays are used again.
 */
import { EXTRA_ROUTING_KEY_COUNT_MAX } from '../bounds.ts';
import { delayMs } from '../exchange/delayed-exchange.ts';
import { isRemembered } from '../exchange/recent-history-exchange.ts';
import type { RouteSink, RoutingProperties } from '../exchange/exchange.ts';
import type { FieldTable } from '../field-table.ts';
import { textOf, typeName } from '../field-value.ts';
import { DEFAULT_EXCHANGE } from '../name.ts';
import { ReplyCode, refuse } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';
import type { DestinationNode, ExchangeNode, QueueNode } from './topology-node.ts';
import type { QueueRecord } from './topology-records.ts';
import type { Topology } from './topology.ts';

/**
 * What a route found, to be used again for the next one. Valid until the topology's version changes; to be kept by exchange
 * and routing key only if `dependsOnMore` is false and there was one routing key.
 */
export class RouteResult implements RouteSink<DestinationNode> {
  /** Every queue that gets the message, once. */
  readonly queues: QueueRecord[] = [];
  /** True when more than the routing key may have played a part, so that another message may be routed elsewhere. */
  dependsOnMore = false;
  /** Exchanges that are still to be asked. */
  readonly pending: ExchangeNode[] = [];
  /** Whether the exchange that is being asked had any destination, visited before or not. */
  matched = false;
  /** Delayed exchanges that are to hold the message back: what lies behind them gets it later. Stays empty for `delays` false. */
  readonly delays: ExchangeNode[] = [];
  /** How many of `queues` are histories of exchanges: whoever has a message there alone has not been routed. */
  historyCount = 0;
  readonly #delaying: boolean;
  /** Where exchanges that choose by chance draw from. */
  readonly chance: () => number;
  #route = 0;

  /** `delaying`: delayed exchanges are to hold back what asks for it; else they route everything at once. */
  constructor(chance: () => number, delaying = false) {
    this.chance = chance;
    this.#delaying = delaying;
  }

  begin(route: number): void {
    this.#route = route;
    this.queues.length = 0;
    this.pending.length = 0;
    this.delays.length = 0;
    this.historyCount = 0;
    this.dependsOnMore = false;
  }

  /** Whether the exchange holds the message back. */
  holdsBack(node: ExchangeNode, { headers }: RoutingProperties): boolean {
    if (!this.#delaying || delayMs(headers) === 0) return false;
    this.delays.push(node);
    return true;
  }

  /** The history of an exchange gets the message too; it is no destination. */
  remember(history: QueueNode | undefined): void {
    if (history === undefined) return;
    this.historyCount++;
    this.queues.push(history.record);
  }

  add(node: DestinationNode): void {
    this.matched = true;
    if (node.mark === this.#route) return;
    node.mark = this.#route;
    if (node.kind === 'queue') this.queues.push(node.record);
    else this.pending.push(node);
  }
}

/**
 * Routes from the exchange. An alternate exchange is asked when the exchange has no destination at all for the message, not
 * when its destinations lead nowhere; one that does not exist is as good as none, and so is the default exchange, which only
 * answers to messages that were published to it (seen on RabbitMQ 3.10).
 */
export function route(
  topology: Topology,
  exchange: ExchangeNode,
  routingKeys: readonly string[],
  properties: RoutingProperties,
  result: RouteResult,
): void {
  result.begin(topology.nextRoute());
  result.add(exchange);
  for (let node = result.pending.pop(); node !== undefined; node = result.pending.pop()) {
    if (node.delays && result.holdsBack(node, properties)) continue;
    if (node.remembers && isRemembered(properties)) result.remember(topology.history(node.record.vhost, node.record.name));
    result.matched = false;
    const { rules } = node;
    if (rules.dependsOnMore || node.remembers) result.dependsOnMore = true;
    const keyCount = rules.firstKeyOnly ? 1 : routingKeys.length;
    for (let index = 0; index < keyCount; index++) rules.route(routingKeys[index] as string, properties, result);
    if (result.matched || node.alternate === undefined || node.alternate === DEFAULT_EXCHANGE) continue;
    const alternate = topology.exchange(node.record.vhost, node.alternate);
    if (alternate !== undefined) result.add(alternate);
  }
}

const EXTRA_ROUTING_KEY_HEADERS = ['CC', 'BCC'];

/**
 * Appends the routing keys that the headers CC and BCC ask for (RabbitMQ guide "Sender-selected Distribution"). Answers a 406
 * for a header that is no array; what is no longstr in the array is passed over, as RabbitMQ does.
 */
export function addExtraRoutingKeys(headers: FieldTable, routingKeys: string[]): Refusal | undefined {
  for (const header of EXTRA_ROUTING_KEY_HEADERS) {
    const value = headers.get(header);
    if (value === undefined) continue;
    if (value.type !== 'A') {
      const term = `{unacceptable_type_in_header,"${header}",${typeName(value)}}`;
      return refuse(ReplyCode.preconditionFailed, `invalid message: ${term}`);
    }
    for (const item of value.value) if (item.type === 'S') routingKeys.push(textOf(item.value));
    if (routingKeys.length > EXTRA_ROUTING_KEY_COUNT_MAX) {
      return refuse(ReplyCode.preconditionFailed, `invalid message: more than ${EXTRA_ROUTING_KEY_COUNT_MAX} routing keys`);
    }
  }
  return undefined;
}
