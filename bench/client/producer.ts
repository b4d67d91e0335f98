/**
 * A producer: one connection that publishes to one queue, as fast as TCP takes it, or what a schedule asks for. Only the socket
 * (and, where they are asked for, the confirms) holds it back.
 */
import { BUSY_RECEIVE_BYTES, Connection } from './connection.ts';
import { ConfirmWindow } from './confirm-window.ts';
import { encodePublish, stampedMessages, type PublishWire } from './publish-wire.ts';
import { selectConfirms } from './queue-calls.ts';

export type ProducerOptions = {
  readonly bodyBytes: number;
  readonly persistent: boolean;
  /** How many publishes may be unconfirmed; undefined: no confirms. */
  readonly outstandingLimit?: number | undefined;
  /** After each chunk that the broker sent, when its confirms have been counted. */
  readonly progressed?: (producer: Producer) => void;
  /** The connection ended; without it, the error ends the process. */
  readonly failed?: (error: Error) => void;
};

export class Producer {
  /** Messages that the kernel has taken in full. */
  sent = 0;
  readonly #connection: Connection;
  readonly #wire: PublishWire;
  readonly #confirms: ConfirmWindow | undefined;
  #running = false;
  /** How many more `start` allows. */
  #remaining = Infinity;
  #writing = false;

  static async open(url: string, queue: string, options: ProducerOptions): Promise<Producer> {
    const confirms = options.outstandingLimit === undefined ? undefined : new ConfirmWindow(options.outstandingLimit);
    let producer: Producer | undefined;
    const connection = await Connection.open(url, {
      receiveBytes: BUSY_RECEIVE_BYTES,
      confirm: (deliveryTag, multiple, refused) => confirms?.settle(deliveryTag, multiple, refused),
      scanned: () => {
        if (producer === undefined) return;
        producer.continue();
        options.progressed?.(producer);
      },
      ...(options.failed === undefined ? {} : { failed: options.failed }),
    });
    if (confirms !== undefined) await selectConfirms(connection);
    const wire = encodePublish(queue, { ...options, frameMaxBytes: connection.frameMaxBytes });
    producer = new Producer(connection, wire, confirms);
    return producer;
  }

  private constructor(connection: Connection, wire: PublishWire, confirms: ConfirmWindow | undefined) {
    this.#connection = connection;
    this.#wire = wire;
    this.#confirms = confirms;
  }

  /** Publishes that the broker has confirmed. */
  get confirmed(): number {
    return this.#confirms === undefined ? 0 : this.#confirms.settled - this.#confirms.refused;
  }

  /** Publishes that the broker has refused. */
  get refused(): number {
    return this.#confirms?.refused ?? 0;
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

  /** Writes the next batch when nothing stands in its way: no write is under way and the confirms leave room. */
  continue(): void {
    if (!this.#running || this.#writing) return;
    const { batch, batchMessages, messageBytes } = this.#wire;
    const count = Math.min(batchMessages, this.#remaining, this.#confirms?.room ?? Infinity);
    if (count === 0) return;
    this.#remaining -= count;
    this.#confirms?.publish(count);
    this.#write(count === batchMessages ? batch : batch.subarray(0, count * messageBytes), count);
  }

  /** Publishes one message for each time at which one was due; answers when the kernel has taken them. */
  sendStamped(timesNs: readonly number[]): Promise<void> {
    return new Promise((resolve) => {
      this.#confirms?.publish(timesNs.length);
      this.#write(stampedMessages(this.#wire, timesNs), timesNs.length, resolve);
    });
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
  }
}
