/**
 * Who watches whom, as a pure table. Refs are plain values; a watch is of one incarnation, so that the end of an old one is
 * never taken for the end of its successor.
 *
 *   target  (thread, id, generation) -> the watchers to be told when it is down
 *   watcher (thread, id, generation) -> the targets it watches, so that its own end leaves nothing behind
 *
 * Adding, dropping and asking take constant time; an end takes time in proportion to the watches it ends.
 */

/** One incarnation of an actor. */
export type WatchRef = { readonly thread: number; readonly id: number; readonly generation: number };

/** One side of the table: a ref, and the refs it is bound to. */
type Entry = { readonly ref: WatchRef; readonly bound: Map<string, WatchRef> };

const NO_REFS: readonly WatchRef[] = [];

export class Monitor {
  readonly #watchersOf = new Map<string, Entry>();
  readonly #targetsOf = new Map<string, Entry>();
  #watches = 0;

  /** Watches that stand. */
  get size(): number {
    return this.#watches;
  }

  /** Whether this watch is new; watching twice is watching once. */
  watch(watcher: WatchRef, target: WatchRef): boolean {
    const isNew = bind(this.#watchersOf, target, watcher);
    if (isNew) {
      bind(this.#targetsOf, watcher, target);
      this.#watches += 1;
    }
    return isNew;
  }

  /** Whether there was such a watch. */
  unwatch(watcher: WatchRef, target: WatchRef): boolean {
    const stood = unbind(this.#watchersOf, keyOf(target), keyOf(watcher));
    if (stood) {
      unbind(this.#targetsOf, keyOf(watcher), keyOf(target));
      this.#watches -= 1;
    }
    return stood;
  }

  /** Whether anybody on the list is to be told of the target's end. */
  watched(target: WatchRef): boolean {
    return this.#watchersOf.has(keyOf(target));
  }

  /**
   * This incarnation is down: ends the watches on it and answers its watchers, in the order in which they began to watch; ends
   * the watches it kept itself as well.
   */
  down(ended: WatchRef): readonly WatchRef[] {
    const key = keyOf(ended);
    this.removeWatcher(ended);
    const entry = this.#watchersOf.get(key);
    if (entry === undefined) return NO_REFS;
    this.#watchersOf.delete(key);
    this.#watches -= entry.bound.size;
    for (const watcherKey of entry.bound.keys()) unbind(this.#targetsOf, watcherKey, key);
    return [...entry.bound.values()];
  }

  /** Ends all watches this watcher keeps. */
  removeWatcher(watcher: WatchRef): void {
    const key = keyOf(watcher);
    const entry = this.#targetsOf.get(key);
    if (entry === undefined) return;
    this.#targetsOf.delete(key);
    this.#watches -= entry.bound.size;
    for (const targetKey of entry.bound.keys()) unbind(this.#watchersOf, targetKey, key);
  }

  /**
   * Every actor of a thread is lost: answers each lost target with its watchers on other threads, and ends all watches from and
   * on that thread. Takes time in proportion to the table.
   */
  threadLost(thread: number): readonly { readonly target: WatchRef; readonly watchers: readonly WatchRef[] }[] {
    const lostWatchers = [...this.#targetsOf.values()].filter(({ ref }) => ref.thread === thread);
    for (const { ref } of lostWatchers) this.removeWatcher(ref);
    const lostTargets = [...this.#watchersOf.values()].filter(({ ref }) => ref.thread === thread);
    return lostTargets.map(({ ref }) => ({ target: ref, watchers: this.down(ref) }));
  }
}

/** Two refs of the same incarnation have the same key. */
function keyOf({ thread, id, generation }: WatchRef): string {
  return `${thread}/${id}/${generation}`;
}

function bind(table: Map<string, Entry>, from: WatchRef, to: WatchRef): boolean {
  const key = keyOf(from);
  let entry = table.get(key);
  if (entry === undefined) table.set(key, (entry = { ref: from, bound: new Map() }));
  const { size } = entry.bound;
  entry.bound.set(keyOf(to), to);
  return entry.bound.size > size;
}

function unbind(table: Map<string, Entry>, fromKey: string, toKey: string): boolean {
  const entry = table.get(fromKey);
  const stood = entry?.bound.delete(toKey) ?? false;
  if (entry?.bound.size === 0) table.delete(fromKey);
  return stood;
}
