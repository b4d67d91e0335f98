import type { SimClock } from './sim-clock.ts';

/**
 * The event loop of a virtual thread: what waits to be run there, one event at a time, whenever the simulation's chooser lets
 * it. A dead loop runs nothing more; what was going to happen on it does not happen.
 */
export class EventLoop {
  alive = true;
  /** Choices during which this loop is passed over, as a thread that the system does not run. */
  stalledSteps = 0;
  readonly #clock: SimClock;
  #waiting: (() => void)[] = [];
  #bells = 0;
  readonly #onBell: () => void;

  constructor(clock: SimClock, onBell: () => void) {
    this.#clock = clock;
    this.#onBell = onBell;
  }

  soon(run: () => void): void {
    if (this.alive) this.#waiting.push(run);
  }

  /** Before all that waits. */
  first(run: () => void): void {
    if (this.alive) this.#waiting.unshift(run);
  }

  /** Another thread rings; when that is heard is the chooser's affair. */
  ring(): void {
    if (this.alive) this.#bells++;
  }

  setTimer(delayMs: number, callback: () => void): object {
    const state = { cleared: false, timer: {} as object };
    state.timer = this.#clock.setTimer(delayMs, () => this.soon(() => state.cleared || callback()));
    return state;
  }

  clearTimer(timer: object): void {
    const state = timer as { cleared: boolean; timer: object };
    state.cleared = true;
    this.#clock.clearTimer(state.timer);
  }

  get busy(): boolean {
    return this.alive && this.#waiting.length + this.#bells > 0;
  }

  /** Runs one event: a bell, or what waits longest. */
  step(bellFirst: boolean): void {
    if (this.#bells > 0 && (bellFirst || this.#waiting.length === 0)) {
      this.#bells--;
      this.#onBell();
      return;
    }
    this.#waiting.shift()?.();
  }

  die(): void {
    this.alive = false;
    this.#waiting = [];
    this.#bells = 0;
  }
}
