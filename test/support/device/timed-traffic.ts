/** Persistent messages to two durable queues, one of which is read meanwhile, with the times of everything in a ledger. */
import type { TestBroker } from '../broker.ts';
import { Random } from '../hostile/random.ts';
import { decodeFields } from '../raw-bytes.ts';
import type { RawChannel } from '../raw-channel.ts';
import { RawClient } from '../raw-client.ts';
import { METHODS } from '../raw-methods.ts';
import { nameOf } from './node-on-device.ts';
import { TimedLedger, nowNs } from './timed-ledger.ts';
import type { TimedMessage } from './timed-ledger.ts';

/** The queue that keeps everything, and the one whose messages are acknowledged now and then. */
export const QUEUES = [1, 2] as const;
const READ_QUEUE = 2;
const PERSISTENT = 2;
const WINDOW = 32;
const BURST_MAX = 12;
/** A node that is blocked for as long as a test wants. */
const PATIENCE_MS = 60_000;

export class TimedTraffic {
  readonly ledger = new TimedLedger();
  readonly #publisher: RawClient;
  readonly #channel: RawChannel;
  readonly #reader: RawClient;
  readonly #readChannel: RawChannel;
  readonly #random: Random;
  /** By delivery tag, less one. */
  readonly #published: TimedMessage[] = [];
  readonly #open = new Set<number>();
  /** Reasons of connection.blocked, as they came. */
  readonly blocked: string[] = [];
  /** When the first came. */
  blockedNs: bigint | undefined = undefined;
  unblocked = 0;
  /** The node has gone away, with these words if any. */
  ended = false;
  closedBecause = '';

  private constructor(publisher: RawClient, channel: RawChannel, reader: RawClient, readChannel: RawChannel, seed: number) {
    this.#publisher = publisher;
    this.#channel = channel;
    this.#reader = reader;
    this.#readChannel = readChannel;
    this.#random = new Random(seed);
  }

  static async open(broker: TestBroker, seed: number): Promise<TimedTraffic> {
    const publisher = await RawClient.connect(broker);
    const reader = await RawClient.connect(broker);
    const traffic = new TimedTraffic(publisher, await publisher.openChannel(), reader, await reader.openChannel(), seed);
    for (const queue of QUEUES) {
      await traffic.#channel.call('queue.declare', { queue: nameOf(queue), durable: true });
      traffic.ledger.declared(queue);
    }
    await traffic.#channel.call('confirm.select');
    await traffic.#readChannel.call('basic.qos', { prefetchCount: WINDOW });
    await traffic.#readChannel.consume(nameOf(READ_QUEUE));
    void traffic.#watch();
    void reader.refused().catch(() => undefined);
    void traffic.#read();
    return traffic;
  }

  get confirmed(): number {
    return this.#published.length - this.#open.size;
  }

  /** Sends so many messages; resolves when all are answered, or when the node has gone away. */
  async publish(messages: number): Promise<void> {
    const last = this.#published.length + messages;
    try {
      while (this.#published.length < last || this.#open.size > 0) {
        const count = Math.min(this.#random.between(1, BURST_MAX), last - this.#published.length, WINDOW - this.#open.size);
        for (let each = 0; each < count; each++) this.#send();
        // At least one answer, and all that are in.
        if (this.#open.size > 0) do this.#answered(await this.#channel.inbox.take('a confirm', PATIENCE_MS));
        while (this.#channel.inbox.length > 0);
      }
    } catch (error) {
      this.#goneOrThrow(error);
    }
  }

  /** Sends one message more, whatever is unanswered; those who publish nothing are not told to wait. */
  nudge(): void {
    this.#send();
  }

  drop(): void {
    this.#publisher.drop();
    this.#reader.drop();
  }

  #send(): void {
    const random = this.#random;
    const size = random.chance(4) ? random.between(20_000, 120_000) : random.chance(30) ? random.between(1000, 8000) : random.between(12, 300);
    const { body, message } = this.ledger.send(random.pick(QUEUES), size);
    this.#published.push(message);
    this.#open.add(this.#published.length);
    this.#channel.publish({ routingKey: nameOf(message.queue) }, body, { deliveryMode: PERSISTENT });
  }

  #answered(incoming: { readonly name: string; readonly arguments: Buffer }): void {
    if (incoming.name === 'channel.close') throw new Error('the connection ended');
    if (incoming.name !== 'basic.ack') throw new Error(`the publisher got ${incoming.name}`);
    const { deliveryTag, multiple } = decodeFields(METHODS['basic.ack'][2], incoming.arguments);
    const tags = multiple ? [...this.#open].filter((tag) => tag <= deliveryTag) : [deliveryTag];
    for (const tag of tags) {
      this.#open.delete(tag);
      this.#published[tag - 1]!.confirmedNs = nowNs();
    }
  }

  /** Acknowledges some of what comes, from time to time. */
  async #read(): Promise<void> {
    let held: TimedMessage[] = [];
    try {
      for (;;) {
        const { fields, body } = await this.#readChannel.delivery();
        const message = this.ledger.messageOf(body);
        if (message !== undefined) held.push(message);
        if (held.length < WINDOW && !this.#random.chance(20)) continue;
        // Stamped before it is sent: from then on the message may go.
        for (const each of held) each.acknowledgedNs = nowNs();
        held = [];
        this.#readChannel.send('basic.ack', { deliveryTag: fields.deliveryTag, multiple: true });
      }
    } catch {
      // The reader ends with the node, or with the traffic.
    }
  }

  async #watch(): Promise<void> {
    try {
      for (;;) {
        const { name, arguments: bytes } = await this.#publisher.connection.inbox.take('a word on the connection', 2 ** 31 - 1);
        if (name === 'connection.blocked') {
          this.blockedNs ??= nowNs();
          this.blocked.push(decodeFields(METHODS['connection.blocked'][2], bytes).reason);
        }
        if (name === 'connection.unblocked') this.unblocked++;
        if (name === 'connection.close') {
          this.closedBecause = decodeFields(METHODS['connection.close'][2], bytes).replyText;
          this.#publisher.connection.send('connection.close-ok');
        }
      }
    } catch {
      this.ended = true;
    }
  }

  #goneOrThrow(error: unknown): void {
    if (!String(error).includes('the connection ended')) throw error;
    this.ended = true;
  }
}
