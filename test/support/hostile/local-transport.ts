import type { BlockPool } from '../../../native-free-io/socket/block-pool.ts';
import type { ByteSink } from '../../../native-free-io/socket/byte-sink.ts';
import { Outbound } from '../../../native-free-io/socket/outbound.ts';
import type { CloseReason, Endpoint, Transport, TransportEvents } from '../../../native-free-io/socket/transport.ts';

/**
 * The accepted end of a connection without a socket, and the client's hands on it. The real Outbound collects what the broker
 * sends; a client that does not read is one that `reads` no more.
 */
export class LocalTransport implements Transport, ByteSink {
  readonly peer: Endpoint = { host: '127.0.0.1', port: 40_000 };
  readonly local: Endpoint = { host: '127.0.0.1', port: 5672 };
  /** Nobody asks here. */
  readonly bytesRead = 0;
  readonly bytesWritten = 0;
  readonly outbound: Outbound;
  /** What the client has received. */
  readonly received: Buffer[] = [];
  /** False: the client leaves unread what the broker sends. */
  reads = true;
  closed: CloseReason | undefined = undefined;
  #events: TransportEvents | undefined = undefined;
  #paused = true;
  #dropsInput = false;
  #input: Buffer[] = [];
  #onTaken: (() => void) | undefined = undefined;
  #batch: readonly Buffer[] = [];
  #ending: CloseReason | undefined = undefined;

  constructor(pool: BlockPool) {
    this.outbound = new Outbound(pool, this, {
      onTaken: (bytes) => this.#events?.onTaken(bytes),
      onUncongested: () => this.#events?.onUncongested(),
    });
  }

  get paused(): boolean {
    return this.#paused;
  }

  // ---- the client's side

  send(bytes: Buffer): void {
    if (bytes.length > 0) this.#input.push(bytes);
  }

  /** The client goes: in order, or with a reset. */
  leave(kind: 'ended' | 'failed'): void {
    this.#ending ??= { kind, detail: kind === 'ended' ? 'the peer ended the stream' : 'read ECONNRESET' };
  }

  /** Lets one thing happen. False when nothing can. */
  step(): boolean {
    if (this.closed !== undefined || this.#events === undefined) return false;
    const taken = this.#onTaken;
    if (taken !== undefined && this.reads) {
      this.#onTaken = undefined;
      for (const segment of this.#batch) this.received.push(Buffer.from(segment));
      this.#batch = [];
      taken();
      return true;
    }
    if (this.#input.length > 0 && (this.#dropsInput || !this.#paused)) {
      const bytes = this.#input.shift()!;
      if (!this.#dropsInput) this.#events.onBytes(bytes, bytes.length);
      return true;
    }
    if (this.#ending !== undefined) {
      this.#close(this.#ending);
      return true;
    }
    return false;
  }

  #close(reason: CloseReason): void {
    this.closed = reason;
    this.outbound.close();
    this.#events?.onClosed(reason);
  }

  // ---- the broker's side

  start(events: TransportEvents): void {
    this.#events = events;
    this.#paused = false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  readInto(): void {
    throw new Error('nothing reads in place here');
  }

  closeAfterFlush(): void {
    this.#dropsInput = true;
    this.outbound.end();
  }

  destroy(): void {
    this.#dropsInput = true;
    this.#ending ??= { kind: 'destroyed', detail: 'closed at once' };
  }

  // ---- the sink of the outbound

  write(segments: readonly Buffer[], onTaken: () => void): void {
    if (this.#onTaken !== undefined) throw new Error('a batch is under way already');
    this.#batch = [...segments];
    this.#onTaken = onTaken;
  }

  end(): void {
    this.#ending ??= { kind: 'flushed', detail: 'closed after the last byte' };
  }
}
