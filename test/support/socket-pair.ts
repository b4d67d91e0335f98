import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { systemClock } from '../../native-free-io/clock.ts';
import type { Clock } from '../../native-free-io/clock.ts';
import { BlockPool } from '../../native-free-io/socket/block-pool.ts';
import { READ_BUFFER_SIZE_BYTES } from '../../native-free-io/socket/inbound.ts';
import type { ReadMode } from '../../native-free-io/socket/inbound.ts';
import { listen } from '../../native-free-io/socket/listener.ts';
import { SocketTransport } from '../../native-free-io/socket/socket-transport.ts';
import { DEADLINE_MS } from './deadline.ts';
import type { CloseReason } from '../../native-free-io/socket/transport.ts';

/** A started transport on a real socket, what it has told so far, and the client at the other end. */
export type SocketPair = {
  readonly transport: SocketTransport;
  readonly client: Socket;
  readonly pool: BlockPool;
  readonly received: Buffer[];
  readonly closed: CloseReason[];
  taken: number;
  uncongested: number;
  onBytes: (buffer: Buffer, length: number) => void;
};

/** How the pair differs from the usual one. */
export type PairOptions = { readonly readMode?: ReadMode; readonly lingerMs?: number; readonly pool?: BlockPool; readonly clock?: Clock; readonly sendFirst?: Buffer };

/** Accepts one connection over the loopback and starts its transport; `received` collects copies of the bytes. */
export async function openSocketPair(options: PairOptions = {}): Promise<SocketPair> {
  const { pool = new BlockPool(), clock = systemClock, sendFirst, ...rest } = options;
  const accepted = Promise.withResolvers<Socket>();
  const listener = await listen({ host: '127.0.0.1', port: 0, onSocket: accepted.resolve });
  if (!listener.listening) throw new Error(listener.message);
  const client = connect(listener.port, '127.0.0.1');
  client.on('error', () => {});
  await once(client, 'connect');
  if (sendFirst !== undefined) client.write(sendFirst);
  const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_SIZE_BYTES);
  const transport = new SocketTransport(await accepted.promise, { pool, readBuffer, clock, ...rest });
  listener.close();
  const received: Buffer[] = [];
  const pair: SocketPair = {
    transport,
    client,
    pool,
    received,
    closed: [],
    taken: 0,
    uncongested: 0,
    onBytes: (buffer, length) => received.push(Buffer.from(buffer.subarray(0, length))),
  };
  transport.start({
    onBytes: (buffer, length) => pair.onBytes(buffer, length),
    onTaken: (bytes) => (pair.taken += bytes),
    onUncongested: () => (pair.uncongested += 1),
    onClosed: (reason) => pair.closed.push(reason),
  });
  return pair;
}

/** Collects what a client receives. */
export function collect(client: Socket): Buffer[] {
  const chunks: Buffer[] = [];
  client.on('data', (chunk: Buffer) => chunks.push(chunk));
  return chunks;
}

/** Waits until `condition` holds; it is asked once in every turn of the event loop. Fails after `withinMs` milliseconds. */
export async function until(condition: () => boolean, what: string, withinMs = DEADLINE_MS): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The bytes of all chunks together. */
export function totalBytes(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

/** Queues `bytes` through reserve and commit. */
export function queueBytes(transport: SocketTransport, bytes: Uint8Array): void {
  const at = transport.outbound.reserve(bytes.length);
  transport.outbound.buffer.set(bytes, at);
  transport.outbound.commit(at + bytes.length);
}
