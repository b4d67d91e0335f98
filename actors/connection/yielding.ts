import type { Scheduler } from '../runtime/scheduler.ts';
import type { PublishThrottle } from './publish-throttle.ts';

/** A publisher that is not read for a while, because a queue it publishes to has fallen behind: its consumers go first. */
export class Yielding {
  readonly #scheduler: Scheduler;
  readonly #over: () => void;
  #throttle: PublishThrottle | undefined = undefined;
  #untilMs = 0;

  /** `over` is called, outside any letter, when a pause ends before its time. */
  constructor(scheduler: Scheduler, over: () => void) {
    this.#scheduler = scheduler;
    this.#over = over;
  }

  get active(): boolean {
    return this.#throttle !== undefined;
  }

  /** Pays for what was published. Answers true when a pause begins; `timerFired` must be called every millisecond then. */
  pay(throttle: PublishThrottle): boolean {
    if (this.active) return false;
    const untilMs = throttle.pay(this.#nowMs);
    if (untilMs === 0) return false;
    this.#throttle = throttle;
    this.#untilMs = untilMs;
    this.#scheduler.afterRun.add(this.#look);
    return true;
  }

  /** Answers true while the pause goes on. */
  timerFired(): boolean {
    if (!this.active) return false;
    const now = this.#scheduler.nowMs();
    if (now < this.#untilMs && this.#throttle?.isVain(now) === false) return true;
    this.end();
    return false;
  }

  end(): void {
    this.#throttle = undefined;
    this.#scheduler.afterRun.delete(this.#look);
  }

  readonly #nowMs = (): number => this.#scheduler.nowMs();

  readonly #look = (): void => {
    if (this.#throttle?.relieved === false && this.#scheduler.nowMs() < this.#untilMs) return;
    this.end();
    this.#over();
  };
}
