/** Who waits for the group that is being collected, and what for. All of it leaves when the group is on the device. */
import { letterWith } from '../messages/batch-letters.ts';
import { ConnectionLetter, addConfirm } from '../messages/connection-messages.ts';
import { QueueLetter, confirmedType } from '../messages/queue-messages.ts';
import { TOPOLOGY_ID, TOPOLOGY_THREAD, TopologyLetter } from '../messages/topology-messages.ts';
import type { BatchPool } from '../runtime/batch-pool.ts';
import { type ActorRef, Letter } from '../runtime/letter.ts';
import { threadOfConnection } from '../connection/connection-id.ts';
import { WordBatch } from '../../src/amqp/channel/queue-link.ts';
import { AppendFlag } from '../../src/store/store.ts';

type Confirms = { readonly to: ActorRef; readonly batch: WordBatch };
type Stored = { readonly to: ActorRef; kept: number; paged: number; hasKept: boolean; hasPaged: boolean };

export class GroupAnswers {
  readonly #pool: BatchPool;
  readonly #confirms = new Map<number, Confirms>();
  #lastConfirms: Confirms | undefined = undefined;
  readonly #stored = new Map<number, Stored>();
  #fences: { readonly to: ActorRef; readonly letter: Letter }[] = [];
  #defined = 0;

  constructor(pool: BatchPool) {
    this.#pool = pool;
  }

  /** Somebody waits, if only for his turn. */
  get waiting(): boolean {
    return this.#confirms.size > 0 || this.#stored.size > 0 || this.#fences.length > 0 || this.#defined !== 0;
  }

  /** A publish waits, of an actor of that thread, with the words by which it knows it again. */
  confirm(publisher: number, thread: number, channel: number, sequence: number): void {
    let confirms = this.#lastConfirms;
    if (confirms?.to.id !== publisher) {
      confirms = this.#confirms.get(publisher);
      if (confirms === undefined) {
        confirms = { to: { thread, id: publisher, generation: 0 }, batch: new WordBatch() };
        this.#confirms.set(publisher, confirms);
      }
      this.#lastConfirms = confirms;
    }
    addConfirm(confirms.batch, this.#pool, channel, sequence, false);
  }

  /** A queue has handed over messages up to `position`. */
  appended(to: ActorRef, queue: number, position: number, flags: number): void {
    let stored = this.#stored.get(queue);
    if (stored === undefined) {
      stored = { to: { thread: to.thread, id: to.id, generation: 0 }, kept: 0, paged: 0, hasKept: false, hasPaged: false };
      this.#stored.set(queue, stored);
    }
    if ((flags & AppendFlag.paged) === 0) {
      stored.kept = (position + 1) | 0;
      stored.hasKept = true;
    } else {
      stored.paged = (position + 1) | 0;
      stored.hasPaged = true;
    }
  }

  /** A queue's answer to a connection that must come behind the confirms. */
  fence({ a: generation, b: connection, c: request, body }: Letter): void {
    const letter = new Letter(ConnectionLetter.answer);
    letter.a = request;
    letter.b = generation;
    letter.body = body;
    this.#fences.push({ to: connectionRef(connection), letter });
  }

  /** The topology has handed over its changes up to this number. */
  defined(number: number): void {
    this.#defined = number;
  }

  /** The queue is gone: it is told nothing any more. */
  forget(queue: number): void {
    this.#stored.delete(queue);
  }

  /** The group is on the device. */
  send(tell: (to: ActorRef, letter: Letter) => void): void {
    for (const { to, batch } of this.#confirms.values()) tell(to, letterWith(confirmedType(to.id), batch));
    this.#confirms.clear();
    this.#lastConfirms = undefined;
    for (const { to, kept, paged, hasKept, hasPaged } of this.#stored.values()) {
      const letter = new Letter(QueueLetter.stored);
      letter.a = kept;
      letter.b = paged;
      letter.c = (hasKept ? 1 : 0) | (hasPaged ? 2 : 0);
      tell(to, letter);
    }
    this.#stored.clear();
    for (const { to, letter } of this.#fences) tell(to, letter);
    this.#fences = [];
    if (this.#defined === 0) return;
    const letter = new Letter(TopologyLetter.defined);
    letter.a = this.#defined;
    this.#defined = 0;
    tell({ thread: TOPOLOGY_THREAD, id: TOPOLOGY_ID, generation: 0 }, letter);
  }
}

function connectionRef(connection: number): ActorRef {
  return { thread: threadOfConnection(connection), id: connection, generation: 0 };
}
