/**
 * A consumer: one connection that counts what its queues deliver, settles it, and keeps the latency where times are sent. Each of
 * its channels consumes for itself. One that is slow on purpose stops reading, so that TCP and the prefetch limit do the rest.
 */
import { BUSY_RECEIVE_BYTES, CHANNEL, Connection, IDLE_RECEIVE_BYTES } from './connection.ts';
import type { Subscription } from './layout.ts';
import { MessageScanner } from './message-scanner.ts';
import { queuesByChannel } from './own-queue.ts';
import { consumeQueue, limitPrefetch } from './queue-calls.ts';
import { latencyListeners, openSettler, type Receiver, type ReceiverOptions } from './receiver.ts';
import type { Settler } from './settler.ts';
import { Slowness } from './slowness.ts';

export class Consumer implements Receiver {
  readonly connection: Connection;
  readonly counts: boolean;
  readonly #options: ReceiverOptions;
  readonly #settler: Settler | undefined;
  readonly #queuesOf: readonly (readonly string[])[];

  /** One channel for each subscription; nothing is consumed yet. */
  static async open(url: string, subscriptions: readonly Pick<Subscription, 'queues' | 'own'>[], options: ReceiverOptions): Promise<Consumer> {
    let settler: Settler | undefined;
    const { automaticAck, consumerTransaction } = options;
    const isSettling = !automaticAck || consumerTransaction !== undefined;
    const slowness = Slowness.of(options);
    let connection: Connection | undefined;
    const settle = (): void => settler?.pass();
    const scanned = slowness === undefined ? settle : (): void => void (connection === undefined || slowness.pass(connection, settle));
    connection = await Connection.open(url, {
      receiveBytes: slowness === undefined ? BUSY_RECEIVE_BYTES : IDLE_RECEIVE_BYTES,
      channels: subscriptions.length,
      frameMaxBytes: options.frameMaxBytes,
      heard: (_methodId, channel) => settler?.committed?.(channel),
      ...(isSettling || slowness !== undefined ? { scanned } : {}),
      ...(options.stampPlace === 'header' ? { scannerOf: (owner) => new MessageScanner(owner, 'header') } : {}),
      ...latencyListeners(options.latency),
    });
    const queuesOf = await queuesByChannel(connection, subscriptions);
    settler = await openSettler(connection, subscriptions.length, options);
    return new Consumer(connection, queuesOf, settler, options);
  }

  private constructor(connection: Connection, queuesOf: readonly (readonly string[])[], settler: Settler | undefined, options: ReceiverOptions) {
    this.connection = connection;
    this.#queuesOf = queuesOf;
    this.#settler = settler;
    this.#options = options;
    this.counts = options.settling !== 'reject';
  }

  get received(): number {
    return this.#settler?.handled ?? this.connection.scanner.deliveries;
  }

  get queues(): readonly string[] {
    return [...new Set(this.#queuesOf.flat())];
  }

  async subscribe(index: number): Promise<void> {
    const { automaticAck, prefetch, sharedPrefetch = 0, consumerArguments } = this.#options;
    const channel = CHANNEL + index;
    await limitPrefetch(this.connection, prefetch, false, channel);
    await limitPrefetch(this.connection, sharedPrefetch, true, channel);
    for (const [nth, queue] of (this.#queuesOf[index] ?? []).entries()) {
      await consumeQueue(this.connection, queue, automaticAck, channel, `c${nth}`, consumerArguments);
    }
  }

  settleRest(): void {
    this.#settler?.rest();
  }

  drop(): void {
    this.connection.drop();
  }
}
