/**
 * Connections in memory for seeded simulations: two transports, a wire in each direction, and a network that makes one
 * thing happen at a time, in an order and in pieces that its choices decide. Batching, blocks and reading in place are the
 * real `Outbound` and `ReadTarget`; only the socket is not there.
 *
 *     Outbound -> Wire: batch | in transit (at most WINDOW_BYTES) -> ReadTarget -> onBytes
 */
import type { Clock, Timer } from '../../native-free-io/clock.ts';
import { BlockPool } from '../../native-free-io/socket/block-pool.ts';
import type { ByteSink } from '../../native-free-io/socket/byte-sink.ts';
import { Outbound } from '../../native-free-io/socket/outbound.ts';
import { ReadTarget } from '../../native-free-io/socket/read-target.ts';
import { LINGER_MS } from '../../native-free-io/socket/socket-transport.ts';
import type { CloseReason, Endpoint, Transport, TransportEvents } from '../../native-free-io/socket/transport.ts';

/** What fits between two ends before the writer has to wait, like the kernel's buffers. */
export const WINDOW_BYTES = 256 * 1024;
/** The read buffer of a fake; small, so that readers of large frames meet its end. */
const READ_BUFFER_SIZE_BYTES = 4096;

/** The choices of a network; the same answers give the same run. */
export type NetworkChoices = {
  /** A whole number from 0 to `below - 1`: which of the possible events happens next. */
  pick(below: number): number;
  /** How many of the `available` bytes the next read finds, 1 to `available`: where the stream is cut. */
  chunkSize(available: number): number;
};

/** All fake connections of one simulation. */
export class FakeNetwork {
  readonly #choices: NetworkChoices;
  readonly #clock: Clock | undefined;
  readonly #ends: FakeTransport[] = [];

  /** @param clock ends peers that linger; without one they linger for ever. */
  constructor(choices: NetworkChoices, clock?: Clock) {
    this.#choices = choices;
    this.#clock = clock;
  }

