import { DEADLINE_MS, withinDeadline } from './deadline.ts';

/**
 * Values in the order of their arrival, taken one by one. A test's consumer callback puts, the test takes. After `end`, what
 * has arrived can still be taken; then every take is refused with the reason of the end.
 */
export class Inbox<T> {
  readonly #values: T[] = [];
  readonly #waiting: PromiseWithResolvers<T>[] = [];
  #ended: Error | undefined;

  get length(): number {
    return this.#values.length;
  }

  put(value: T): void {
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.#values.push(value);
    else waiter.resolve(value);
  }

  /** Undoes a take: the value is the next one again. */
  putBack(value: T): void {
    this.#values.unshift(value);
  }

  end(reason: Error): void {
    this.#ended ??= reason;
    for (const waiter of this.#waiting.splice(0)) waiter.reject(reason);
  }

  /** The next value. Errors: the deadline (named `what`), or the reason of the end. */
  async take(what: string, timeoutMs: number = DEADLINE_MS): Promise<T> {
    const [value] = this.#values.splice(0, 1);
    if (value !== undefined) return value;
    if (this.#ended !== undefined) throw new Error(`waiting for ${what}: ${this.#ended.message}`);
    const waiter = Promise.withResolvers<T>();
    this.#waiting.push(waiter);
    try {
      return await withinDeadline(waiter.promise, what, timeoutMs);
    } finally {
      const place = this.#waiting.indexOf(waiter);
      if (place >= 0) this.#waiting.splice(place, 1);
    }
  }

  /** The next `count` values. */
  async takeMany(count: number, what: string): Promise<T[]> {
    const values: T[] = [];
    while (values.length < count) values.push(await this.take(`${what} (${values.length + 1} of ${count})`));
    return values;
  }
}
