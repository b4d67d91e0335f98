/** What the store must know, as plain maps. */
export type Entry = {
  readonly content: Buffer;
  readonly sizeBytes: number;
  redelivered: boolean;
  /** In the bits of AppendFlag.priority. */
  readonly priority: number;
  deliveries: number;
  /** It waits for the commit. */
  pending: boolean;
};

export class ModelQueue {
  /** By position, in the order of their coming. */
  kept = new Map<number, Entry>();
  paged = new Map<number, Entry>();
  lastPaged: number | undefined;
  lastKept: number | undefined;
  /** The position that comes next. */
  tail = 0;
  /** Positions of messages that only memory has, and that may be paged. */
  skipped: number[] = [];

  get all(): [number, Entry][] {
    return [...this.kept, ...this.paged];
  }

  copy(): ModelQueue {
    const copy = new ModelQueue();
    for (const [position, entry] of this.kept) copy.kept.set(position, { ...entry });
    copy.tail = this.tail;
    return copy;
  }
}

export class StoreModel {
  readonly queues = new Map<number, ModelQueue>();

  queue(id: number): ModelQueue {
    let queue = this.queues.get(id);
    if (queue === undefined) this.queues.set(id, (queue = new ModelQueue()));
    return queue;
  }

  get pending(): number {
    let count = 0;
    for (const queue of this.queues.values()) for (const [, entry] of queue.all) if (entry.pending) count++;
    return count;
  }

  copy(): StoreModel {
    const copy = new StoreModel();
    for (const [id, queue] of this.queues) copy.queues.set(id, queue.copy());
    return copy;
  }
}

/** Whether `position` comes before `other`: int32 numbers that wrap. */
export function before(position: number, other: number): boolean {
  return ((position - other) | 0) < 0;
}
