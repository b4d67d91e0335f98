/**
 * Where messages go, by the bytes of exchange and routing key: most publishers use few of them again and again. What was
 * found is kept until the topology changes; the last one is compared before anything is looked up.
 */
import { isUtf8 } from 'node:buffer';
import { isAnyTimed } from '../../broker/queue-options.ts';
import { type Refusal, ReplyCode, refuse } from '../../broker/refusal.ts';
import { openExchange, permitTopics } from '../../broker/topology/access.ts';
import type { ExchangeNode } from '../../broker/topology/topology-node.ts';
import { RouteResult, route } from '../../broker/topology/router.ts';
import { NO_PROPERTIES, type RoutingProperties } from '../../broker/exchange/exchange.ts';
import type { ChannelPort } from './channel-port.ts';
import type { QueueLink } from './queue-link.ts';

/** Keys that a connection keeps; then it begins anew. */
const ROUTES_MAX = 4096;

export type Route = {
  readonly links: readonly QueueLink[];
  readonly refusal: Refusal | undefined;
  /** More than the routing key decides: the links are those of one message, and the next one goes from `anew`. */
  readonly dependsOnMore: boolean;
  readonly anew: { readonly exchange: ExchangeNode; readonly routingKeys: readonly string[] } | undefined;
  /** The message may expire where it goes: it must say when it was published. */
  readonly timed: boolean;
  /** The publisher said how long this one message may wait: a route of its own. */
  readonly expiring: boolean;
  /** No queue gets the message: there are no links, or only those of histories. */
  readonly unrouted: boolean;
  /** Some of the links are those of delayed exchanges, which hold the message back. */
  readonly delayed: boolean;
};

const NO_LINKS: readonly QueueLink[] = [];
/** A broken name, decoded and written again, would be longer than it was: up to more than a short string holds. */
const MALFORMED: Route = refusedRoute(refuse(ReplyCode.frameError, 'Malformed UTF-8 in shortstr'));

export class RouteCache {
  readonly #port: ChannelPort;
  readonly #result: RouteResult;
  /** Where a message that is held back would go now. */
  readonly #later: RouteResult;
  #routes = new Map<string, Route>();
  #version = -1;
  #lastKey = Buffer.alloc(512);
  #lastSize = -1;
  #last: Route | undefined = undefined;

  constructor(port: ChannelPort) {
    this.#port = port;
    this.#result = new RouteResult(() => port.chance(), true);
    this.#later = new RouteResult(() => port.chance());
  }

  /** The route for the key in `buffer`: exchange and routing key as two short strings. Of a message without properties that could count. */
  find(buffer: Buffer, start: number, size: number): Route {
    const last = this.#last;
    const isKnown = last !== undefined && this.#version === this.#port.topology.version && size === this.#lastSize;
    return isKnown && this.#isLast(buffer, start, size) ? last : this.#lookUp(buffer, start, size);
  }

