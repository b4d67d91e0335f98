import { Block } from './block-pool.ts';
import type { BlockPool } from './block-pool.ts';
import type { ByteSink } from './byte-sink.ts';

/**
 * Above this many unsent bytes an outbound is congested: whoever feeds it should pause. The caller that goes on is not
 * stopped; its own limit ends it.
 */
export const CONGESTED_ABOVE_BYTES = 1024 * 1024;
/** A congested outbound is uncongested again at this many unsent bytes or fewer. */
export const UNCONGESTED_AT_BYTES = 256 * 1024;

/** What an outbound tells its owner. Both are called from the event loop, never from inside a call to the outbound. */
export type OutboundEvents = {
  /** The socket has taken the next `bytes` bytes, in the order of queueing; leases on attached slices among them may end. */
  onTaken(bytes: number): void;
  /** Unsent bytes have fallen to the lower mark after having passed the upper one. */
  onUncongested(): void;
};

/** Stands for "no block": no room, so that the hot path needs no test for undefined. */
const NO_BLOCK = new Block(0);

/**
 * The bytes one socket is to send, collected during a turn and sent as one batch.
 *
 *     reserve, write into buffer, commit      attach              reserve ...
 *     |                                       |                   |
 *     v                                       v                   v
 *     +--------------------------------+  +-----------------+  +--------------+-----------+
 *     | block: sent | queued           |  | slice, not      |  | block: queued|   free    |
 *     |             ^ start            |  | copied          |  | start        ^ end       |
 *     +--------------------------------+  +-----------------+  +--------------+-----------+
 *       `segments, in order, one writev ->
 *
 * One batch is under way at a time. What is committed meanwhile gathers behind it, side by side in the same blocks, and
 * follows as the next batch: a stalled peer costs full blocks, not one nearly empty block for each turn. A block returns
 * to the pool when its last byte was taken, or when all was taken and the socket falls idle.
 *
 * Not owned here: a limit on `unsentBytes` (the caller's business) and the socket's life (`SocketTransport`).
 */
export class Outbound {
  /** The current block; valid from `reserve` until the next `reserve`, `attach` or `flush`. */
  buffer: Buffer = NO_BLOCK.buffer;
  /** The same memory as `buffer`. */
  view: DataView = NO_BLOCK.view;
  /** Bytes committed or attached that the socket has not taken, those under way included. */
  unsentBytes = 0;
  /** True from passing `CONGESTED_ABOVE_BYTES` until `onUncongested`. */
  congested = false;

  readonly #pool: BlockPool;
  readonly #sink: ByteSink;
  readonly #events: OutboundEvents;
  #block: Block = NO_BLOCK;
  /** The first byte of the current block that is in no segment yet. */
  #start = 0;
  /** The first byte of the current block that is not committed. */
  #end = 0;
  #queued: Buffer[] = [];
  #underWay: Buffer[] = [];
  /** Blocks whose last byte is in the queued batch, and in the one under way. */
  #queuedFull: Block[] = [];
  #underWayFull: Block[] = [];
  #bytesUnderWay = 0;
  #flushWanted = false;
  #state: 'open' | 'ending' | 'ended' | 'closed' = 'open';
  readonly #onBatchTaken = (): void => this.#batchTaken();

  constructor(pool: BlockPool, sink: ByteSink, events: OutboundEvents) {
    this.#pool = pool;
    this.#sink = sink;
    this.#events = events;
  }

  /** False once the stream was ended or closed: what is committed then goes nowhere. */
  get open(): boolean {
    return this.#state === 'open';
  }

