/** Which places in shared memory queues have. A slot is free again when its deleted queue has said that it holds nothing any more. */
import type { QueueRecord } from '../../src/broker/topology/topology-records.ts';
import type { Topology } from '../../src/broker/topology/topology.ts';

/** Slot 0 is nobody's. */
const FIRST_SLOT = 1;

export class QueueSlots {
  readonly #free: number[] = [];
  /** Queues that are deleted and may still hold something, by slot. */
  readonly #ending = new Map<number, QueueRecord>();
  #next = FIRST_SLOT;

  /** The slots of queues that are there already are taken; gaps between them are free. */
  constructor(topology: Topology) {
    const taken = new Set<number>();
    for (const vhost of topology.vhosts()) for (const queue of topology.queues(vhost.name)) taken.add(queue.slot);
    for (const slot of taken) this.#next = Math.max(this.#next, slot + 1);
    for (let slot = this.#next - 1; slot >= FIRST_SLOT; slot--) if (!taken.has(slot)) this.#free.push(slot);
  }

  /** The slot that the next new queue gets. */
  peek(): number {
    return this.#free.at(-1) ?? this.#next;
  }

  take(slot: number): void {
    if (this.#free.at(-1) === slot) this.#free.pop();
    else if (slot === this.#next) this.#next++;
    else throw new Error(`slot ${slot} was taken out of turn`);
  }

  deleted(queue: QueueRecord): void {
    this.#ending.set(queue.slot, queue);
  }

  /** Around the loss of a thread this may be said twice. */
  emptied(slot: number, id: number): void {
    if (this.#ending.get(slot)?.id !== id) return;
    this.#ending.delete(slot);
    this.#free.push(slot);
  }

  endingOn(thread: number): readonly QueueRecord[] {
    return [...this.#ending.values()].filter((queue) => queue.thread === thread);
  }
}