  /** Apart from `find`, which is small enough to become a part of its caller. */
  #lookUp(buffer: Buffer, start: number, size: number): Route {
    if (this.#version !== this.#port.topology.version) this.#forget();
    const key = buffer.toString('latin1', start, start + size);
    let found = this.#routes.get(key);
    if (found === undefined) {
      found = this.computeKey(buffer, start, [routingKeyOf(buffer, start)], NO_PROPERTIES);
      if (found === MALFORMED) return found;
      if (this.#routes.size >= ROUTES_MAX) this.#routes = new Map();
      this.#routes.set(key, found);
    } else if (found.anew !== undefined) return this.#follow(found.anew.exchange, found.anew.routingKeys, NO_PROPERTIES);
    if (found.dependsOnMore) return found;
    this.#last = found;
    this.#lastSize = size;
    buffer.copy(this.#lastKey, 0, start, start + size);
    return found;
  }

  /** The route for exchange and first routing key in `buffer`, and for more routing keys or properties. */
  computeKey(buffer: Buffer, start: number, routingKeys: readonly string[], properties: RoutingProperties): Route {
    const exchange = exchangeOf(buffer, start);
    if (mayBeMalformed(exchange) || mayBeMalformed(routingKeys[0]!)) {
      const key = start + 1 + buffer[start]!;
      const wellFormed = isUtf8(buffer.subarray(start + 1, key)) && isUtf8(buffer.subarray(key + 1, key + 1 + buffer[key]!));
      if (!wellFormed) return MALFORMED;
    }
    return this.compute(exchange, routingKeys, properties);
  }

  /** The route of a message whose properties count, or whose routing keys are more than one. */
  compute(exchangeName: string, routingKeys: readonly string[], properties: RoutingProperties): Route {
    const { topology, who } = this.#port;
    const opened = openExchange(topology, who, exchangeName);
    if ('refusal' in opened) return refusedRoute(opened.refusal);
    return this.#follow(opened.exchange, routingKeys, properties);
  }

  #follow(exchange: ExchangeNode, routingKeys: readonly string[], properties: RoutingProperties): Route {
    const { topology, who, links } = this.#port;
    const refusal = permitTopics(topology, who, exchange, routingKeys);
    if (refusal !== undefined) return refusedRoute(refusal);
    route(topology, exchange, routingKeys, properties, this.#result);
    const { queues, delays, dependsOnMore, historyCount } = this.#result;
    const unrouted = queues.length + delays.length === historyCount;
    for (const { record } of delays) {
      const timeline = topology.timeline(record.vhost, record.name);
      if (timeline !== undefined) queues.push(timeline.record);
    }
    return {
      links: queues.length === 0 ? NO_LINKS : queues.map((queue) => links.to(queue)),
      refusal: undefined,
      dependsOnMore,
      anew: dependsOnMore ? { exchange, routingKeys } : undefined,
      // A delay counts from the publish.
      timed: delays.length > 0 || isAnyTimed(queues),
      expiring: false,
      unrouted,
      delayed: delays.length > 0,
    };
  }

  /** Where an exchange sends a message that comes from another exchange. Nobody is asked for permission. */
  behind(exchange: ExchangeNode, routingKeys: readonly string[], properties: RoutingProperties): readonly QueueLink[] {
    const { topology, links } = this.#port;
    route(topology, exchange, routingKeys, properties, this.#later);
    return this.#later.queues.map((queue) => links.to(queue));
  }

  /** Whether a message that is held back would find a queue now, if it were not. */
  reaches(exchangeName: string, routingKeys: readonly string[], properties: RoutingProperties): boolean {
    const { topology, who } = this.#port;
    const opened = openExchange(topology, who, exchangeName);
    if ('refusal' in opened) return false;
    route(topology, opened.exchange, routingKeys, properties, this.#later);
    return this.#later.queues.length > this.#later.historyCount;
  }

  #isLast(buffer: Buffer, start: number, size: number): boolean {
    const last = this.#lastKey;
    for (let byte = 0; byte < size; byte++) if (buffer[start + byte] !== last[byte]) return false;
    return true;
  }

  #forget(): void {
    this.#version = this.#port.topology.version;
    this.#routes = new Map();
    this.#last = undefined;
    this.#lastSize = -1;
  }
}

function refusedRoute(refusal: Refusal): Route {
  return { links: NO_LINKS, refusal, dependsOnMore: false, anew: undefined, timed: false, expiring: false, unrouted: true, delayed: false };
}

/** What is broken leaves a replacement character behind; few names contain one otherwise. */
function mayBeMalformed(name: string): boolean {
  return name.includes('\ufffd');
}

export function exchangeOf(buffer: Buffer, start: number): string {
  return buffer.toString('utf8', start + 1, start + 1 + buffer[start]!);
}

export function routingKeyOf(buffer: Buffer, start: number): string {
  const at = start + 1 + buffer[start]!;
  return buffer.toString('utf8', at + 1, at + 1 + buffer[at]!);
}
