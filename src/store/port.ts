/**
 * What a node asks of whatever keeps its data: the seam behind which durability will stand. Today the one implementation is
 * `volatile-store.ts`, which keeps nothing, and no queue asks it for anything: `src/README.md`, "Where persistence will stand",
 * says who will call what and when.
 *
 * ```
 *   queue actor (any scheduler thread)              store (a thread of its own, the only one that opens the database)
 *     a persistent message is accepted  --append-->   collected from all queues
 *     the turn ends                     --mark----->   one commit, one flush for all (group commit)
 *     confirms up to the mark leave     <-stored----   storedThrough >= mark
 *     settled, dropped, expired         --remove-->    goes with a later commit; nobody waits for it
 * ```
 *
 * A mark numbers what one sender has handed over, in order, from 1; a mark is durable when `storedThrough` has reached it. A
 * removal that was never stored costs a redelivery after a crash, never a message.
 */

/** One message of one queue. */
export type StoreEntry = {
  /** The queue's id; it is never used again, so what a deleted queue leaves behind is recognised. */
  readonly queue: number;
  /** Its place in the queue: 32 bits, wrapping, rising with each message (`src/broker/queue/ledger-layout.ts`). */
  readonly position: number;
  /** The content as it was received: header frame and body frames (`src/amqp/stored-message.ts`). Not changed until stored. */
  readonly content: Uint8Array;
};

/** What recovery reads back; `redelivered` because nobody knows any more whether it was. */
export type ScannedEntry = StoreEntry & { readonly redelivered: true };

export interface Store {
  /** False: nothing outlives the process, whatever it answers. For the operator's log and for tests. */
  readonly durable: boolean;
  /** Rejects when the data cannot be used; the node does not start then. */
  open(): Promise<void> | void;
  /** Flushes what was handed over and closes. A flush that fails is never tried again: the node has stopped confirming. */
  close(): Promise<void> | void;
  /** Hands a message over and answers its mark. The bytes must not change until `storedThrough` has reached it. */
  append(entry: StoreEntry): number;
  /** The message is settled, dropped or expired: recovery need not find it. */
  remove(queue: number, position: number): number;
  /** All messages of a queue in the order of their positions, as of the last commit. For recovery and for paging in. */
  scan(queue: number): Iterable<ScannedEntry>;
  /** The last mark that survives a crash of the machine. Rises, never falls. */
  readonly storedThrough: number;
}