  /**
   * Makes room for `sizeBytes` contiguous bytes and answers the offset in `buffer` where they begin. May start a new block,
   * so read `buffer` and `view` afterwards. Nothing is queued until `commit`.
   */
  reserve(sizeBytes: number): number {
    if (this.#block.sizeBytes - this.#end < sizeBytes) this.#startBlock(sizeBytes);
    return this.#end;
  }

  /**
   * Queues what was written since the last `reserve`.
   * @param end the offset in `buffer` after the last byte written. An offset outside the block is a broken invariant.
   */
  commit(end: number): void {
    const added = end - this.#end;
    if (added < 0 || end > this.#block.sizeBytes) throw new RangeError(`commit at ${end}, outside ${this.#end} to ${this.#block.sizeBytes}`);
    if (this.#state !== 'open') return;
    this.#end = end;
    this.unsentBytes += added;
    if (this.unsentBytes > CONGESTED_ABOVE_BYTES) this.congested = true;
  }

  /** Queues a slice behind what was committed, without copying it. It must not change until it was taken or the socket closed. */
  attach(slice: Buffer): void {
    if (this.#state !== 'open' || slice.length === 0) return;
    this.#cutSegment();
    this.#queued.push(slice);
    this.unsentBytes += slice.length;
    if (this.unsentBytes > CONGESTED_ABOVE_BYTES) this.congested = true;
  }

  /** Sends all that is queued; call it once at the end of a turn. Answers false when the stream was ended or closed. */
  flush(): boolean {
    if (this.#state !== 'open') {
      this.#dropIdleBlock();
      return false;
    }
    if (this.#bytesUnderWay > 0) this.#flushWanted = true;
    else this.#handOver();
    return true;
  }

  /** Sends what is queued when nothing is under way: who receives begins while the rest is being made. */
  sendAhead(): void {
    if (this.#bytesUnderWay === 0 && this.#state === 'open') this.#handOver();
  }

  /** Sends the rest, then ends the stream. What is committed after this call is ignored. */
  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    if (this.#bytesUnderWay > 0) this.#flushWanted = true;
    else this.#handOver();
    this.#endWhenEmpty();
  }

  /**
   * The socket is gone and nothing reads the memory any more: drops what is unsent and returns all blocks. Leases on
   * attached slices that were not taken may end now; `onTaken` is not called for them.
   */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#returnBlocks(this.#underWayFull);
    this.#returnBlocks(this.#queuedFull);
    this.#underWay.length = 0;
    this.#queued.length = 0;
    this.#end = this.#start;
    this.unsentBytes = 0;
    this.#bytesUnderWay = 0;
    this.congested = false;
    this.#dropIdleBlock();
  }

  #startBlock(sizeBytes: number): void {
    if (this.unsentBytes === 0) {
      this.#dropIdleBlock();
    } else if (this.#block !== NO_BLOCK) {
      this.#cutSegment();
      this.#queuedFull.push(this.#block);
    }
    this.#useBlock(this.#pool.borrow(sizeBytes));
  }

  #useBlock(block: Block): void {
    this.#block = block;
    this.buffer = block.buffer;
    this.view = block.view;
    this.#start = 0;
    this.#end = 0;
  }

  /** Turns the committed bytes that are in no segment yet into one. */
  #cutSegment(): void {
    if (this.#end === this.#start) return;
    this.#queued.push(this.#block.buffer.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  #handOver(): void {
    this.#flushWanted = false;
    this.#cutSegment();
    if (this.#queued.length === 0) {
      this.#dropIdleBlock();
      return;
    }
    const batch = this.#queued;
    const full = this.#queuedFull;
    this.#queued = this.#underWay;
    this.#queuedFull = this.#underWayFull;
    this.#underWay = batch;
    this.#underWayFull = full;
    this.#bytesUnderWay = this.unsentBytes;
    this.#sink.write(batch, this.#onBatchTaken);
  }

  #batchTaken(): void {
    if (this.#state === 'closed') return;
    const bytes = this.#bytesUnderWay;
    this.#bytesUnderWay = 0;
    this.#underWay.length = 0;
    this.#returnBlocks(this.#underWayFull);
    this.unsentBytes -= bytes;
    if (this.unsentBytes === 0) {
      this.#returnBlocks(this.#queuedFull);
      this.#dropIdleBlock();
    }
    const relieved = this.congested && this.unsentBytes <= UNCONGESTED_AT_BYTES;
    if (relieved) this.congested = false;
    if (this.#flushWanted) this.#handOver();
    this.#endWhenEmpty();
    this.#events.onTaken(bytes);
    if (relieved && this.#state === 'open') this.#events.onUncongested();
  }

  #endWhenEmpty(): void {
    if (this.#state !== 'ending' || this.unsentBytes > 0) return;
    this.#state = 'ended';
    this.#sink.end();
  }

  #returnBlocks(blocks: Block[]): void {
    for (const block of blocks) this.#pool.giveBack(block);
    blocks.length = 0;
  }

  /** Returns the current block. Only when no byte of it is queued or under way. */
  #dropIdleBlock(): void {
    if (this.#block === NO_BLOCK || this.#bytesUnderWay > 0) return;
    this.#pool.giveBack(this.#block);
    this.#useBlock(NO_BLOCK);
  }
}
