/**
 * Runs steps one after another, never one inside another. A port may answer an effect while that effect is still being
 * emitted (`start` calls `started` at once when the child lives on the same thread); the answer then waits for its turn, and
 * the machine never sees itself half-way through a step. The line is as long as one step's effects, no longer.
 */
export class EventTurns {
  #waiting: (() => void)[] = [];
  #running = false;

  /** Runs the step now, or after the one that is running. An exception of a step ends the turn and reaches the outer caller. */
  run(step: () => void): void {
    this.#waiting.push(step);
    if (this.#running) return;
    this.#running = true;
    try {
      for (let index = 0; index < this.#waiting.length; index++) this.#waiting[index]?.();
    } finally {
      this.#waiting = [];
      this.#running = false;
    }
  }
}
