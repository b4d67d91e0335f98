import type { Clock, Timer } from '../../../native-free-io/clock.ts';

type Armed = { readonly atMs: number; readonly callback: () => void; cleared: boolean };

/** A clock that stands still until it is told to go on. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #armed: Armed[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer: Armed = { atMs: this.#nowMs + Math.max(0, delayMs), callback, cleared: false };
    this.#armed.push(timer);
    return timer;
  }

  clearTimer(timer: Timer): void {
    (timer as Armed).cleared = true;
    this.#armed = this.#armed.filter((each) => each !== timer);
  }

  /** Lets time pass; what falls due is called in its order, and `afterEach` after each call. */
  advance(byMs: number, afterEach: () => void): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const next = this.#armed.reduce<Armed | undefined>((first, each) => (first === undefined || each.atMs < first.atMs ? each : first), undefined);
      if (next === undefined || next.atMs > untilMs) break;
      this.#armed = this.#armed.filter((each) => each !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      if (!next.cleared) next.callback();
      afterEach();
    }
    this.#nowMs = untilMs;
  }
}
