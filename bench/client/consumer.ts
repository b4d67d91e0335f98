/**
 * A consumer: one connection that counts what its queues deliver, settles it, and keeps the latency where times are sent. Each of
 * its channels consumes for itself. One that is slow on purpose stops reading, so that TCP and the prefetch limit do the rest.
 */
import type { Histogram } from 'hdr-histogram-js';
import type { Step } from '../scenario/load.ts';
import { nowNs } from './clock.ts';
import { BUSY_RECEIVE_BYTES, CHANNEL, Connection, IDLE_RECEIVE_BYTES } from './connection.ts';
import { recordLatency } from './latency.ts';
import { consumeQueue, limitPrefetch } from './queue-calls.ts';
import { Slowness } from './slowness.ts';
import { settleFrames, type Settling } from './wire.ts';

export type ConsumerOptions = {
  readonly automaticAck: boolean;
  /** 0: no limit. */
  readonly prefetch: number;
  /** For all consumers of a channel; 0 or absent: no limit. */
  readonly sharedPrefetch?: number | undefined;
  /** One ack with multiple=true for so many messages; without meaning for automatic ack. */
  readonly ackEvery: number;
  /** `reject` refuses each message for ever; `ack` when absent. */
  readonly settling?: Settling | undefined;
  /** Where latencies go; undefined: bodies carry no time. */
  readonly latency?: LatencyWindow | undefined;
  readonly consumerRatePerSecond?: number | undefined;
  readonly consumerLatencyUs?: number | undefined;
  readonly latencySteps?: readonly Step[] | undefined;
};

/** Latency counts for the messages whose sending was due inside the window, whenever they arrive. */
export type LatencyWindow = { readonly histogram: Histogram; fromNs: number; toNs: number; readonly counted?: (latencyNs: number) => void };

/** Clocks of two processes agree better than this. */
const FUTURE_NS = 1_000_000;

export class Consumer {
  readonly #connection: Connection;
  /** What it receives is the load's result; what is refused is only on its way. */
  readonly counts: boolean;

  /** `queuesOf`: the queues of each channel. */
  static async open(url: string, queuesOf: readonly (readonly string[])[], options: ConsumerOptions): Promise<Consumer> {
    const ackedTags = queuesOf.map(() => 0);
    let arrivedNs = 0;
    const { automaticAck, latency, settling = 'ack' } = options;
    const ackEvery = settling === 'reject' ? 1 : options.ackEvery;
    const slowness = Slowness.of(options);
    let connection: Connection | undefined;
    const settle = (): void => {
      if (connection === undefined) return;
      for (let index = 0; index < ackedTags.length; index += 1) {
        const lastTag = connection.scanner.lastTagOf(CHANNEL + index);
        const settledTag = lastTag - (lastTag % ackEvery);
        const ackedTag = ackedTags[index] as number;
        if (settledTag === ackedTag) continue;
        connection.socket.write(settleFrames(CHANNEL + index, ackedTag, settledTag, ackEvery, settling));
        ackedTags[index] = settledTag;
      }
    };
    const settled = automaticAck ? (): void => undefined : settle;
    connection = await Connection.open(url, {
      receiveBytes: slowness === undefined ? BUSY_RECEIVE_BYTES : IDLE_RECEIVE_BYTES,
      channels: queuesOf.length,
      ...(automaticAck && slowness === undefined ? {} : { scanned: () => (slowness === undefined || connection === undefined ? settled() : slowness.pass(connection, settled)) }),
      ...(latency === undefined
        ? {}
        : {
            arrived: () => {
              arrivedNs = nowNs();
            },
            sentAt: (timeNs: number) => {
              // A body of somebody else's says anything, and mostly a time that has not come.
              if (timeNs < latency.fromNs || timeNs >= latency.toNs || timeNs > arrivedNs + FUTURE_NS) return;
              recordLatency(latency.histogram, arrivedNs - timeNs);
              latency.counted?.(arrivedNs - timeNs);
            },
          }),
    });
    for (const [index, queues] of queuesOf.entries()) {
      await limitPrefetch(connection, options.prefetch, false, CHANNEL + index);
      await limitPrefetch(connection, options.sharedPrefetch ?? 0, true, CHANNEL + index);
      for (const [nth, queue] of queues.entries()) await consumeQueue(connection, queue, automaticAck, CHANNEL + index, `c${nth}`);
    }
    return new Consumer(connection, settling === 'ack');
  }

  private constructor(connection: Connection, counts: boolean) {
    this.#connection = connection;
    this.counts = counts;
  }

  get received(): number {
    return this.#connection.scanner.deliveries;
  }

  drop(): void {
    this.#connection.drop();
  }
}
