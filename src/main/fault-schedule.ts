/** Faults that tests order: plain data that travels to a thread, and what it becomes there. Nothing of it runs otherwise. */
import { type FaultPlan, InjectedCrash } from '../../actors/runtime/fault-points.ts';
import { LETTER_CRASHES_MAX } from '../../actors/runtime/scheduler.ts';

/** Crashes of actors of one group: one after every so many letters, drawn anew each time from a seed. */
export type CrashPlan = {
  readonly group: 'queue' | 'connection' | 'replica' | 'topology-writer' | 'keeper' | 'janitor' | 'store-writer';
  readonly seed: number;
  /** Letters of the group between two crashes, on average. Above 1 no letter is crashed over often enough to be condemned. */
  readonly everyLetters: number;
  /** No more than this many. */
  readonly crashesMax: number;
  /** Not the actor alone: its thread, at once, with everything that waits on it. */
  readonly endsThread?: boolean;
};

export type Fault =
  | { readonly type: 'plan'; readonly plan: CrashPlan | undefined }
  /** The thread ends at once, as by an error that nothing caught. */
  | { readonly type: 'end thread' }
  /** The thread takes memory for objects until V8 has no more for it. */
  | { readonly type: 'exhaust heap' }
  | { readonly type: 'stall'; readonly ms: number };

/** One less than condemns it. */
const CRASHES_OVER_LETTER_MAX = LETTER_CRASHES_MAX - 1;

export class FaultSchedule implements FaultPlan {
  readonly #plan: CrashPlan;
  #random: number;
  #left: number;
  #crashes = 0;
  #late = false;
  /** Crashes of each actor over the letter that it has in hand. */
  readonly #over = new Map<number, number>();

  constructor(plan: CrashPlan) {
    this.#plan = plan;
    this.#random = plan.seed | 1;
    this.#left = this.#draw();
  }

  /** xorshift32: small, seeded, good enough to choose a moment. */
  #draw(): number {
    this.#random ^= this.#random << 13;
    this.#random ^= this.#random >>> 17;
    this.#random ^= this.#random << 5;
    this.#late = (this.#random & 1) === 1;
    return 1 + ((this.#random >>> 1) % (this.#plan.everyLetters * 2));
  }

  beforeLetter(group: string, id: number): void {
    if (group !== this.#plan.group || this.#crashes >= this.#plan.crashesMax) return;
    if (--this.#left > 0 || this.#late || !this.#mayCrash(id)) return;
    this.#crash(group, id, 'before');
  }

  afterLetter(group: string, id: number): void {
    if (group !== this.#plan.group) return;
    if (this.#late && this.#left <= 0 && this.#crashes < this.#plan.crashesMax && this.#mayCrash(id)) this.#crash(group, id, 'after');
    this.#over.delete(id);
  }

  /** The letter is not condemned by it. Other actors may read letters in between, so this is counted for each. */
  #mayCrash(id: number): boolean {
    return this.#plan.everyLetters === 1 || (this.#over.get(id) ?? 0) < CRASHES_OVER_LETTER_MAX;
  }

  #crash(group: string, id: number, when: string): never {
    this.#crashes++;
    this.#over.set(id, (this.#over.get(id) ?? 0) + 1);
    this.#left = this.#draw();
    // On a worker this ends the thread where it stands.
    if (this.#plan.endsThread === true) process.exit(1);
    throw new InjectedCrash(`injected crash ${this.#crashes} of ${group} ${id}, ${when} a letter`);
  }
}

/** Words of one object that exhausts a heap: little enough to be refused by the collector and not by the system. */
const GLUTTONY_WORDS = 4096;

export function applyFault(fault: Exclude<Fault, { type: 'plan' }>): void {
  if (fault.type === 'exhaust heap') {
    const taken: number[][] = [];
    for (;;) taken.push(new Array<number>(GLUTTONY_WORDS).fill(taken.length));
  }
  if (fault.type === 'end thread') {
    setImmediate(() => {
      throw new InjectedCrash('injected end of the thread');
    });
    return;
  }
  const until = performance.now() + fault.ms;
  while (performance.now() < until) {
    // A stall is exactly this: the thread is busy and hears nothing.
  }
}
