import type { ScannedEntry, Store } from './port.ts';

/**
 * The store of a node without one. It keeps nothing: what is appended is counted and forgotten, a scan finds nothing, and every
 * mark counts as stored at once, because waiting would not make it any safer. Queues, their messages, exchanges and bindings
 * live as long as the process. `durable` says so.
 */
export class VolatileStore implements Store {
  readonly durable = false;
  #mark = 0;

  get storedThrough(): number {
    return this.#mark;
  }

  open(): void {}

  close(): void {}

  append(): number {
    return ++this.#mark;
  }

  remove(): number {
    return ++this.#mark;
  }

  scan(): Iterable<ScannedEntry> {
    return [];
  }
}
