/** A consumer that fetches each message with basic.get, which no application should do: on each of its channels one after the other, queue by queue. */
import { pause } from './clock.ts';
import { CHANNEL, Connection, IDLE_RECEIVE_BYTES } from './connection.ts';
import type { Subscription } from './layout.ts';
import { MessageScanner } from './message-scanner.ts';
import { queuesByChannel } from './own-queue.ts';
import { latencyListeners, openSettler, type Receiver, type ReceiverOptions } from './receiver.ts';
import type { Settler } from './settler.ts';
import { Slowness } from './slowness.ts';
import { methodFrame, MethodId, shortString, u16, u8 } from './wire.ts';

/** What a channel waits for: `true`, a message came or a commit is done; `false`, the queue was empty. */
type Waiter = (came: boolean) => void;

export class Poller implements Receiver {
  readonly counts = true;
  readonly connection: Connection;
  readonly #options: ReceiverOptions;
  readonly #settler: Settler | undefined;
  readonly #slowness: Slowness | undefined;
  readonly #queuesOf: readonly (readonly string[])[];
  readonly #waiters: Map<number, Waiter>;
  #isDropped = false;

  static async open(url: string, subscriptions: readonly Pick<Subscription, 'queues' | 'own'>[], options: ReceiverOptions): Promise<Poller> {
    let settler: Settler | undefined;
    const waiters = new Map<number, Waiter>();
    const connection = await Connection.open(url, {
      receiveBytes: IDLE_RECEIVE_BYTES,
      channels: subscriptions.length,
      frameMaxBytes: options.frameMaxBytes,
      heard: (methodId, channel) => {
        settler?.committed?.(channel);
        waiters.get(channel)?.(methodId !== MethodId.basicGetEmpty);
      },
      scannerOf: (owner) => new MessageScanner(owner, options.stampPlace ?? 'body', (channel) => waiters.get(channel)?.(true)),
      ...latencyListeners(options.latency),
    });
    const queuesOf = await queuesByChannel(connection, subscriptions);
    settler = await openSettler(connection, subscriptions.length, options);
    return new Poller(connection, queuesOf, settler, waiters, options);
  }

  private constructor(connection: Connection, queuesOf: readonly (readonly string[])[], settler: Settler | undefined, waiters: Map<number, Waiter>, options: ReceiverOptions) {
    this.connection = connection;
    this.#queuesOf = queuesOf;
    this.#settler = settler;
    this.#waiters = waiters;
    this.#options = options;
    this.#slowness = Slowness.of(options);
  }

  get received(): number {
    return this.#settler?.handled ?? this.connection.scanner.deliveries;
  }

  get queues(): readonly string[] {
    return [...new Set(this.#queuesOf.flat())];
  }

  /** Fetches from now on; ends with the connection. */
  subscribe(index: number): Promise<void> {
    void this.#poll(CHANNEL + index, this.#queuesOf[index] ?? []);
    return Promise.resolve();
  }

  settleRest(): void {
    this.#settler?.rest();
  }

  drop(): void {
    this.#isDropped = true;
    this.connection.drop();
  }

  async #poll(channel: number, queues: readonly string[]): Promise<void> {
    const { automaticAck, pollingIntervalMs = 0, messagesPerConsumer = Infinity } = this.#options;
    let taken = 0;
    const gets = queues.map((queue) => methodFrame(channel, MethodId.basicGet, u16(0), shortString(queue), u8(automaticAck ? 1 : 0)));
    while (gets.length > 0) {
      for (const get of gets) {
        if (this.#isDropped || taken >= messagesPerConsumer) return;
        this.connection.socket.write(get);
        if (await this.#answer(channel)) {
          taken += 1;
          await this.#handle(channel);
        }
        if (pollingIntervalMs > 0) await pause(pollingIntervalMs);
      }
    }
  }

  #answer(channel: number): Promise<boolean> {
    return new Promise((resolve) => this.#waiters.set(channel, resolve));
  }

  async #handle(channel: number): Promise<void> {
    this.#settler?.pass();
    if (this.#settler?.committing?.(channel) === true) await this.#answer(channel);
    const restMs = this.#slowness?.restMsAfter(1) ?? 0;
    if (restMs >= 1) await pause(restMs);
  }
}
