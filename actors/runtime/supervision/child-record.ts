import { laterGeneration, nextGeneration } from './generation.ts';
import type { ChildId, ChildSpec } from './child-spec.ts';
import type { ChildSnapshot, ChildState } from './child-snapshot.ts';
import { formatExit, type ExitReason } from './exit-reason.ts';

/** One child as its supervisor keeps it. */
export type ChildRecord = {
  readonly spec: ChildSpec;
  state: ChildState;
  generation: number;
  restarts: number;
  lastExit: ExitReason | null;
};

/**
 * The children of one supervisor in start order. A name that is forgotten and used again goes on above every generation that
 * was ever forgotten here, so that a letter to its former life is never taken for a current one.
 */
export class ChildTable {
  readonly #records = new Map<ChildId, ChildRecord>();
  #forgottenGeneration = 0;

  get size(): number {
    return this.#records.size;
  }

  find(id: ChildId): ChildRecord | undefined {
    return this.#records.get(id);
  }

  /** The child, if this is its current incarnation. */
  incarnation(id: ChildId, generation: number): ChildRecord | undefined {
    const child = this.#records.get(id);
    return child?.generation === generation ? child : undefined;
  }

  /** Adds a child behind all others. Throws when the name is taken. */
  add(spec: ChildSpec): ChildRecord {
    if (this.#records.has(spec.id)) throw new Error(`two children are named ${spec.id}`);
    const child: ChildRecord = {
      spec,
      state: 'stopped',
      generation: this.#forgottenGeneration,
      restarts: 0,
      lastExit: null,
    };
    this.#records.set(spec.id, child);
    return child;
  }

  forget(child: ChildRecord): void {
    this.#records.delete(child.spec.id);
    this.#forgottenGeneration = laterGeneration(child.generation, this.#forgottenGeneration);
  }

  inStartOrder(): ChildRecord[] {
    return [...this.#records.values()];
  }

  snapshot(): ChildSnapshot[] {
    return this.inStartOrder().map((child) => ({
      id: child.spec.id,
      state: child.state,
      generation: child.generation,
      restarts: child.restarts,
      lastError: child.lastExit === null ? null : formatExit(child.lastExit),
    }));
  }
}

/** Moves the child to its next incarnation, which is about to be started. */
export function beginIncarnation(child: ChildRecord, restarted: boolean): void {
  child.generation = nextGeneration(child.generation);
  child.state = 'starting';
  if (restarted) child.restarts += 1;
}

/** Whether a child has no incarnation, neither alive nor dead and waiting to be noticed. */
export function isDown(child: ChildRecord): boolean {
  return child.state === 'stopped' || child.state === 'restarting';
}
