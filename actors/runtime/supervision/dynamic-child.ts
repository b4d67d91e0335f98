import type { ChildId } from './child-spec.ts';
import type { ChildSnapshot, ChildState } from './child-snapshot.ts';
import { formatExit, type ExitReason } from './exit-reason.ts';
import { laterGeneration, nextGeneration } from './generation.ts';
import type { RestartWindow } from './restart-window.ts';

/** Shared by all children nobody has asked about, which is nearly all of them nearly always. */
export const NO_REQUESTS: readonly number[] = [];

/** One of very many children: what it has in common with its siblings is not kept here. */
export type DynamicChild = {
  readonly id: ChildId;
  state: Exclude<ChildState, 'stopped' | 'exited'>;
  generation: number;
  restarts: number;
  lastExit: ExitReason | null;
  /** Its own restart budget, from its first crash on, where the group gives each child one. */
  window: RestartWindow | null;
  /** The epoch of the timer that limits its stop, 0 when none is armed. */
  stopEpoch: number;
  /** Who waits for its start, or its end. */
  requests: readonly number[];
};

/** The children of one dynamic supervisor by name. A name that is used again goes on above every forgotten generation. */
export class DynamicTable {
  readonly #children = new Map<ChildId, DynamicChild>();
  #forgottenGeneration = 0;

  get size(): number {
    return this.#children.size;
  }

  find(id: ChildId): DynamicChild | undefined {
    return this.#children.get(id);
  }

  /** The child, if this is its current incarnation. */
  incarnation(id: ChildId, generation: number): DynamicChild | undefined {
    const child = this.#children.get(id);
    return child?.generation === generation ? child : undefined;
  }

  /** Adds a child whose first incarnation will be later than `afterGeneration`. */
  add(id: ChildId, afterGeneration: number): DynamicChild {
    const child: DynamicChild = {
      id,
      state: 'starting',
      generation: laterGeneration(afterGeneration, this.#forgottenGeneration),
      restarts: 0,
      lastExit: null,
      window: null,
      stopEpoch: 0,
      requests: NO_REQUESTS,
    };
    this.#children.set(id, child);
    return child;
  }

  forget(child: DynamicChild): void {
    this.#children.delete(child.id);
    this.#forgottenGeneration = laterGeneration(child.generation, this.#forgottenGeneration);
  }

  all(): IterableIterator<DynamicChild> {
    return this.#children.values();
  }

  childSnapshot(id: ChildId): ChildSnapshot | undefined {
    const child = this.#children.get(id);
    return child === undefined ? undefined : snapshotOf(child);
  }

  excerpt(childrenMax: number): ChildSnapshot[] {
    const some: ChildSnapshot[] = [];
    for (const runs of [false, true]) {
      for (const child of this.#children.values()) {
        if (some.length >= childrenMax) return some;
        if ((child.state === 'running') === runs) some.push(snapshotOf(child));
      }
    }
    return some;
  }

  snapshot(): ChildSnapshot[] {
    return Array.from(this.#children.values(), snapshotOf);
  }
}

/** Moves the child to its next incarnation, which is about to be started. */
export function beginDynamic(child: DynamicChild, state: 'starting' | 'restarting' | 'reviving'): void {
  child.generation = nextGeneration(child.generation);
  child.state = state;
  if (state === 'restarting') child.restarts += 1;
}

function snapshotOf(child: DynamicChild): ChildSnapshot {
  return {
    id: child.id,
    state: child.state,
    generation: child.generation,
    restarts: child.restarts,
    lastError: child.lastExit === null ? null : formatExit(child.lastExit),
  };
}
