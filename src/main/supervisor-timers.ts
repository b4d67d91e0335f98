import type { TimerHost } from '../../actors/runtime/timers.ts';

/** The timers of a supervisor at the edge. Supervisors never cancel theirs; these are cleared when the supervisor has ended. */
export class SupervisorTimers {
  readonly #host: TimerHost;
  readonly #timers = new Set<object>();

  constructor(host: TimerHost) {
    this.#host = host;
  }

  arm(ms: number, fire: () => void): void {
    const timer = this.#host.setTimer(ms, () => {
      this.#timers.delete(timer);
      fire();
    });
    this.#timers.add(timer);
  }

  clear(): void {
    for (const timer of this.#timers) this.#host.clearTimer(timer);
    this.#timers.clear();
  }
}
