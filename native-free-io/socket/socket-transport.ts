import type { Socket } from 'node:net';
import type { Clock, Timer } from '../clock.ts';
import type { BlockPool } from './block-pool.ts';
import { SocketSink } from './byte-sink.ts';
import { Inbound } from './inbound.ts';
import type { ReadMode } from './inbound.ts';
import { Outbound } from './outbound.ts';
import type { CloseReason, Endpoint, Transport, TransportEvents } from './transport.ts';

/** A peer that is to be closed gets this long to take the rest and to end its own stream, milliseconds. */
export const LINGER_MS = 5_000;

/** What the transports of one thread share. */
export type SocketResources = {
  readonly pool: BlockPool;
  /** `READ_BUFFER_SIZE_BYTES` long; every socket of the thread reads into it. */
  readonly readBuffer: Buffer;
  readonly clock: Clock;
  /** Tests name it; otherwise the best that this Node offers. */
  readonly readMode?: ReadMode;
  /** Tests shorten it. */
  readonly lingerMs?: number;
};

/** An accepted socket as a `Transport`. All of a socket's events end here; none is ever an exception. */
export class SocketTransport implements Transport {
  readonly peer: Endpoint;
  readonly local: Endpoint;
  readonly outbound: Outbound;
  readonly #inbound: Inbound;
  readonly #clock: Clock;
  readonly #lingerMs: number;
  #events: TransportEvents | undefined;
  #reason: CloseReason | undefined;
  #linger: Timer | undefined;
  #closed = false;

  /** @param accepted a paused socket that nobody else uses, as `listen` hands out. */
  constructor(accepted: Socket, resources: SocketResources) {
    this.peer = { host: accepted.remoteAddress ?? '', port: accepted.remotePort ?? 0 };
    this.local = { host: accepted.localAddress ?? '', port: accepted.localPort ?? 0 };
    this.#clock = resources.clock;
    this.#lingerMs = resources.lingerMs ?? LINGER_MS;
    this.#inbound = new Inbound(accepted, resources.readBuffer, (buffer, length) => this.#events?.onBytes(buffer, length), resources.readMode);
    const socket = this.#inbound.socket;
    this.outbound = new Outbound(resources.pool, new SocketSink(socket), {
      onTaken: (bytes) => this.#events?.onTaken(bytes),
      onUncongested: () => this.#events?.onUncongested(),
    });
    socket.on('end', () => this.#endWith({ kind: 'ended', detail: 'the peer ended the stream' }));
    socket.on('error', (error) => this.#noteError(error));
    socket.on('close', () => this.#close());
  }

  /** How this socket is read. */
  get readMode(): ReadMode {
    return this.#inbound.mode;
  }

  /** Bytes read from the socket so far, for the counters. */
  get bytesRead(): number {
    return this.#inbound.socket.bytesRead;
  }

  /** Bytes written to the socket so far, for the counters. */
  get bytesWritten(): number {
    return this.#inbound.socket.bytesWritten;
  }

  start(events: TransportEvents): void {
    if (this.#events !== undefined) throw new Error('a transport is started once');
    this.#events = events;
    if (this.#closed) queueMicrotask(() => this.#tellClosed());
    else this.#inbound.resume();
  }

  pause(): void {
    // While the transport ends itself it reads on, to see the peer's end of stream.
    if (this.#reason === undefined) this.#inbound.pause();
  }

  resume(): void {
    this.#inbound.resume();
  }

  readInto(destination: Uint8Array, onFilled: () => void): void {
    if (this.#reason === undefined) this.#inbound.readInto(destination, onFilled);
  }

  closeAfterFlush(): void {
    this.#endWith({ kind: 'flushed', detail: 'closed after the last byte' });
  }

  destroy(): void {
    this.#cut({ kind: 'destroyed', detail: 'closed at once' });
  }

  #endWith(reason: CloseReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#linger = this.#clock.setTimer(this.#lingerMs, () => {
      this.#reason = { kind: 'stalled', detail: `the peer did not take the rest within ${this.#lingerMs} ms` };
      this.#inbound.socket.destroy();
    });
    this.#inbound.discard();
    this.#inbound.resume();
    this.outbound.end();
  }

  /** Node closes the socket after this. A peer that resets after it took everything has only been quick. */
  #noteError(error: Error): void {
    const lost = this.#reason?.kind === 'flushed' && this.outbound.unsentBytes > 0;
    if (this.#reason === undefined || lost) this.#reason = { kind: 'failed', detail: error.message };
  }

  #cut(reason: CloseReason): void {
    if (this.#closed) return;
    this.#reason = reason;
    this.#inbound.discard();
    this.#inbound.socket.destroy();
  }

  /** The handle is closed, so nothing reads the blocks any more: only now may they go to another socket. */
  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#linger !== undefined) this.#clock.clearTimer(this.#linger);
    this.#inbound.discard();
    this.outbound.close();
    this.#tellClosed();
  }

  #tellClosed(): void {
    this.#events?.onClosed(this.#reason ?? { kind: 'failed', detail: 'the socket closed without a reason' });
  }
}
