/** A consumer: one connection that counts what one queue delivers, settles it, and keeps the latency where times are sent. */
import type { Histogram } from 'hdr-histogram-js';
import { nowNs } from './clock.ts';
import { BUSY_RECEIVE_BYTES, CHANNEL, Connection } from './connection.ts';
import { recordLatency } from './latency.ts';
import { subscribe } from './queue-calls.ts';
import { ackFrames } from './wire.ts';

export type ConsumerOptions = {
  readonly automaticAck: boolean;
  /** 0: no limit. */
  readonly prefetch: number;
  /** One ack with multiple=true for so many messages; without meaning for automatic ack. */
  readonly ackEvery: number;
  /** Where latencies go; undefined: bodies carry no time. */
  readonly latency?: LatencyWindow | undefined;
};

/** Latency counts for the messages whose sending was due inside the window, whenever they arrive. */
export type LatencyWindow = { readonly histogram: Histogram; fromNs: number; toNs: number };

export class Consumer {
  readonly #connection: Connection;

  static async open(url: string, queue: string, options: ConsumerOptions): Promise<Consumer> {
    let ackedTag = 0;
    let arrivedNs = 0;
    const { ackEvery, automaticAck, latency } = options;
    let connection: Connection | undefined;
    const settle = (): void => {
      if (connection === undefined) return;
      const { lastDeliveryTag } = connection.scanner;
      const settledTag = lastDeliveryTag - (lastDeliveryTag % ackEvery);
      if (settledTag === ackedTag) return;
      connection.socket.write(ackFrames(CHANNEL, ackedTag, settledTag, ackEvery));
      ackedTag = settledTag;
    };
    connection = await Connection.open(url, {
      receiveBytes: BUSY_RECEIVE_BYTES,
      ...(automaticAck ? {} : { scanned: () => settle() }),
      ...(latency === undefined
        ? {}
        : {
            arrived: () => {
              arrivedNs = nowNs();
            },
            sentAt: (timeNs: number) => {
              if (timeNs >= latency.fromNs && timeNs < latency.toNs) recordLatency(latency.histogram, arrivedNs - timeNs);
            },
          }),
    });
    await subscribe(connection, queue, automaticAck, options.prefetch);
    return new Consumer(connection);
  }

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  get received(): number {
    return this.#connection.scanner.deliveries;
  }

  drop(): void {
    this.#connection.drop();
  }
}
