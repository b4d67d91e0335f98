import type { Clock, Timer } from '../../../native-free-io/clock.ts';

type Armed = { readonly atMs: number; readonly serial: number; readonly callback: () => void };

/** Time that passes only when the simulation lets it: timers as data, fired in the order of their moments. */
export class SimClock implements Clock {
  #nowMs = 0;
  #serial = 0;
  readonly #armed = new Set<Armed>();

  nowMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer: Armed = { atMs: this.#nowMs + Math.max(0, delayMs), serial: this.#serial++, callback };
    this.#armed.add(timer);
    return timer;
  }

  clearTimer(timer: Timer): void {
    this.#armed.delete(timer as Armed);
  }

  /** When the next timer is due; Infinity when none is armed. */
  get nextMs(): number {
    return this.#first()?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Moves time forward to `untilMs`, timers on the way included. */
  pass(untilMs: number): void {
    for (let first = this.#first(); first !== undefined && first.atMs <= untilMs; first = this.#first()) {
      this.#armed.delete(first);
      this.#nowMs = Math.max(this.#nowMs, first.atMs);
      first.callback();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #first(): Armed | undefined {
    let first: Armed | undefined;
    for (const timer of this.#armed) {
      if (first === undefined || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.serial < first.serial)) first = timer;
    }
    return first;
  }
}
