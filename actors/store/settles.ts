/**
 * What queues have settled, in portions: a purge of millions of messages must not make one commit that takes seconds and touches every
 * page of the file. What waits for a later portion is found again after a kill, marked as redelivered, like any settle whose commit
 * had not come.
 */
import type { Store } from '../../src/store/store.ts';

/** Messages that one group settles at most. */
export const GROUP_SETTLES_MAX = 262_144;

type Run = { readonly queue: number; from: number; count: number };

export class Settles {
  readonly #store: Store;
  #room = GROUP_SETTLES_MAX;
  #runs: Run[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  /** Something is left for a later group. */
  get waiting(): boolean {
    return this.#runs.length > 0;
  }

  add(queue: number, from: number, count: number): void {
    if (this.#runs.length === 0 && count <= this.#room) return this.#settle(queue, from, count);
    this.#runs.push({ queue, from, count });
  }

  /** The queue is gone, and what it settled with it. */
  forget(queue: number): void {
    this.#runs = this.#runs.filter((run) => run.queue !== queue);
  }

  /** A commit is about to take what was settled; what waited takes the room that is left. */
  nextGroup(): void {
    const runs = this.#runs;
    let done = 0;
    while (done < runs.length && this.#room > 0) {
      const run = runs[done]!;
      const count = Math.min(run.count, this.#room);
      this.#settle(run.queue, run.from, count);
      run.from = (run.from + count) | 0;
      run.count -= count;
      if (run.count === 0) done++;
    }
    if (done > 0) runs.splice(0, done);
    this.#room = GROUP_SETTLES_MAX;
  }

  #settle(queue: number, from: number, count: number): void {
    this.#room -= count;
    this.#store.settle(queue, from, count);
  }
}
