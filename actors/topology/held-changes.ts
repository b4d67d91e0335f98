/**
 * Changes that are decided and not yet shown to anybody: they wait, in order, for the store to have what is durable of them.
 */
import type { ActorRef } from '../runtime/letter.ts';
import type { TopologyCommand, TopologyReply } from '../../src/broker/topology/topology-command.ts';
import type { TopologyEvent } from '../../src/broker/topology/topology-event.ts';
import { objectOfCommand, objectOfEvent } from '../../src/broker/topology/topology-object.ts';

/** What was decided about one command. */
export type Change = {
  /** None: only the answer waits for what came before. */
  readonly events: readonly TopologyEvent[];
  /** The topology's version after the events. */
  readonly version: number;
  /** The batch of definitions that must be stored first, 0 for none. */
  readonly batch: number;
  readonly to: ActorRef;
  readonly request: number;
  readonly reply: TopologyReply;
};

export class HeldChanges {
  readonly #changes: Change[] = [];
  /** For each object that a change here concerns, the version of the last such change. */
  readonly #concerned = new Map<string, number>();
  /** The version that those who are shown the topology see, or will when they have read their letters. */
  shownVersion: number;

  constructor(shownVersion: number) {
    this.shownVersion = shownVersion;
  }

  get count(): number {
    return this.#changes.length;
  }

  hold(change: Change): void {
    this.#changes.push(change);
    for (const event of change.events) {
      const object = objectOfEvent(event);
      if (object !== undefined) this.#concerned.set(object, change.version);
    }
  }

  /** Whether what the command asks about is about to change: an answer that holds already must not be given yet. */
  concerns(command: TopologyCommand): boolean {
    const object = this.#concerned.size === 0 ? undefined : objectOfCommand(command);
    return object !== undefined && this.#concerned.has(object);
  }

  /** The first change, if it waits for nothing any more. */
  first(stored: number): Change | undefined {
    const change = this.#changes[0];
    return change !== undefined && change.batch <= stored ? change : undefined;
  }

  /** The first change has been shown. */
  shift(): void {
    const change = this.#changes.shift();
    if (change === undefined) return;
    this.shownVersion = change.version;
    for (const event of change.events) {
      const object = objectOfEvent(event);
      if (object !== undefined && this.#concerned.get(object) === change.version) this.#concerned.delete(object);
    }
  }
}