  /** A new connection: the accepted end and the connecting one. Both still have to be started. */
  connect(pool: BlockPool = new BlockPool()): { readonly accepted: FakeTransport; readonly connected: FakeTransport } {
    const client: Endpoint = { host: '10.0.0.1', port: 40_000 + this.#ends.length };
    const server: Endpoint = { host: '10.0.0.2', port: 5672 };
    const accepted = new FakeTransport(server, client, pool, this.#clock);
    const connected = new FakeTransport(client, server, new BlockPool(), this.#clock);
    accepted.joinTo(connected);
    connected.joinTo(accepted);
    this.#ends.push(accepted, connected);
    return { accepted, connected };
  }

  /** Lets one thing happen: bytes leave, bytes arrive, a stream ends, a connection closes. False when nothing can. */
  step(): boolean {
    const events = this.#ends.flatMap((end) => end.possibleEvents(this.#choices));
    if (events.length === 0) return false;
    events[this.#choices.pick(events.length)]?.();
    return true;
  }

  /** Steps until nothing can happen and answers how many steps that took; more than `stepsMax` is an error. */
  settle(stepsMax = 100_000): number {
    for (let steps = 0; steps < stepsMax; steps += 1) if (!this.step()) return steps;
    throw new Error(`the network is still busy after ${stepsMax} steps`);
  }
}

/** One direction of a connection: what the writer hands over, and what is on its way. */
class Wire implements ByteSink {
  readonly transit: Buffer[] = [];
  transitBytes = 0;
  /** The writer has ended the stream; the reader sees it after the last byte. */
  ended = false;
  #batch: Buffer[] = [];
  #onTaken: () => void = () => {};

  write(segments: readonly Buffer[], onTaken: () => void): void {
    if (this.#batch.length > 0) throw new Error('a batch is under way already');
    this.#batch = [...segments];
    this.#onTaken = onTaken;
  }

  end(): void {
    this.ended = true;
  }

  get canTake(): boolean {
    return this.#batch.length > 0 && this.transitBytes < WINDOW_BYTES;
  }

  /** Moves what fits from the batch into transit. Copies: the writer's blocks are used again as soon as they are taken. */
  take(): void {
    for (let segment = this.#batch[0]; segment !== undefined && this.canTake; segment = this.#batch[0]) {
      const part = segment.subarray(0, WINDOW_BYTES - this.transitBytes);
      this.transit.push(Buffer.from(part));
      this.transitBytes += part.length;
      if (part.length === segment.length) this.#batch.shift();
      else this.#batch[0] = segment.subarray(part.length);
    }
    if (this.#batch.length === 0) this.#onTaken();
  }

  /** Moves `size` bytes at most out of transit, into `memory`; answers how many. */
  read(memory: Uint8Array, size: number): number {
    const first = this.transit[0];
    if (first === undefined) return 0;
    const part = first.subarray(0, Math.min(size, memory.length));
    memory.set(part);
    if (part.length === first.length) this.transit.shift();
    else this.transit[0] = first.subarray(part.length);
    this.transitBytes -= part.length;
    return part.length;
  }

  drop(): void {
    this.transit.length = 0;
    this.transitBytes = 0;
    this.#batch = [];
  }
}

/** One end of a fake connection. */
export class FakeTransport implements Transport {
  readonly local: Endpoint;
  readonly peer: Endpoint;
  /** Nobody asks here. */
  readonly bytesRead = 0;
  readonly bytesWritten = 0;
  readonly outbound: Outbound;
  /** True: nothing arrives at this end and its peer's window fills, as if the network or the process had stopped. */
  stalled = false;
  readonly #wire = new Wire();
  readonly #target: ReadTarget;
  readonly #clock: Clock | undefined;
  #other: FakeTransport | undefined;
  #events: TransportEvents | undefined;
  #reason: CloseReason | undefined;
  #linger: Timer | undefined;
  #paused = true;
  #endSeen = false;
  #cut = false;
  #closed = false;

  constructor(local: Endpoint, peer: Endpoint, pool: BlockPool, clock: Clock | undefined) {
    this.local = local;
    this.peer = peer;
    this.#clock = clock;
    this.#target = new ReadTarget(Buffer.alloc(READ_BUFFER_SIZE_BYTES), (buffer, length) => this.#events?.onBytes(buffer, length));
    this.outbound = new Outbound(pool, this.#wire, {
      onTaken: (bytes) => this.#events?.onTaken(bytes),
      onUncongested: () => this.#events?.onUncongested(),
    });
  }

  /** Names the other end; the network calls it. */
  joinTo(other: FakeTransport): void {
    this.#other = other;
  }

  get closed(): boolean {
    return this.#closed;
  }

  start(events: TransportEvents): void {
    if (this.#events !== undefined) throw new Error('a transport is started once');
    this.#events = events;
    this.#paused = false;
  }

  pause(): void {
    if (this.#reason === undefined) this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  readInto(destination: Uint8Array, onFilled: () => void): void {
    if (this.#reason === undefined) this.#target.fill(destination, onFilled);
  }

  closeAfterFlush(): void {
    this.#endWith({ kind: 'flushed', detail: 'closed after the last byte' });
  }

  destroy(): void {
    this.#cutOff({ kind: 'destroyed', detail: 'closed at once' });
  }

  /** The connection breaks: what is in transit is lost and both ends are told. */
  reset(): void {
    const reason: CloseReason = { kind: 'failed', detail: 'read ECONNRESET' };
    this.#cutOff(reason);
    if (this.#other !== undefined) this.#other.#cutOff(reason);
  }

  /** What the network may let happen next at this end. */
  possibleEvents(choices: NetworkChoices): (() => void)[] {
    const other = this.#other;
    if (this.#closed || other === undefined) return [];
    const incoming = other.#wire;
    const events: (() => void)[] = [];
    if (this.#cut || (this.#endSeen && this.#wire.ended)) events.push(() => this.#close());
    if (this.#cut) return events;
    if (this.#wire.canTake) events.push(() => this.#wire.take());
    if (this.#events === undefined || this.#paused || this.stalled) return events;
    if (incoming.transitBytes > 0) events.push(() => this.#readFrom(incoming, choices));
    else if (incoming.ended && !this.#endSeen) events.push(() => this.#seeEnd());
    else if (other.#closed && !this.#endSeen) events.push(() => this.#cutOff({ kind: 'failed', detail: 'read ECONNRESET' }));
    return events;
  }

  #readFrom(wire: Wire, choices: NetworkChoices): void {
    const memory = this.#target.next();
    const size = choices.chunkSize(Math.min(wire.transitBytes, memory.length));
    this.#target.taken(memory, wire.read(memory, Math.max(1, size)));
  }

  #seeEnd(): void {
    this.#endSeen = true;
    this.#endWith({ kind: 'ended', detail: 'the peer ended the stream' });
  }

  #endWith(reason: CloseReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#linger = this.#clock?.setTimer(LINGER_MS, () => {
      this.#cutOff({ kind: 'stalled', detail: `the peer did not take the rest within ${LINGER_MS} ms` });
    });
    this.#target.close();
    this.#paused = false;
    this.outbound.end();
  }

  #cutOff(reason: CloseReason): void {
    if (this.#closed || this.#cut) return;
    this.#cut = true;
    this.#reason = reason;
    this.#target.close();
  }

  #close(): void {
    this.#closed = true;
    if (this.#linger !== undefined) this.#clock?.clearTimer(this.#linger);
    if (this.#cut) this.#wire.drop();
    this.outbound.close();
    this.#events?.onClosed(this.#reason as CloseReason);
  }
}
