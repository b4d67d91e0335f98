/**
 * Where the dead letters of one queue go, on this thread's replica of the topology. Most queues see few keys again and again: what was
 * found for the exchange and routing key of a message that died is kept until the topology changes, with the header fields that were
 * made last.
 */
import type { QueueLink, QueueLinks } from '../../src/amqp/channel/queue-link.ts';
import { exchangeOf, routingKeyOf } from '../../src/amqp/channel/route-cache.ts';
import type { CopyDraft } from '../../src/amqp/copy-draft.ts';
import type { MessageMemory } from '../../src/amqp/stored-message.ts';
import { NAME_SIZE_MAX } from '../../src/broker/bounds.ts';
import { NO_PROPERTIES, type RoutingProperties } from '../../src/broker/exchange/exchange.ts';
import { isAnyTimed } from '../../src/broker/queue-options.ts';
import { RouteResult, route } from '../../src/broker/topology/router.ts';
import type { DropReason } from '../../src/broker/queue/dying.ts';
import type { QueueRecord } from '../../src/broker/topology/topology-records.ts';
import type { Topology } from '../../src/broker/topology/topology.ts';

/** Keys that a queue keeps; then it begins anew. */
const ROUTES_MAX = 1024;

/** What a queue's dead letters need of its thread. */
export type DeadLetterSetting = {
  readonly queue: QueueRecord;
  readonly exchange: string;
  /** Undefined: each letter keeps its own. */
  readonly routingKey: string | undefined;
  readonly topology: Topology;
  readonly memory: MessageMemory;
  /** From 0 to below 1, for exchanges that leave it to chance. */
  chance(): number;
  /** Letters that have not left yet, each with its leases: they outlive the incarnation that made them. */
  readonly links: QueueLinks;
  /** The letter that is being written. */
  readonly draft: CopyDraft;
};

/** Queues for a letter. */
export type Targets = {
  readonly links: readonly QueueLink[];
  /** It may expire in one of them, or is held back. */
  readonly timed: boolean;
};

/** What is known of messages that were published with one exchange and routing key. */
export class DeadRoute {
  readonly exchange: string;
  readonly routingKey: string;
  /** Exchange and routing key of the letters, as two short strings. */
  readonly key: Buffer;
  /** Of a letter that a rejection made, and of one that something else made: not back to where it died. */
  readonly rejected: Targets;
  readonly others: Targets;
  /** More than the routing key decides: each letter is routed anew. */
  readonly dependsOnMore: boolean;
  /** The fields that were made last, and for what. */
  fields: Buffer = Buffer.alloc(0);
  #seconds = -1;
  #reason: DropReason | undefined = undefined;
  #expiration: string | undefined = undefined;

  constructor(exchange: string, routingKey: string, key: Buffer, rejected: Targets, others: Targets, dependsOnMore: boolean) {
    this.exchange = exchange;
    this.routingKey = routingKey;
    this.key = key;
    this.rejected = rejected;
    this.others = others;
    this.dependsOnMore = dependsOnMore;
  }

  hasFieldsOf(reason: DropReason, seconds: number, expiration: string | undefined): boolean {
    return this.#seconds === seconds && this.#reason === reason && this.#expiration === expiration;
  }

  keep(fields: Buffer, reason: DropReason, seconds: number, expiration: string | undefined): void {
    this.fields = fields;
    this.#reason = reason;
    this.#seconds = seconds;
    this.#expiration = expiration;
  }
}

const NOWHERE: Targets = { links: [], timed: false };

export class DeadRoutes {
  readonly #setting: DeadLetterSetting;
  readonly #result: RouteResult;
  readonly #exchange: Buffer;
  readonly #routingKey: Buffer | undefined;
  #routes = new Map<string, DeadRoute>();
  /** No short string can name such an exchange or key: nothing is there that takes the letters. */
  readonly #isTooLong: boolean;
  #version = -1;
  #lastKey = Buffer.alloc(2 * (NAME_SIZE_MAX + 1));
  #lastSize = -1;
  #last: DeadRoute | undefined = undefined;

