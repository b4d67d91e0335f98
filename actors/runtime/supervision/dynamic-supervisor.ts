/**
 * The supervisor of many children that do not depend on each other, all of one kind: OTP's `simple_one_for_one`, except that
 * starts and stops of different children overlap. A child that takes half a second to come back holds up nobody else.
 * Every operation on one child takes constant time, however many siblings it has.
 *
 * What happens to a child that has used up its restarts is the choice of the group:
 *
 *   escalate  as in OTP: all restarts of the group are counted together; one too many stops all children and tells the parent.
 *   mark      each child has its own budget; when it is used up the child is marked crashed and stays down, visible, until
 *             `restartChild` gives it a new life with a new budget. Its siblings and this supervisor go on.
 */
import { restartDue, stopTimeoutMs, type ChildId, type ChildPolicy } from './child-spec.ts';
import type { ChildSnapshot, SupervisorSnapshot } from './child-snapshot.ts';
import { beginDynamic, DynamicTable, NO_REQUESTS, type DynamicChild } from './dynamic-child.ts';
import { EventTurns } from './event-turns.ts';
import { formatExit, type ExitReason } from './exit-reason.ts';
import { RestartWindow, type RestartIntensity } from './restart-window.ts';
import { REQUESTS_WAITING_MAX, type Refusal, type RequestOutcome, type SupervisorPort } from './supervisor-port.ts';

/** What a group of dynamic children has in common. */
export type DynamicSupervisorOptions = {
  readonly policy: ChildPolicy;
  readonly giveUp: 'escalate' | 'mark';
  /** Of the whole group with `escalate`, of each child with `mark`. */
  readonly intensity: RestartIntensity;
  /** Children the group may have; the next one is refused as `full`. */
  readonly childrenMax: number;
};

/** The key of the one timer that limits the stop of all children; no child may have it as its name. */
export const GROUP_TIMER_KEY = '';

export class DynamicSupervisor {
  readonly #port: SupervisorPort;
  readonly #options: DynamicSupervisorOptions;
  readonly #window: RestartWindow;
  readonly #children = new DynamicTable();
  readonly #turns = new EventTurns();
  #requestsWaiting = 0;
  #epoch = 0;
  #groupEpoch = 0;
  #state: SupervisorSnapshot['state'] = 'starting';
  #endReason: ExitReason = { kind: 'shutdown', text: '' };

  constructor(options: DynamicSupervisorOptions, port: SupervisorPort) {
    this.#port = port;
    this.#options = options;
    this.#window = new RestartWindow(options.intensity);
  }

