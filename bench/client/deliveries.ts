/** Takes a given number of messages out of a queue, or only the first, and says when they had come. */
import { nowNs } from './clock.ts';
import { BUSY_RECEIVE_BYTES, Connection } from './connection.ts';
import { queueDepth, subscribe } from './queue-calls.ts';

export type Wish = {
  /** How many deliveries to wait for. */
  readonly wanted: number;
  /** Without it nothing is settled, and what came returns to the queue. */
  readonly automaticAck: boolean;
  /** Unacknowledged deliveries; 0: no limit. */
  readonly prefetch: number;
  readonly limitMs: number;
};

export type Deliveries = {
  /** Messages that were ready when the consumer came. */
  readonly ready: number;
  /** When the consumer subscribed, ns. */
  readonly startNs: number;
  /** When the last wanted delivery had come, ns; undefined: the queue was empty, and nothing was waited for. */
  readonly endNs: number | undefined;
};

/** Rejects when the queue is missing or holds fewer messages, when the connection ends, or when the deliveries do not come within the limit. */
export async function takeDeliveries(url: string, queue: string, { wanted, automaticAck, prefetch, limitMs }: Wish): Promise<Deliveries> {
  const { promise: end, resolve, reject } = Promise.withResolvers<number>();
  // The connection may fail before anyone waits for the end; that must not end the process.
  end.catch(() => undefined);
  let opened: Connection | undefined;
  const connection = await Connection.open(url, {
    receiveBytes: BUSY_RECEIVE_BYTES,
    scanned: () => {
      if (opened !== undefined && opened.scanner.deliveries >= wanted) resolve(nowNs());
    },
    failed: reject,
  });
  opened = connection;
  const giveUp = (): void => reject(new Error(`${connection.scanner.deliveries} of ${wanted} messages were delivered within ${limitMs / 1_000} s`));
  const timer = setTimeout(giveUp, limitMs);
  try {
    const ready = await queueDepth(connection, queue);
    const startNs = nowNs();
    if (ready === 0) return { ready, startNs, endNs: undefined };
    if (ready < wanted) throw new Error(`only ${ready} of ${wanted} messages are in the queue`);
    await subscribe(connection, queue, automaticAck, prefetch);
    return { ready, startNs, endNs: await end };
  } finally {
    clearTimeout(timer);
    connection.drop();
  }
}
