import type { Outbound } from './outbound.ts';

/** One end of a connection, as a person would write it. */
export type Endpoint = { readonly host: string; readonly port: number };

/**
 * Why a connection is no more:
 * - `flushed`: by `closeAfterFlush`, and the peer has taken everything;
 * - `destroyed`: by `destroy`;
 * - `ended`: the peer ended its stream first;
 * - `failed`: the system reported an error (a reset, for example); `detail` is its sentence;
 * - `stalled`: a peer that did not take the rest, or did not close, was cut off after `LINGER_MS`.
 */
export type CloseReason = {
  readonly kind: 'flushed' | 'destroyed' | 'ended' | 'failed' | 'stalled';
  readonly detail: string;
};

/** What a transport tells its owner. No call comes after `onClosed`, and none before `start`. */
export type TransportEvents = {
  /** The peer's next `length` bytes, at the beginning of `buffer`, which is valid during the call only. */
  onBytes(buffer: Buffer, length: number): void;
  /** The socket took the next `bytes` bytes of what was flushed; leases on attached slices among them may end. */
  onTaken(bytes: number): void;
  /** Congestion is over, see `Outbound.congested`. */
  onUncongested(): void;
  /** The connection is gone, exactly once. Leases on everything attached may end. */
  onClosed(reason: CloseReason): void;
};

/**
 * A connection as its owner sees it: bytes in, bytes out, the two addresses, and the ways to end it. A socket stands
 * behind it in production, a seeded fake in simulation.
 */
export type Transport = {
  /** The other side's address and this side's. */
  readonly peer: Endpoint;
  readonly local: Endpoint;
  /** Bytes on the wire so far, each way. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly outbound: Outbound;
  /** Names the owner and begins to read. Once. */
  start(events: TransportEvents): void;
  /** Stops reading without losing bytes; what was read already is still delivered in the current turn. */
  pause(): void;
  resume(): void;
  /** The next bytes go into `destination` instead of to `onBytes`; see `Inbound.readInto`. */
  readInto(destination: Uint8Array, onFilled: () => void): void;
  /** Sends the rest, ends the stream, waits for the peer to end its own. Input is dropped from now on. */
  closeAfterFlush(): void;
  /** Ends it now; what is unsent is dropped. */
  destroy(): void;
};
