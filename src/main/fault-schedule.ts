/** Faults that tests order: plain data that travels to a thread, and what it becomes there. Nothing of it runs otherwise. */
import { type FaultPlan, InjectedCrash } from '../../actors/runtime/fault-points.ts';

/** Crashes of actors of one group: one after every so many letters, drawn anew each time from a seed. */
export type CrashPlan = {
  readonly group: 'queue' | 'connection' | 'replica' | 'topology-writer' | 'keeper' | 'janitor';
  readonly seed: number;
  /** Letters of the group between two crashes, on average. */
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
  | { readonly type: 'stall'; readonly ms: number };

export class FaultSchedule implements FaultPlan {
  readonly #plan: CrashPlan;
  #random: number;
  #left: number;
  #crashes = 0;
  #late = false;

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
    if (--this.#left > 0 || this.#late) return;
    this.#crash(group, id, 'before');
  }

  afterLetter(group: string, id: number): void {
    if (group !== this.#plan.group || !this.#late || this.#left > 0 || this.#crashes >= this.#plan.crashesMax) return;
    this.#crash(group, id, 'after');
  }

  #crash(group: string, id: number, when: string): never {
    this.#crashes++;
    this.#left = this.#draw();
    // On a worker this ends the thread where it stands.
    if (this.#plan.endsThread === true) process.exit(1);
    throw new InjectedCrash(`injected crash ${this.#crashes} of ${group} ${id}, ${when} a letter`);
  }
}

export function applyFault(fault: Exclude<Fault, { type: 'plan' }>): void {
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
