/**
 * One publish at a time: the next one goes out when the last one is confirmed, and between two of them the caller does something
 * else that it wants to compare.
 */
import type { Histogram } from 'hdr-histogram-js';
import { nowNs } from './clock.ts';
import { Connection, IDLE_RECEIVE_BYTES } from './connection.ts';
import { recordLatency } from './latency.ts';
import { encodePublish } from './publish-wire.ts';
import { selectConfirms } from './queue-calls.ts';
import type { Timing } from './conduct.ts';

/** A broker that is still silent so long after the window has failed. */
const SILENCE_LIMIT_MS = 10_000;

export type SingleConfirms = {
  readonly url: string;
  readonly queue: string;
  readonly bodyBytes: number;
  readonly timing: Timing;
  /** Where the time from publish to confirm goes. */
  readonly histogram: Histogram;
  /** Called after each confirm; `counted`: the window is open. */
  readonly between: (counted: boolean) => void;
};

/** Rejects when a publish is refused, the connection ends or the broker falls silent. */
export async function publishOneByOne({ url, queue, bodyBytes, timing, histogram, between }: SingleConfirms): Promise<void> {
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  // The connection may fail before anyone waits for the end; that must not end the process.
  done.catch(() => undefined);
  let arrivedNs = 0;
  let sentNs = 0;
  let fromNs = Infinity;
  let toNs = Infinity;
  let confirmed = false;
  const connection: Connection = await Connection.open(url, {
    receiveBytes: IDLE_RECEIVE_BYTES,
    arrived: () => {
      arrivedNs = nowNs();
    },
    confirm: (_deliveryTag, _multiple, refused) => {
      if (refused) reject(new Error('a publish was refused'));
      else confirmed = true;
    },
    scanned: () => {
      if (!confirmed) return;
      confirmed = false;
      const counted = sentNs >= fromNs;
      if (counted) recordLatency(histogram, arrivedNs - sentNs);
      between(counted);
      if (nowNs() >= toNs) resolve();
      else setImmediate(publish);
    },
    failed: reject,
  });
  const { batch, messageBytes } = encodePublish([{ exchange: '', routingKey: queue }], { bodyBytes, persistent: true, frameMaxBytes: connection.frameMaxBytes });
  const message = batch.subarray(0, messageBytes);
  const publish = (): void => {
    sentNs = nowNs();
    connection.socket.write(message);
  };
  const limitMs = (timing.warmupSeconds + timing.windowSeconds) * 1_000 + SILENCE_LIMIT_MS;
  const timer = setTimeout(() => reject(new Error(`a publish was not confirmed within ${SILENCE_LIMIT_MS} ms`)), limitMs);
  try {
    await selectConfirms(connection);
    fromNs = nowNs() + timing.warmupSeconds * 1e9;
    toNs = fromNs + timing.windowSeconds * 1e9;
    publish();
    await done;
  } finally {
    clearTimeout(timer);
    connection.drop();
  }
}
