/** Time as the runtime needs it; the clock of `native-free-io` has this form, and so has a simulation's. */
export interface TimerHost {
  /** Monotonic, milliseconds. */
  nowMs(): number;
  setTimer(delayMs: number, callback: () => void): object;
  clearTimer(timer: object): void;
}

type Armed = { readonly timer: object; readonly epoch: number };

/**
 * The timers of all actors of a thread, by actor and key. Each arming has an epoch: a letter of an earlier one that is
 * already in a mailbox when the timer is armed again can be told apart.
 */
export class Timers {
  readonly #host: TimerHost;
  readonly #fired: (id: number, key: number, epoch: number) => void;
  readonly #byActor = new Map<number, Map<number, Armed>>();
  readonly #others = new Set<object>();
  #epoch = 0;

  constructor(host: TimerHost, fired: (id: number, key: number, epoch: number) => void) {
    this.#host = host;
    this.#fired = fired;
  }

  arm(id: number, key: number, afterMs: number): number {
    this.cancel(id, key);
    const epoch = (this.#epoch = (this.#epoch + 1) | 0);
    const timer = this.#host.setTimer(afterMs, () => {
      this.#forget(id, key);
      this.#fired(id, key, epoch);
    });
    let keys = this.#byActor.get(id);
    if (keys === undefined) this.#byActor.set(id, (keys = new Map()));
    keys.set(key, { timer, epoch });
    return epoch;
  }

  cancel(id: number, key: number): void {
    const armed = this.#byActor.get(id)?.get(key);
    if (armed === undefined) return;
    this.#host.clearTimer(armed.timer);
    this.#forget(id, key);
  }

  cancelAll(id: number): void {
    for (const { timer } of this.#byActor.get(id)?.values() ?? []) this.#host.clearTimer(timer);
    this.#byActor.delete(id);
  }

  /** A timer of the runtime itself. */
  afterMs(ms: number, call: () => void): void {
    const timer = this.#host.setTimer(ms, () => {
      this.#others.delete(timer);
      call();
    });
    this.#others.add(timer);
  }

  close(): void {
    for (const id of [...this.#byActor.keys()]) this.cancelAll(id);
    for (const timer of this.#others) this.#host.clearTimer(timer);
    this.#others.clear();
  }

  #forget(id: number, key: number): void {
    const keys = this.#byActor.get(id);
    if (keys === undefined) return;
    keys.delete(key);
    if (keys.size === 0) this.#byActor.delete(id);
  }
}
