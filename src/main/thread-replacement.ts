/**
 * How a lost thread is replaced, step by step. First everybody elsewhere hears of the loss and forgets what the thread's queues
 * had delivered; only then may those queues run again and let go of memory; and only when they run are they announced (I7).
 *
 * ```
 *   lost ----> fencing ----------------> starting --------------> running
 *         threadLost to all others   the replacement starts   threadBack to all others
 *                     <- fenced, from each                <- listening
 * ```
 */
import { ReplicaLetter } from '../../actors/messages/replica-messages.ts';

/** The node, as the replacement of threads sees it. */
export interface ReplacementHost {
  /** Threads that run now. */
  live(): Iterable<number>;
  /** Nobody on the main thread waits for the thread or for its actors any more. */
  forgetThread(thread: number): void;
  /** The connections of the lost thread are gone, without a word of theirs. */
  endConnectionsOf(thread: number): void;
  startReplacement(thread: number): void;
  /** A letter to the replica of a thread that runs, with a number. */
  tellReplica(to: number, type: number, a: number): void;
}

export class ThreadReplacement {
  readonly #host: ReplacementHost;
  /** Threads whose `fenced` is awaited, by lost thread. */
  readonly #fencing = new Map<number, Set<number>>();
  /** Replacements that do not listen yet. */
  readonly #starting = new Set<number>();

  constructor(host: ReplacementHost) {
    this.#host = host;
  }

  /** The thread has ended: it is not among the live ones any more. */
  lost(thread: number): void {
    this.#host.forgetThread(thread);
    this.#starting.delete(thread);
    const others = new Set(this.#host.live());
    this.#fencing.set(thread, others);
    for (const other of others) this.#host.tellReplica(other, ReplicaLetter.threadLost, thread);
    // Whom the others wait for and who is lost too has forgotten everything.
    for (const lost of [...this.#fencing.keys()]) this.#advance(lost, thread);
  }

  /** Every actor of thread `by` has heard of the loss. */
  fenced(by: number, lost: number): void {
    this.#advance(lost, by);
  }

  /** The thread takes connections, so its queues run. */
  listening(thread: number): void {
    if (!this.#starting.delete(thread)) return;
    for (const other of this.#host.live()) {
      if (other !== thread) this.#host.tellReplica(other, ReplicaLetter.threadBack, thread);
    }
  }

  #advance(lost: number, by: number): void {
    const awaited = this.#fencing.get(lost);
    if (awaited === undefined) return;
    awaited.delete(by);
    if (awaited.size > 0) return;
    this.#fencing.delete(lost);
    this.#starting.add(lost);
    this.#host.endConnectionsOf(lost);
    this.#host.startReplacement(lost);
  }
}
