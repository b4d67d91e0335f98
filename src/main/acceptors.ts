/**
 * The acceptors under their supervisor: each scheduler thread listens for itself, all on one port. An acceptor that ends with
 * its thread is no failure of its own; the replacement of the thread gets a new one.
 */
import type { SupervisorSnapshot } from '../../actors/runtime/supervision/child-snapshot.ts';
import { DynamicSupervisor } from '../../actors/runtime/supervision/dynamic-supervisor.ts';
import type { TimerHost } from '../../actors/runtime/timers.ts';
import { SCHEDULERS_MAX, type TreeNode, listener } from '../../actors/supervision-tree.ts';
import { SupervisorTimers } from './supervisor-timers.ts';

/** The node, as the supervisor of its acceptors sees it. */
export interface AcceptorsHost extends TimerHost {
  /** Threads that can listen now; the others are being replaced. */
  standing(): readonly number[];
  /** Asks a thread to listen; it answers by `listening` or `failed`. */
  listen(thread: number): void;
  /** Asks a thread to accept no more; it answers by `deaf`. */
  deafen(thread: number): void;
  /** A replacement cannot accept connections, and so nobody does any more: whoever starts them anew finds the port free. */
  acceptorsGaveUp(text: string): void;
}

/** The thread of an acceptor was lost while it opened. */
class ThreadLostError extends Error {
  override readonly name = 'ThreadLostError';
}

export class Acceptors {
  readonly #host: AcceptorsHost;
  readonly #timers: SupervisorTimers;
  readonly #generations = new Map<number, number>();
  readonly #answers = new Map<number, PromiseWithResolvers<void>>();
  #supervisor: DynamicSupervisor;
  #stopped: PromiseWithResolvers<void> | undefined = undefined;
  /** Why the last one failed. */
  #error: Error | undefined = undefined;

  constructor(host: AcceptorsHost) {
    this.#host = host;
    this.#timers = new SupervisorTimers(host);
    this.#supervisor = this.#newSupervisor();
  }

  snapshot(): SupervisorSnapshot {
    return this.#supervisor.snapshot();
  }

  /**
   * The first thread finds the port when the system is to choose one; the others share it. Rejects when one of them cannot
   * listen; by then none does.
   */
  async start(): Promise<void> {
    this.#stopped = undefined;
    this.#error = undefined;
    this.#supervisor = this.#newSupervisor();
    this.#supervisor.start();
    const [first, ...others] = this.#host.standing();
    try {
      if (first !== undefined) await this.#open(first);
      await Promise.all(others.map((thread) => this.#open(thread)));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Resolves when no thread accepts any more, or its time for that is over. */
  stop(): Promise<void> {
    this.#stopped ??= Promise.withResolvers();
    if (this.#supervisor.snapshot().state === 'ended') this.#stopped.resolve();
    else this.#supervisor.shutdown();
    return this.#stopped.promise;
  }

  listening(thread: number): void {
    this.#supervisor.started(thread, this.#generationOf(thread));
  }

  failed(thread: number, error: Error): void {
    this.#error = error;
    this.#supervisor.startFailed(thread, this.#generationOf(thread), { kind: 'crash', text: error.message });
  }

  deaf(thread: number): void {
    this.#supervisor.exited(thread, this.#generationOf(thread), { kind: 'shutdown', text: '' });
  }

  /** The thread is gone, and its socket with it. */
  threadLost(thread: number): void {
    this.#error = new ThreadLostError(`thread ${thread} was lost`);
    this.#supervisor.terminateChild(0, thread);
    this.deaf(thread);
  }

  /** The replacement of a thread stands. */
  threadStands(thread: number): void {
    if (this.#supervisor.snapshot().state !== 'running') return;
    this.#open(thread).catch(async (error: unknown) => {
      if (error instanceof ThreadLostError) return;
      const stoppedByOther = this.#stopped !== undefined;
      await this.stop();
      if (!stoppedByOther) this.#host.acceptorsGaveUp(String(error));
    });
  }

  #open(thread: number): Promise<void> {
    this.#error = undefined;
    const answer = Promise.withResolvers<void>();
    this.#answers.set(thread, answer);
    this.#supervisor.startChild(thread, thread);
    return answer.promise;
  }

  #generationOf(thread: number): number {
    return this.#generations.get(thread) ?? 0;
  }

  #newSupervisor(): DynamicSupervisor {
    const { restart, shutdown, kind } = acceptor();
    const supervisor = new DynamicSupervisor(
      { policy: { restart, shutdown, kind }, giveUp: 'escalate', intensity: listener.intensity, childrenMax: SCHEDULERS_MAX },
      {
        start: (id, _policy, generation) => {
          this.#generations.set(Number(id), generation);
          this.#host.listen(Number(id));
        },
        stop: (id) => this.#host.deafen(Number(id)),
        kill: (id, generation) => supervisor.exited(id, generation, { kind: 'shutdown', text: 'its time was over' }),
        ready: () => {},
        escalate: () => {
          this.#timers.clear();
          this.#stopped?.resolve();
        },
        childMarked: () => {},
        answer: (request, outcome) => {
          const answer = this.#answers.get(request);
          this.#answers.delete(request);
          if (outcome.kind === 'done') answer?.resolve();
          else answer?.reject(this.#error ?? new Error(`thread ${request} cannot accept connections`));
        },
        now: () => this.#host.nowMs(),
        armTimer: (key, ms, epoch) => this.#timers.arm(ms, () => supervisor.timerFired(key, epoch)),
      },
    );
    return supervisor;
  }
}

function acceptor(): TreeNode {
  const [node] = listener.children;
  if (node === undefined) throw new Error('the listener of the tree has no acceptor');
  return node;
}
