/**
 * Routes messages of a delayed exchange whose time has come, on this thread's replica of the topology as it is now, and publishes them
 * to their queues as a connection would.
 */
import { PublishMark, type QueueLinks } from '../../src/amqp/channel/queue-link.ts';
import { routingKeyOf } from '../../src/amqp/channel/route-cache.ts';
import type { CopyDraft } from '../../src/amqp/copy-draft.ts';
import { CopyWriter } from '../../src/amqp/copy-writer.ts';
import { propertiesOf } from '../../src/amqp/message-properties.ts';
import { notePublished } from '../../src/amqp/message-times.ts';
import { KEY_SIZE, type MessageMemory, RECORD_HEAD_SIZE } from '../../src/amqp/stored-message.ts';
import { delayMs, delayedHeaders } from '../../src/broker/exchange/delayed-exchange.ts';
import { EMPTY_TABLE } from '../../src/broker/field-table.ts';
import { isAnyTimed } from '../../src/broker/queue-options.ts';
import { RouteResult, addExtraRoutingKeys, route } from '../../src/broker/topology/router.ts';
import type { Topology } from '../../src/broker/topology/topology.ts';

export type DueRouterSetting = {
  readonly vhost: string;
  /** The delayed exchange. */
  readonly exchange: string;
  readonly topology: Topology;
  readonly memory: MessageMemory;
  /** Publishes that have not left yet, each with its lease. */
  readonly links: QueueLinks;
  /** The message that is being written: it outlives the incarnation, as the links do. */
  readonly draft: CopyDraft;
  nowMs(): number;
  /** From 0 to below 1, for types that leave it to chance. */
  chance(): number;
};

/** What `route` answers when there is no memory. */
export const NO_MEMORY = -1;

export class DueRouter {
  readonly #setting: DueRouterSetting;
  readonly #result: RouteResult;
  readonly #copies: CopyWriter;

  constructor(setting: DueRouterSetting) {
    this.#setting = setting;
    this.#result = new RouteResult(() => setting.chance());
    this.#copies = new CopyWriter(setting.memory, setting.draft);
    // What an incarnation that crashed had begun: its message is routed once more.
    setting.draft.giveBack(setting.memory);
  }

  /** How long the message at `address` wants to be held back, milliseconds. */
  delayMs(address: number): number {
    return delayMs(propertiesOf(this.#setting.memory, address)?.headers);
  }

  /**
   * Publishes the message at `address`, whose lease stays with the caller, with these words for the answers and these marks (PublishMark).
   * Answers to how many queues, or NO_MEMORY, and nothing was published.
   */
  route(address: number, epoch: number, sequence: number, marks: number): number {
    const { topology, memory, links, draft, vhost, exchange } = this.#setting;
    const node = topology.exchange(vhost, exchange);
    if (node === undefined) return 0;
    const properties = propertiesOf(memory, address);
    // It was read when the message was published.
    if (properties === undefined) return 0;
    const headers = properties.headers ?? EMPTY_TABLE;
    const key = this.#keyOf(address);
    const keys = [routingKeyOf(key, 0)];
    // What is no list was refused when the message was published.
    addExtraRoutingKeys(headers, keys);
    const shown = new Map(delayedHeaders(headers));
    shown.delete('BCC');
    const shownProperties = { ...properties, headers: shown };
    route(topology, node, keys, shownProperties, this.#result);
    const { queues } = this.#result;
    if (queues.length === 0) return 0;
    const copy = this.#copies.withProperties(address, key, shownProperties, queues.length);
    if (copy === 0) return NO_MEMORY;
    const expiring = properties.expiration !== undefined;
    // The time in its queue begins now.
    if (expiring || isAnyTimed(queues)) notePublished(memory, copy, this.#setting.nowMs());
    for (const queue of queues) {
      links.publish(links.to(queue), copy, epoch, sequence, expiring ? marks | PublishMark.expiring : marks);
      draft.handOver();
    }
    return queues.length;
  }

  /** Exchange and routing key, as they stand in the record. */
  #keyOf(address: number): Buffer {
    const { memory } = this.#setting;
    const record = memory.byteOffsetOf(address);
    const keySize = memory.intsOf(address)[(record >> 2) + KEY_SIZE]!;
    return memory.bytesOf(address).subarray(record + RECORD_HEAD_SIZE, record + RECORD_HEAD_SIZE + keySize);
  }
}
