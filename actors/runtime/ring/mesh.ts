import { type Doorbell, SleepFlags } from './doorbell.ts';
import { Inbound, type Receiver } from './inbound.ts';
import { Outbound } from './outbound.ts';
import { RingConsumer } from './ring-consumer.ts';
import { createRing } from './ring-layout.ts';
import { RingProducer } from './ring-producer.ts';

/** Above this many bytes in its outboxes a thread is told to stop reading its sources. */
export const OUTBOX_BYTES_MAX = 4 * 1024 * 1024;
/** Threads of a mesh: the number of rings is its square. */
export const MESH_THREADS_MAX = 64;

/** The shared memory of a mesh, a plain object that goes through `workerData`. */
export type Mesh = {
  readonly threads: number;
  /** The ring from thread `from` to thread `to` is element `from * threads + to`; undefined where they are the same. */
  readonly rings: readonly (SharedArrayBuffer | undefined)[];
  readonly sleepFlags: SharedArrayBuffer;
};

/** One ring of `ringBytes` (a power of two) for each ordered pair of `threads` threads, which are numbered from 0. */
export function createMesh(threads: number, ringBytes: number): Mesh {
  if (threads < 1 || threads > MESH_THREADS_MAX) throw new RangeError(`a mesh of ${threads} threads`);
  const rings = Array.from({ length: threads * threads }, (_, pair) =>
    Math.floor(pair / threads) === pair % threads ? undefined : createRing(ringBytes),
  );
  return { threads, rings, sleepFlags: SleepFlags.create(threads) };
}

/**
 * One thread's end of the mesh. A turn of its scheduler is: `drain`, work, `flush`; when there is no work `sleep`, and when
 * that answers true nothing until a bell or a socket event, which begins with `wake`.
 *
 * Sending never blocks and never throws for load. Messages of one sender to one receiver arrive in the order of sending,
 * each whole and once. A thread that dies takes with it what it had not flushed: what arrives is a prefix of what it sent. The thread
 * that replaces it makes a new port over the same mesh (after the old one's `exit`) and starts awake. What
 * the dead one was receiving, at most one record of each ring, comes again: see RingConsumer.
 */
export class MeshPort {
  protected readonly self: number;
  protected readonly flags: SleepFlags;
  private readonly doorbell: Doorbell;
  /** By the number of the other thread. */
  private readonly outbounds: readonly (Outbound | undefined)[];
  private readonly inbounds: readonly Inbound[];
  /** The inbound that the next drain visits first. */
  private start = 0;

  constructor(mesh: Mesh, self: number, doorbell: Doorbell) {
    this.self = self;
    this.doorbell = doorbell;
    this.flags = new SleepFlags(mesh.sleepFlags);
    const ring = (from: number, to: number): SharedArrayBuffer => {
      const memory = mesh.rings[from * mesh.threads + to];
      if (memory === undefined) throw new RangeError(`the mesh has no ring from thread ${from} to thread ${to}`);
      return memory;
    };
    const threads = Array.from({ length: mesh.threads }, (_, thread) => thread);
    const peers = threads.filter((thread) => thread !== self);
    this.outbounds = threads.map((to) => (to === self ? undefined : new Outbound(new RingProducer(ring(self, to)))));
    this.inbounds = peers.map((from) => new Inbound(from, new RingConsumer(ring(from, self))));
    this.flags.withdraw(self);
  }

  /**
   * Sends the first `count` of `ints`; they may change when this returns. `type` is any number of 24 bits. RangeError for
   * this thread itself (its mailbox is shorter) and for more than FRAGMENTED_MESSAGE_MAX.
   */
  sendInts(to: number, type: number, ints: Int32Array, count: number): void {
    this.outbound(to).sendInts(type, ints, count);
  }

  /** Sends bytes; they may change when this returns. Errors as for `sendInts`. */
  sendBytes(to: number, type: number, bytes: Uint8Array): void {
    this.outbound(to).sendBytes(type, bytes);
  }

  /**
   * Moves what waits into the rings, shows their receivers what was sent, and rings for those that sleep. Once a turn: what
   * was sent since the last flush may be seen earlier, but need not.
   */
  flush(): void {
    for (let to = 0; to < this.outbounds.length; to += 1) {
      const outbound = this.outbounds[to];
      if (outbound === undefined) continue;
      if (outbound.waitingBytes > 0) outbound.advance();
      if (outbound.show() && this.flags.takeBell(to)) this.doorbell.ring(to);
    }
  }

  /** Bytes that wait in outboxes because rings are full. */
  get waitingBytes(): number {
    let bytes = 0;
    for (const outbound of this.outbounds) if (outbound !== undefined) bytes += outbound.waitingBytes;
    return bytes;
  }

  /** True while too much waits to be sent: the thread must not read its sockets until `flush` has made it false. */
  get pressure(): boolean {
    return this.waitingBytes > OUTBOX_BYTES_MAX;
  }

  /**
   * Gives the receiver at most `budgetRecords` records (a fragment counts as one), an equal share from each thread, and
   * what is left of the budget to those that have more; the thread that comes first rotates. Answers how many; 0 means that
   * every ring was empty. An exception of the receiver goes through; its record counts as received.
   */
  drain(receiver: Receiver, budgetRecords: number): number {
    const inbounds = this.inbounds;
    const count = inbounds.length;
    let left = budgetRecords;
    for (let before = -1; left > 0 && left !== before; ) {
      before = left;
      const share = Math.ceil(left / count);
      for (let step = 0; step < count && left > 0; step += 1) {
        const inbound = inbounds[(this.start + step) % count]!;
        left -= this.drainOne(inbound, receiver, Math.min(share, left));
      }
    }
    if (count > 0) this.start = (this.start + 1) % count;
    return budgetRecords - left;
  }

  /**
   * Announces that this thread is about to wait for events. False when there is something to do instead: then it does not
   * sleep. Rings for what was sent since the last flush.
   */
  sleep(): boolean {
    this.flush();
    this.flags.announce(this.self);
    // What came in before the announcement rang no bell: only this second look can find it.
    if (!this.idle()) {
      this.flags.withdraw(this.self);
      return false;
    }
    return true;
  }

  /** Ends a sleep. To be called on any event; harmless when the thread did not sleep. */
  wake(): void {
    this.flags.withdraw(this.self);
  }

  /** Fragmented messages that were lost because a thread died between their fragments. */
  get brokenMessages(): number {
    return this.inbounds.reduce((sum, inbound) => sum + inbound.brokenMessages, 0);
  }

  /** True when nothing came in and nothing that waits can be sent; asks for a bell on room where something waits. */
  protected idle(): boolean {
    for (const inbound of this.inbounds) if (!inbound.consumer.empty) return false;
    for (const outbound of this.outbounds) if (outbound !== undefined && !outbound.awaitRoom()) return false;
    return true;
  }

  private drainOne(inbound: Inbound, receiver: Receiver, budget: number): number {
    try {
      return inbound.drain(receiver, budget);
    } finally {
      // Also when the receiver threw: the record is gone from the ring, and its sender may be asleep and wait for that room.
      if (inbound.consumer.takeRoomRequest() && this.flags.takeBell(inbound.from)) this.doorbell.ring(inbound.from);
    }
  }

  private outbound(to: number): Outbound {
    const outbound = this.outbounds[to];
    if (outbound === undefined) throw new RangeError(`no ring leads from thread ${this.self} to thread ${to}`);
    return outbound;
  }
}
