/**
 * Connections that have not yet heard of this incarnation of a queue. What the one before delivered may still be on its way to their
 * sockets, so until all have heard, or are gone, the memory of no message is let go of: nothing is delivered, dropped, purged, or paged out
 * (I7). There is no limit of time: who lives answers, however late, and of who ends the queue hears (I12).
 */
export class Unsynced {
  readonly #connections = new Set<number>();
  #waiting: (() => void)[] = [];

  get none(): boolean {
    return this.#connections.size === 0;
  }

  add(connection: number): void {
    this.#connections.add(connection);
  }

  /** It has heard, or is gone. True: it was the last. */
  heard(connection: number): boolean {
    return this.#connections.delete(connection) && this.none;
  }

  /** At once, or when all have heard. Of who asks there is one at most for each connection. */
  whenNone(act: () => void): void {
    if (this.none) act();
    else this.#waiting.push(act);
  }

  /** All have heard: what waited for that is done. */
  release(): void {
    for (const act of this.#waiting.splice(0)) act();
  }
}
