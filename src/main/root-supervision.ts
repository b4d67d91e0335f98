/**
 * The root of the supervision tree as it runs: the ordered supervisor of `actors/supervision-tree.ts` over the parts of this
 * node. Start, stop, order, budgets and limits of time are the tree's; what starting and stopping a part means is the part's.
 */
import type { ExitReason } from '../../actors/runtime/supervision/exit-reason.ts';
import type { SupervisorSnapshot } from '../../actors/runtime/supervision/child-snapshot.ts';
import type { ChildSpec } from '../../actors/runtime/supervision/child-spec.ts';
import { Supervisor } from '../../actors/runtime/supervision/supervisor.ts';
import type { TimerHost } from '../../actors/runtime/timers.ts';
import type { TreeSupervisor } from '../../actors/supervision-tree.ts';
import { SupervisorTimers } from './supervisor-timers.ts';

/** A child of the root: a part of the node that is started and stopped as one. */
export type NodePart = {
  /** Resolves when the part stands. Throws or rejects when it cannot start; it must have cleared up by then. */
  start(): Promise<void> | void;
  /** Asks the part to end; resolves when nothing of it runs any more. */
  stop(): Promise<void> | void;
  /** Its time is over: ends what is left, now. */
  kill(): void;
};

export class RootSupervision {
  readonly #parts: ReadonlyMap<string, NodePart>;
  readonly #generations = new Map<string, number>();
  readonly #supervisor: Supervisor;
  readonly #timers: SupervisorTimers;
  readonly #onGaveUp: (reason: ExitReason) => void;
  readonly #start = Promise.withResolvers<void>();
  #end: PromiseWithResolvers<void> | undefined = undefined;
  #stood = false;
  #firstError: unknown = undefined;

  /**
   * Throws when `parts` are not exactly the children of the tree. `onGaveUp`: too many restarts, all parts are stopped; not
   * called for a start that failed nor for a stop that was asked for.
   */
  constructor(tree: TreeSupervisor, parts: Readonly<Record<string, NodePart>>, clock: TimerHost, onGaveUp: (reason: ExitReason) => void) {
    const planned = tree.children.map(({ id }) => id);
    const given = Object.keys(parts);
    if (planned.toSorted().join() !== given.toSorted().join()) {
      throw new Error(`the tree names ${planned.join(', ')} below its root, the node has ${given.join(', ')}`);
    }
    this.#parts = new Map(Object.entries(parts));
    this.#timers = new SupervisorTimers(clock);
    this.#onGaveUp = onGaveUp;
    const children: ChildSpec[] = tree.children.map(({ id, restart, shutdown, kind }) => ({ id, restart, shutdown, kind }));
    this.#supervisor = new Supervisor(
      { strategy: tree.strategy, intensity: tree.intensity, children },
      {
        start: (id, _policy, generation) => this.#startPart(String(id), generation),
        stop: (id, generation) => this.#stopPart(String(id), generation),
        kill: (id, generation) => this.#killPart(String(id), generation),
        ready: () => {
          this.#stood = true;
          this.#start.resolve();
        },
        escalate: (reason) => this.#ended(reason),
        childMarked: () => {},
        answer: () => {},
        now: () => clock.nowMs(),
        armTimer: (key, ms, epoch) => this.#timers.arm(ms, () => this.#supervisor.timerFired(key, epoch)),
      },
    );
  }

  /** Starts the parts in the order of the tree. When one cannot, the others are stopped and its error is thrown. */
  start(): Promise<void> {
    this.#supervisor.start();
    return this.#start.promise;
  }

  /** Stops the parts in reverse order, each within its limit. Never rejects; after it nothing runs. */
  stop(): Promise<void> {
    if (this.#end === undefined) {
      this.#end = Promise.withResolvers();
      if (this.snapshot().state === 'ended') this.#end.resolve();
      else this.#supervisor.shutdown();
    }
    return this.#end.promise;
  }

  /** A part has ended by itself: it, and what the strategy says, is restarted. */
  exited(id: string, text: string): void {
    this.#supervisor.exited(id, this.#generations.get(id) ?? 0, { kind: 'crash', text });
  }

  snapshot(): SupervisorSnapshot {
    return this.#supervisor.snapshot();
  }

  #startPart(id: string, generation: number): void {
    this.#generations.set(id, generation);
    this.#carryOut(
      () => this.#part(id).start(),
      () => this.#supervisor.started(id, generation),
      (error) => {
        this.#firstError ??= error;
        this.#supervisor.startFailed(id, generation, { kind: 'crash', text: textOf(error) });
      },
    );
  }

  #stopPart(id: string, generation: number): void {
    const down = (text: string): void => this.#supervisor.exited(id, generation, { kind: 'shutdown', text });
    this.#carryOut(
      () => this.#part(id).stop(),
      () => down(''),
      (error) => down(textOf(error)),
    );
  }

  #killPart(id: string, generation: number): void {
    this.#part(id).kill();
    this.#supervisor.exited(id, generation, { kind: 'shutdown', text: 'its time was over' });
  }

  /** Parts that work at once are done at once. */
  #carryOut(act: () => Promise<void> | void, done: () => void, failed: (error: unknown) => void): void {
    let working: Promise<void> | void;
    try {
      working = act();
    } catch (error) {
      return failed(error);
    }
    if (working === undefined) done();
    else void working.then(done, failed);
  }

  #part(id: string): NodePart {
    const part = this.#parts.get(id);
    if (part === undefined) throw new Error(`no part of the node is named ${id}`);
    return part;
  }

  #ended(reason: ExitReason): void {
    this.#timers.clear();
    this.#end?.resolve();
    if (!this.#stood) this.#start.reject(this.#firstError ?? new Error(reason.text));
    else if (this.#end === undefined) this.#onGaveUp(reason);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