  constructor(setting: DeadLetterSetting) {
    this.#setting = setting;
    this.#result = new RouteResult(() => setting.chance(), true);
    this.#exchange = Buffer.from(setting.exchange);
    this.#routingKey = setting.routingKey === undefined ? undefined : Buffer.from(setting.routingKey);
    this.#isTooLong = this.#exchange.length > NAME_SIZE_MAX || (this.#routingKey?.length ?? 0) > NAME_SIZE_MAX;
  }

  /** The route for a message with the key in `bytes`: exchange and routing key as two short strings. */
  find(bytes: Buffer, start: number, size: number): DeadRoute {
    if (this.#version !== this.#setting.topology.version) this.#forget();
    if (this.#last !== undefined && size === this.#lastSize && this.#isLast(bytes, start, size)) return this.#last;
    const key = bytes.toString('latin1', start, start + size);
    let found = this.#routes.get(key);
    if (found === undefined) {
      found = this.#make(bytes, start);
      if (this.#routes.size >= ROUTES_MAX) this.#routes = new Map();
      this.#routes.set(key, found);
    }
    this.#last = found;
    this.#lastSize = size;
    bytes.copy(this.#lastKey, 0, start, start + size);
    return found;
  }

  #isLast(bytes: Buffer, start: number, size: number): boolean {
    const last = this.#lastKey;
    for (let byte = 0; byte < size; byte++) if (bytes[start + byte] !== last[byte]) return false;
    return true;
  }

  #forget(): void {
    this.#version = this.#setting.topology.version;
    this.#routes = new Map();
    this.#last = undefined;
  }

  #make(bytes: Buffer, start: number): DeadRoute {
    const exchange = exchangeOf(bytes, start);
    const routingKey = routingKeyOf(bytes, start);
    const kept = start + 1 + bytes[start]!;
    const newKey = this.#routingKey ?? bytes.subarray(kept + 1, kept + 1 + bytes[kept]!);
    if (this.#isTooLong) return new DeadRoute(exchange, routingKey, Buffer.alloc(2), NOWHERE, NOWHERE, false);
    const key = Buffer.concat([Buffer.of(this.#exchange.length), this.#exchange, Buffer.of(newKey.length), newKey]);
    const all = this.compute([this.#setting.routingKey ?? routingKey], NO_PROPERTIES, () => true);
    const { dependsOnMore } = this.#result;
    const { id } = this.#setting.queue;
    const others = this.#targets((queue) => queue.id !== id);
    return new DeadRoute(exchange, routingKey, key, all, others, dependsOnMore);
  }

  /** The queues of a letter with these keys and properties, but for those that may not have it. */
  compute(routingKeys: readonly string[], properties: RoutingProperties, may: (queue: QueueRecord) => boolean): Targets {
    const { topology, queue, exchange } = this.#setting;
    const node = topology.exchange(queue.vhost, exchange);
    if (node === undefined || this.#isTooLong) {
      // Nothing was found, and nothing before counts any more.
      this.#result.begin(topology.nextRoute());
      return NOWHERE;
    }
    route(topology, node, routingKeys, properties, this.#result);
    return this.#targets(may);
  }

  #targets(may: (queue: QueueRecord) => boolean): Targets {
    const { links, topology } = this.#setting;
    const queues = this.#result.queues.filter(may);
    // A delay counts from the death.
    let timed = isAnyTimed(queues);
    for (const { record } of this.#result.delays) {
      const timeline = topology.timeline(record.vhost, record.name);
      if (timeline === undefined) continue;
      queues.push(timeline.record);
      timed = true;
    }
    return queues.length === 0 ? NOWHERE : { links: queues.map((queue) => links.to(queue)), timed };
  }
}
