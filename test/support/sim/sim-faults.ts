import { type FaultPlan, InjectedCrash } from '../../../actors/runtime/fault-points.ts';
import type { SimRandom } from './sim-random.ts';

/** Thrown at a fault point: the whole virtual thread ends there, in the middle of a run. */
export class ThreadEnd extends Error {
  override readonly name = 'ThreadEnd';
  /** Where it happened. */
  thread = 0;
}

/** Of the moments within letters that are asked about, this part counts like one before or after a letter. */
const WITHIN = 0.3;

const STORE_GROUP = 'store-writer';
/** Names of groups, and what the crash of one of their actors is counted as. */
const KINDS = new Map<string, 'queue' | 'connection' | 'replica' | 'store'>([
  ['queue', 'queue'],
  ['connection', 'connection'],
  ['replica', 'replica'],
  [STORE_GROUP, 'store'],
]);

export type FaultRates = {
  readonly queueCrash: number;
  readonly connectionCrash: number;
  readonly threadEnd: number;
  readonly storeCrash?: number;
  readonly replicaCrash?: number;
  /** Faults of all kinds in one run at most. */
  readonly faultsMax: number;
};

/** Incarnations that may crash over one letter: one more would condemn it, which refuses a publish that nothing was wrong with. */
const OVER_ONE_LETTER_MAX = 2;

/** Crashes of replicas in one run: one more of the same within a minute ends its thread, which is another fault. */
const REPLICA_CRASHES_MAX = 3;

/** Crashes at random letters, before or after the actor has read them. Never over one letter often enough to condemn it. */
export class SimFaults implements FaultPlan {
  readonly crashes = { queue: 0, connection: 0, replica: 0, thread: 0, store: 0 };
  enabled = true;
  readonly #random: SimRandom;
  readonly #rates: FaultRates;
  /** Who reads a letter now, or has just read one. */
  #reading: { readonly group: string; readonly id: number } | undefined = undefined;
  /** Crashes over the letter that an actor has not come through yet. */
  readonly #overOneLetter = new Map<string, number>();
  #total = 0;
  #calm = 0;

  constructor(random: SimRandom, rates: FaultRates) {
    this.#random = random;
    this.#rates = rates;
  }

  /** A queue has lost an incarnation. */
  get broken(): boolean {
    return this.crashes.queue + this.crashes.thread > 0;
  }

  beforeLetter(group: string, id: number): void {
    this.#reading = { group, id };
    this.#perhaps(group, id, 'before');
  }

  afterLetter(group: string, id: number): void {
    this.#perhaps(group, id, 'after');
    this.#overOneLetter.delete(`${group} ${id}`);
  }

  /**
   * An actor is about to look at shared memory, in the middle of a letter or of the end of its turn. Of queues only: a connection
   * that crashes between taking memory for a message and naming its queues takes that one lease with it.
   */
  withinLetter(): void {
    if (this.#reading?.group === 'queue' && this.#random.chance(WITHIN)) this.#perhaps(this.#reading.group, this.#reading.id, 'within');
  }

  /** No actor runs now. */
  atRest(): void {
    this.#reading = undefined;
  }

  #perhaps(group: string, id: number, when: string): void {
    if (!this.enabled || this.#total >= this.#rates.faultsMax || this.#calm-- > 1) return;
    // The end of the store's thread is the end of the node.
    if (group !== STORE_GROUP && this.#random.chance(this.#rates.threadEnd)) {
      this.#note('thread');
      throw new ThreadEnd(`injected end of the thread, ${when} a letter of ${group} ${id}`);
    }
    const kind = KINDS.get(group);
    const actor = `${group} ${id}`;
    const before = this.#overOneLetter.get(actor) ?? 0;
    // A letter is long: several moments within it are asked about, and calm alone does not see that they are the same letter.
    if (before >= OVER_ONE_LETTER_MAX) return;
    if (kind === undefined || (kind === 'replica' && this.crashes.replica >= REPLICA_CRASHES_MAX)) return;
    const rate = this.#rates[`${kind}Crash`];
    if (rate === undefined || !this.#random.chance(rate)) return;
    this.#note(kind);
    this.#overOneLetter.set(actor, before + 1);
    throw new InjectedCrash(`injected crash of ${group} ${id}, ${when} a letter`);
  }

  #note(kind: keyof SimFaults['crashes']): void {
    this.crashes[kind]++;
    this.#total++;
    // Sometimes twice over one letter; what two incarnations have crashed over is read in peace by the third.
    this.#calm = this.#calm < 0 && this.#random.chance(0.2) ? 2 : 50;
  }
}
