/**
 * A producer: one channel that publishes to its routes, as fast as TCP takes it, or what a schedule asks for. Only the socket
 * (and, where they are asked for, the confirms) holds it back. Several may share a connection.
 */
import { nowNs } from './clock.ts';
import { BUSY_RECEIVE_BYTES, CHANNEL, Connection } from './connection.ts';
import { ConfirmWindow } from './confirm-window.ts';
import type { BatchShape, PublishBatch } from './batch-shape.ts';
import { batchOf } from './publish-batch.ts';
import type { Route } from './publish-wire.ts';
import { catchUp, commitFrame, selectConfirms, selectTransactions } from './queue-calls.ts';
import { TransactionWindow } from './transaction-window.ts';

export type ProducerOptions = Omit<BatchShape, 'frameMaxBytes' | 'channel'> & {
  /** How many publishes may be unconfirmed; undefined: no confirms. */
  readonly outstandingLimit?: number | undefined;
  /** A commit after so many messages; undefined: no transactions. */
  readonly producerTransaction?: number | undefined;
  /** The largest frame that is asked for, bytes. */
  readonly frameMaxBytes?: number | undefined;
  /** Each batch carries the time at which it was written. */
  readonly timed?: boolean | undefined;
  /** After each chunk that the broker sent, when its confirms have been counted. */
  readonly progressed?: (producer: Producer) => void;
  /** The time from the write of a publish to its confirm, for each, ns; undefined: nobody wants to know. */
  readonly confirmedAfter?: ((latencyNs: number) => void) | undefined;
  /** The connection ended; without it, the error ends the process. */
  readonly failed?: (error: Error) => void;
};

export class Producer {
  /** Messages that the kernel has taken in full. */
  sent = 0;
  readonly #connection: Connection;
  readonly #channel: number;
  readonly #routes: readonly Route[];
  readonly #options: ProducerOptions;
  readonly #confirms: ConfirmWindow | undefined;
  readonly #transaction: TransactionWindow | undefined;
  #batch: PublishBatch;
  #running = false;
  /** How many more `start` allows. */
  #remaining = Infinity;
  #writing = false;

  static async open(url: string, routes: readonly Route[], options: ProducerOptions): Promise<Producer> {
    return (await Producer.openAll(url, [routes], options))[0] as Producer;
  }

  /** One connection with a channel and a producer for each list of routes. */
  static async openAll(url: string, routesOf: readonly (readonly Route[])[], options: ProducerOptions, count?: ReturnCounter): Promise<Producer[]> {
    const producers: Producer[] = [];
    const { failed } = options;
    const connection = await Connection.open(url, {
      receiveBytes: BUSY_RECEIVE_BYTES,
      channels: routesOf.length,
      frameMaxBytes: options.frameMaxBytes,
      heard: (_methodId, channel) => producers[channel - CHANNEL]?.committed(),
      confirm: (deliveryTag, multiple, refused, channel) => producers[channel - CHANNEL]?.settle(deliveryTag, multiple, refused),
      scanned: () => {
        for (const producer of producers) {
          producer.continue();
          options.progressed?.(producer);
        }
      },
      ...(count === undefined ? {} : { returned: () => void (count.returned += 1) }),
      ...(failed === undefined ? {} : { failed }),
    });
    for (let index = 0; index < routesOf.length; index += 1) {
      if (options.outstandingLimit !== undefined) await selectConfirms(connection, CHANNEL + index);
      if (options.producerTransaction !== undefined) await selectTransactions(connection, CHANNEL + index);
    }
    routesOf.forEach((routes, index) => producers.push(new Producer(connection, CHANNEL + index, routes, options)));
    return producers;
  }

  private constructor(connection: Connection, channel: number, routes: readonly Route[], options: ProducerOptions) {
    this.#connection = connection;
    this.#channel = channel;
    this.#routes = routes;
    this.#options = options;
    const { outstandingLimit, confirmedAfter, producerTransaction } = options;
    this.#confirms = outstandingLimit === undefined ? undefined : new ConfirmWindow(outstandingLimit, confirmedAfter);
    this.#transaction = producerTransaction === undefined ? undefined : new TransactionWindow(producerTransaction, () => connection.socket.write(commitFrame(channel)));
    this.#batch = this.#encode(options.bodyBytes);
  }

  #encode(bodyBytes: number): PublishBatch {
    const { frameMaxBytes } = this.#connection;
    return batchOf(this.#routes, { ...this.#options, bodyBytes, frameMaxBytes, channel: this.#channel });
  }

  /** From the next message on, bodies have this size. */
  resize(bodyBytes: number): void {
    this.#batch = this.#encode(bodyBytes);
  }

  /** Publishes that the broker has confirmed. */
  get confirmed(): number {
    return this.#confirms === undefined ? 0 : this.#confirms.settled - this.#confirms.refused;
  }

  /** Publishes that the broker has refused. */
  get refused(): number {
    return this.#confirms?.refused ?? 0;
  }

  /** Publishes that may leave now without waiting for a confirm or a commit. */
  get room(): number {
    return this.#confirms?.room ?? this.#transaction?.room ?? Infinity;
  }

  /** Publishes without their confirm, or a commit without its answer. */
  get outstanding(): number {
    return this.#confirms?.outstanding ?? this.#transaction?.outstanding ?? 0;
  }

  /** Publishes as fast as the broker takes it, until `stop` or until so many are on their way. */
  start(messages = Infinity): void {
    this.#remaining = messages;
    this.#running = true;
    this.continue();
  }

  stop(): void {
    this.#running = false;
  }

  settle(deliveryTag: number, multiple: boolean, refused: boolean): void {
    this.#confirms?.settle(deliveryTag, multiple, refused);
  }

  /** The broker's tx.commit-ok; whoever calls `continue` goes on. */
  committed(): void {
    this.#transaction?.committed();
  }

  /** Writes the next batch when nothing stands in its way: no write is under way and the confirms leave room. */
  continue(): void {
    if (!this.#running || this.#writing) return;
    const count = Math.min(this.#batch.batchMessages, this.#remaining, this.room);
    if (count === 0) return;
    this.#remaining -= count;
    this.#confirms?.publish(count);
    this.#write(this.#options.timed === true ? this.#batch.stampedWith(nowNs(), count) : this.#batch.plain(count), count);
  }

  /** Publishes one message for each time at which one was due; answers when the kernel has taken them. */
  sendStamped(timesNs: readonly number[]): Promise<void> {
    return new Promise((resolve) => {
      this.#confirms?.publish(timesNs.length);
      this.#write(this.#batch.stampedEach(timesNs), timesNs.length, resolve);
    });
  }

  /** When the broker has dealt with everything that was written. */
  caughtUp(): Promise<void> {
    return catchUp(this.#connection, this.#channel);
  }

  /** Without a farewell: what the broker has not read yet is dropped with the queue. */
  drop(): void {
    this.#running = false;
    this.#connection.drop();
  }

  /**
   * The next batch goes out from the event loop's check phase, never from the callback itself: a broker that keeps up would
   * otherwise hold the loop in a chain of callbacks, and no timer would ever end the window.
   */
  #write(bytes: Buffer, count: number, taken?: () => void): void {
    this.#writing = true;
    this.#connection.socket.write(bytes, () => {
      this.sent += count;
      this.#writing = false;
      if (taken !== undefined) taken();
      else setImmediate(() => this.continue());
    });
    this.#transaction?.wrote(count);
  }
}

/** Counts the messages that came back. */
export type ReturnCounter = { returned: number };
