/** Values that follow each other in time, over and over: which one holds at a time since the start. */
import type { Step } from '../scenario/load.ts';

export class StepClock {
  readonly #steps: readonly Step[];
  readonly #roundNs: number;

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
    this.#roundNs = steps.reduce((sum, { seconds }) => sum + seconds * 1e9, 0);
  }

  /** Throws a RangeError where there is no step. */
  valueAt(timeNs: number): number {
    let left = timeNs % this.#roundNs;
    for (const { value, seconds } of this.#steps) {
      if (left < seconds * 1e9) return value;
      left -= seconds * 1e9;
    }
    const last = this.#steps.at(-1);
    if (last === undefined) throw new RangeError('no step to choose from');
    return last.value;
  }

  /** `timeNs`, or the beginning of the next step whose value is above 0; Infinity when there is none. */
  positiveFrom(timeNs: number): number {
    if (this.#steps.every(({ value }) => value <= 0)) return Infinity;
    for (let nowNs = timeNs; ; ) {
      if (this.valueAt(nowNs) > 0) return nowNs;
      nowNs = this.#nextStep(nowNs);
    }
  }

  #nextStep(timeNs: number): number {
    let startNs = Math.floor(timeNs / this.#roundNs) * this.#roundNs;
    for (const { seconds } of this.#steps) {
      startNs += seconds * 1e9;
      if (startNs > timeNs) return startNs;
    }
    return startNs + 1;
  }
}
