/** The end of all connections when the node stops: each is told why and closed; what has not gone when its time is over goes with its thread. */
import type { TimerHost } from '../../actors/runtime/timers.ts';

export class ConnectionsEnd {
  /** Threads whose connections are being closed. */
  readonly #emptying = new Set<number>();
  readonly #emptied = Promise.withResolvers<void>();

  /** Resolves when the threads have no connections any more, or after `limitMs`. `tell` has a thread close its own. */
  async run(threads: Iterable<number>, tell: (thread: number) => void, timers: TimerHost, limitMs: number): Promise<void> {
    for (const thread of threads) {
      this.#emptying.add(thread);
      tell(thread);
    }
    if (this.#emptying.size === 0) return;
    const timer = timers.setTimer(limitMs, this.#emptied.resolve);
    await this.#emptied.promise;
    timers.clearTimer(timer);
  }

  /** The thread has none any more, or is lost. */
  stopped(thread: number): void {
    if (this.#emptying.delete(thread) && this.#emptying.size === 0) this.#emptied.resolve();
  }
}
