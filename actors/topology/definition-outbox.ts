/**
 * What the store must be told of the topology, and how much of it is on the device.
 *
 * ```
 *   changes --> collected (batch n + 1) --> under way (batch n) --> `defined` --> stored = n
 * ```
 *
 * One batch is under way at a time: each is one transaction, they reach the device in order, and what comes meanwhile is one batch
 * together, in which a later change of an object takes the place of an earlier one.
 *
 * A batch may be said twice, to be sure that it was heard: the same records under the same keys change nothing. An older batch must not be
 * said after a younger one, though, or what was deleted would be back: so all that is not stored yet is said again as one.
 */
import { Buffer } from 'node:buffer';
import { QUEUE_ID_STEP, definitionChanges, reserveQueueIds } from '../../src/store/definitions.ts';
import type { DefinitionPort } from '../../src/store/definition-key.ts';
import type { DiskChange } from '../../src/store/port.ts';
import type { TopologyEvent } from '../../src/broker/topology/topology-event.ts';

/** The way to the store, with what definitions are made with. */
export interface StoreGate extends DefinitionPort {
  /** Tells the store to write the changes in one transaction. Answers the number that its `defined` will have: not 0, not one before. */
  define(changes: readonly DiskChange[]): number;
}

type Batch = { readonly number: number; readonly changes: ReadonlyMap<string, DiskChange>; request: number };

/** Changes that are worked out and not yet collected. */
export type Prepared = { readonly changes: readonly DiskChange[]; readonly idsReserved: number };

export class DefinitionOutbox {
  readonly #gate: StoreGate;
  #collected = new Map<string, DiskChange>();
  /** The number of the batch that is being collected. */
  #number = 1;
  #underWay: Batch | undefined = undefined;
  #stored = 0;
  /** Queues may have ids up to here once the batch that says so is stored. */
  #idsReserved: number;

  /** `lastQueueId`: the highest id that may have been given before. */
  constructor(gate: StoreGate, lastQueueId: number) {
    this.#gate = gate;
    this.#idsReserved = lastQueueId;
  }

  /** The last batch that is on the device; those before it are, too. */
  get stored(): number {
    return this.#stored;
  }

  /** What the events change in the store. Nothing is changed here, so that whoever fails over it can begin again. */
  prepare(events: readonly TopologyEvent[]): Prepared {
    const changes = definitionChanges(events, this.#gate);
    let highest = 0;
    // Transient queues count too: messages of theirs may be paged out to the store.
    for (const event of events) if (event.type === 'queue-created') highest = Math.max(highest, event.queue.id);
    if (highest <= this.#idsReserved) return { changes, idsReserved: this.#idsReserved };
    const idsReserved = highest - 1 + QUEUE_ID_STEP;
    return { changes: [...changes, reserveQueueIds(idsReserved, this.#gate)], idsReserved };
  }

  /** Answers the number of the batch that the changes leave with, 0 for none at all. */
  collect({ changes, idsReserved }: Prepared): number {
    this.#idsReserved = idsReserved;
    for (const change of changes) this.#collected.set(nameOf(change), change);
    return changes.length === 0 ? 0 : this.#number;
  }

  /** What was collected leaves, unless something is under way: then it leaves after that. */
  send(): void {
    if (this.#underWay === undefined && this.#collected.size > 0) this.restate();
  }

  /** Everything that is not stored is said, again if it was said before: nobody knows what of it the store has heard. */
  restate(): void {
    if (this.#collected.size > 0) {
      this.#underWay = { number: this.#number, changes: new Map([...(this.#underWay?.changes ?? []), ...this.#collected]), request: 0 };
      this.#number++;
      this.#collected = new Map();
    }
    if (this.#underWay !== undefined) this.#underWay.request = this.#gate.define([...this.#underWay.changes.values()]);
  }

  /** Whether the number is that of what is under way: answers to what was said again since are of no interest. */
  awaits(request: number): boolean {
    return this.#underWay?.request === request;
  }

  /** What is under way is on the device. */
  defined(): void {
    if (this.#underWay === undefined) return;
    this.#stored = this.#underWay.number;
    this.#underWay = undefined;
  }
}

function nameOf({ key }: DiskChange): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