  /** There is nothing to start yet: says `ready` at once. */
  start(): void {
    this.#turns.run(() => {
      if (this.#state !== 'starting') return;
      this.#state = 'running';
      this.#port.ready();
    });
  }

  /** Stops all children at the same time, under one limit of time, and escalates `shutdown` when the last one is down. */
  shutdown(): void {
    this.#turns.run(() => this.#end({ kind: 'shutdown', text: '' }));
  }

  /**
   * Starts a child. When that fails it is forgotten. `afterGeneration` is the last generation the name is known to have had
   * elsewhere (before it moved to this thread); the new life goes on above it.
   */
  startChild(request: number, id: ChildId, afterGeneration = 0): void {
    this.#ask(request, () => {
      if (id === GROUP_TIMER_KEY) throw new Error('a child needs a name');
      const present = this.#children.find(id);
      if (present !== undefined) return present.state === 'crashed' ? 'already-present' : 'already-started';
      if (this.#children.size >= this.#options.childrenMax) return 'full';
      this.#startIncarnation(this.#children.add(id, afterGeneration), 'starting', request);
      return 'waiting';
    });
  }

  /** Stops a child and forgets it, one that is marked crashed included. */
  terminateChild(request: number, id: ChildId): void {
    this.#ask(request, () => {
      const child = this.#children.find(id);
      if (child === undefined) return 'not-found';
      if (child.state === 'starting' || child.state === 'reviving') {
        this.#answerRequests(child, { kind: 'start-failed', reason: { kind: 'shutdown', text: 'terminated' } });
      }
      this.#await(child, request);
      this.#stop(child);
      return 'waiting';
    });
  }

  /** Starts a child that is marked crashed, with a new budget of restarts. When that fails it stays crashed. */
  restartChild(request: number, id: ChildId): void {
    this.#ask(request, () => {
      const child = this.#children.find(id);
      if (child === undefined) return 'not-found';
      if (child.state !== 'crashed') return child.state === 'restarting' ? 'restarting' : 'running';
      child.window = null;
      this.#startIncarnation(child, 'reviving', request);
      return 'waiting';
    });
  }

  /** An incarnation stands. */
  started(id: ChildId, generation: number): void {
    this.#turns.run(() => {
      const child = this.#children.incarnation(id, generation);
      if (child?.state !== 'starting' && child?.state !== 'restarting' && child?.state !== 'reviving') return;
      child.state = 'running';
      this.#answerRequests(child, { kind: 'done', generation });
    });
  }

  /** An incarnation could not be started. */
  startFailed(id: ChildId, generation: number, reason: ExitReason): void {
    this.#turns.run(() => {
      const child = this.#children.incarnation(id, generation);
      if (child !== undefined && child.state !== 'running') this.#handleDown(child, reason);
    });
  }

  /** An incarnation has ended, asked or unasked. Before it stood, that is a failed start. */
  exited(id: ChildId, generation: number, reason: ExitReason): void {
    this.#turns.run(() => {
      const child = this.#children.incarnation(id, generation);
      if (child !== undefined) this.#handleDown(child, reason);
    });
  }

  /** The time of a child, or of the whole group, is over. */
  timerFired(key: ChildId, epoch: number): void {
    this.#turns.run(() => {
      if (key === GROUP_TIMER_KEY) {
        if (epoch === this.#groupEpoch) for (const child of this.#children.all()) this.#kill(child);
        return;
      }
      const child = this.#children.find(key);
      if (child?.stopEpoch === epoch) this.#kill(child);
    });
  }

  get size(): number {
    return this.#children.size;
  }

  /** One child, without looking at its siblings. */
  child(id: ChildId): ChildSnapshot | undefined {
    return this.#children.childSnapshot(id);
  }

  /** All children, as plain data. */
  snapshot(): SupervisorSnapshot {
    const restartsInPeriod = this.#window.count(this.#port.now());
    return { state: this.#state, restartsInPeriod, children: this.#children.snapshot() };
  }

  /** At most `childrenMax` of them, those that do not run first: for people, of groups that may be large. */
  excerpt(childrenMax: number): SupervisorSnapshot & { readonly childCount: number } {
    const restartsInPeriod = this.#window.count(this.#port.now());
    const children = this.#children.excerpt(childrenMax);
    return { state: this.#state, restartsInPeriod, childCount: this.#children.size, children };
  }

  #ask(request: number, carryOut: () => Refusal | 'waiting'): void {
    this.#turns.run(() => {
      const outcome = this.#refusal() ?? carryOut();
      if (outcome !== 'waiting') this.#port.answer(request, { kind: 'refused', why: outcome });
    });
  }

  #refusal(): Refusal | undefined {
    if (this.#state !== 'running') return 'ended';
    return this.#requestsWaiting >= REQUESTS_WAITING_MAX ? 'busy' : undefined;
  }

  #startIncarnation(child: DynamicChild, state: 'starting' | 'restarting' | 'reviving', request: number | null): void {
    if (request !== null) this.#await(child, request);
    beginDynamic(child, state);
    this.#port.start(child.id, this.#options.policy, child.generation);
  }

  #handleDown(child: DynamicChild, reason: ExitReason): void {
    child.lastExit = reason;
    switch (child.state) {
      case 'starting':
        this.#answerRequests(child, { kind: 'start-failed', reason });
        return reason.final === true && this.#options.giveUp === 'mark' ? this.#mark(child, reason) : this.#forget(child);
      case 'reviving':
        child.state = 'crashed';
        return this.#answerRequests(child, { kind: 'start-failed', reason });
      case 'running':
        return restartDue(this.#options.policy.restart, reason) ? this.#restart(child, reason) : this.#forget(child);
      case 'restarting':
        return this.#restart(child, reason);
      case 'stopping':
      case 'killed':
        this.#answerRequests(child, { kind: 'done', generation: child.generation });
        return this.#forget(child);
      default:
        return;
    }
  }

  /** Counts, then starts the next incarnation. */
  #restart(child: DynamicChild, reason: ExitReason): void {
    if (reason.final !== true && this.#budget(child).admit(this.#port.now())) return this.#startIncarnation(child, 'restarting', null);
    if (this.#options.giveUp === 'mark') return this.#mark(child, reason);
    child.state = 'crashed';
    this.#end({ kind: 'shutdown', text: `too many restarts: child ${child.id}, last ${formatExit(reason)}` });
  }

  #mark(child: DynamicChild, reason: ExitReason): void {
    child.state = 'crashed';
    this.#port.childMarked(child.id, reason);
  }

  #budget(child: DynamicChild): RestartWindow {
    if (this.#options.giveUp === 'escalate') return this.#window;
    child.window ??= new RestartWindow(this.#options.intensity);
    return child.window;
  }

  #stop(child: DynamicChild): void {
    if (child.state === 'stopping' || child.state === 'killed') return;
    if (child.state === 'crashed') {
      this.#answerRequests(child, { kind: 'done', generation: child.generation });
      return this.#forget(child);
    }
    const { shutdown } = this.#options.policy;
    if (shutdown === 'brutal') return this.#kill(child);
    const timeoutMs = stopTimeoutMs(shutdown);
    child.state = 'stopping';
    if (this.#state === 'running' && timeoutMs !== Number.POSITIVE_INFINITY) {
      this.#epoch += 1;
      child.stopEpoch = this.#epoch;
      this.#port.armTimer(child.id, timeoutMs, this.#epoch);
    }
    this.#port.stop(child.id, child.generation, timeoutMs);
  }

  #kill(child: DynamicChild): void {
    if (child.state === 'killed' || child.state === 'crashed') return;
    child.state = 'killed';
    this.#port.kill(child.id, child.generation);
  }

  #end(reason: ExitReason): void {
    if (this.#state === 'stopping' || this.#state === 'ended') return;
    this.#state = 'stopping';
    this.#endReason = reason;
    const { shutdown } = this.#options.policy;
    if (typeof shutdown === 'number' && this.#children.size > 0) {
      this.#epoch += 1;
      this.#groupEpoch = this.#epoch;
      this.#port.armTimer(GROUP_TIMER_KEY, shutdown, this.#groupEpoch);
    }
    for (const child of this.#children.all()) {
      if (child.state === 'starting' || child.state === 'reviving') {
        this.#answerRequests(child, { kind: 'refused', why: 'ended' });
      }
      this.#stop(child);
    }
    this.#escalateWhenEmpty();
  }

  #forget(child: DynamicChild): void {
    this.#children.forget(child);
    this.#escalateWhenEmpty();
  }

  #escalateWhenEmpty(): void {
    if (this.#state !== 'stopping' || this.#children.size > 0) return;
    this.#state = 'ended';
    this.#port.escalate(this.#endReason);
  }

  #await(child: DynamicChild, request: number): void {
    child.requests = [...child.requests, request];
    this.#requestsWaiting += 1;
  }

  #answerRequests(child: DynamicChild, outcome: RequestOutcome): void {
    const requests = child.requests;
    if (requests.length === 0) return;
    child.requests = NO_REQUESTS;
    this.#requestsWaiting -= requests.length;
    for (const request of requests) this.#port.answer(request, outcome);
  }
}
