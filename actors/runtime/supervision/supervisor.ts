/**
 * The supervisor of a few children that depend on each other, with the semantics of Erlang/OTP `supervisor`.
 *
 * It does one thing at a time, an operation (stop these, then start those); what arrives meanwhile waits in the order of
 * arrival, as it would in the mailbox of the process. Two things never wait: the answer the operation is waiting for, and the
 * death of a child the operation was going to stop anyway.
 *
 *   exit, restart due --> counted --> too many: stop all in reverse order, escalate `shutdown`
 *                                 \-> stop the others the strategy names, start again; a failed start tries again, counted again
 *
 * Deliberately absent: significant children with automatic shutdown, changing the specification of a running supervisor, and a
 * limit on the time of a start (the edge answers `startFailed`). For many independent children there is `DynamicSupervisor`.
 */
import { restartDue, stopTimeoutMs, type ChildId, type ChildSpec } from './child-spec.ts';
import { beginIncarnation, ChildTable, isDown, type ChildRecord } from './child-record.ts';
import type { SupervisorSnapshot } from './child-snapshot.ts';
import { EventTurns } from './event-turns.ts';
import { formatExit, type ExitReason } from './exit-reason.ts';
import { RestartWindow, type RestartIntensity } from './restart-window.ts';
import { fateGroup, type Strategy } from './strategy.ts';
import { planOperation, type Operation, type Purpose, type WaitingEvent } from './supervisor-operation.ts';
import { REQUESTS_WAITING_MAX, type Refusal, type SupervisorPort } from './supervisor-port.ts';

/** What a supervisor is made of. `children` stand in start order. */
export type SupervisorOptions = {
  readonly strategy: Strategy;
  readonly intensity: RestartIntensity;
  readonly children: readonly ChildSpec[];
};

/** Children one ordered supervisor may have; group restarts take time in proportion to it. */
export const ORDERED_CHILDREN_MAX = 1024;

export class Supervisor {
  readonly #port: SupervisorPort;
  readonly #strategy: Strategy;
  readonly #window: RestartWindow;
  readonly #children = new ChildTable();
  readonly #turns = new EventTurns();
  #waiting: WaitingEvent[] = [];
  #requestsWaiting = 0;
  #operation: Operation | null = null;
  #epoch = 0;
  #shutdownAsked = false;
  #state: SupervisorSnapshot['state'] = 'starting';

  /** Throws when two children have the same name or there are too many. */
  constructor(options: SupervisorOptions, port: SupervisorPort) {
    if (options.children.length > ORDERED_CHILDREN_MAX) throw new Error(`more than ${ORDERED_CHILDREN_MAX} children`);
    this.#port = port;
    this.#strategy = options.strategy;
    this.#window = new RestartWindow(options.intensity);
    for (const spec of options.children) this.#children.add(spec);
  }

  /** Starts the children in order, then says `ready`; a failure stops the started ones in reverse order and escalates. */
  start(): void {
    this.#turn(() => this.#begin({ kind: 'boot' }, [], this.#children.inStartOrder()));
  }

  /** Stops all children in reverse order and escalates `shutdown`. */
  shutdown(): void {
    this.#turn(() => {
      if (!this.#shutdownAsked) this.#waiting.push({ kind: 'shutdown' });
      this.#shutdownAsked = true;
    });
  }

  /** Adds a child behind all others and starts it. When it fails to start it is forgotten. */
  startChild(request: number, spec: ChildSpec): void {
    this.#ask(request, () => {
      const present = this.#children.find(spec.id);
      if (present !== undefined) return this.#refuse(request, isDown(present) ? 'already-present' : 'already-started');
      if (this.#children.size >= ORDERED_CHILDREN_MAX) return this.#refuse(request, 'full');
      this.#begin({ kind: 'start-child', request }, [], [this.#children.add(spec)]);
    });
  }

  /** Stops a child. It stays known and can be restarted by hand, unless it is temporary. */
  terminateChild(request: number, id: ChildId): void {
    this.#ask(request, () => {
      const child = this.#children.find(id);
      if (child === undefined) return this.#refuse(request, 'not-found');
      this.#begin({ kind: 'terminate-child', request }, [child], []);
    });
  }

  /** Starts a child that is stopped. */
  restartChild(request: number, id: ChildId): void {
    this.#ask(request, () => {
      const child = this.#children.find(id);
      if (child === undefined) return this.#refuse(request, 'not-found');
      if (child.state !== 'stopped') return this.#refuse(request, isDown(child) ? 'restarting' : 'running');
      this.#begin({ kind: 'restart-child', request }, [], [child]);
    });
  }

  /** Forgets a child that is stopped. */
  deleteChild(request: number, id: ChildId): void {
    this.#ask(request, () => {
      const child = this.#children.find(id);
      if (child === undefined) return this.#refuse(request, 'not-found');
      if (child.state !== 'stopped') return this.#refuse(request, isDown(child) ? 'restarting' : 'running');
      this.#children.forget(child);
      this.#port.answer(request, { kind: 'done', generation: child.generation });
    });
  }

  /** An incarnation stands. */
  started(id: ChildId, generation: number): void {
    this.#turn(() => {
      const child = this.#children.incarnation(id, generation);
      if (child?.state !== 'starting') return;
      child.state = 'running';
      this.#advance();
    });
  }

  /** An incarnation could not be started. */
  startFailed(id: ChildId, generation: number, reason: ExitReason): void {
    this.#turn(() => {
      const child = this.#children.incarnation(id, generation);
      if (child?.state === 'starting') this.#abort(child, reason);
    });
  }

  /** An incarnation has ended, asked or unasked. Before it stood, that is a failed start. */
  exited(id: ChildId, generation: number, reason: ExitReason): void {
    this.#turn(() => {
      const child = this.#children.incarnation(id, generation);
      switch (child?.state) {
        case 'starting':
          return this.#abort(child, reason);
        case 'stopping':
        case 'killed':
          child.lastExit = reason;
          child.state = 'stopped';
          return this.#advance();
        case 'running':
          child.lastExit = reason;
          child.state = 'exited';
          this.#waiting.push({ kind: 'exit', child, generation, reason });
      }
    });
  }

  /** The time of a child that was asked to stop is over. */
  timerFired(key: ChildId, epoch: number): void {
    this.#turn(() => {
      const child = this.#children.find(key);
      if (epoch !== this.#epoch || child?.state !== 'stopping') return;
      child.state = 'killed';
      this.#port.kill(key, child.generation);
    });
  }

  /** The children with their state, as plain data, in start order. */
  snapshot(): SupervisorSnapshot {
    const restartsInPeriod = this.#window.count(this.#port.now());
    return { state: this.#state, restartsInPeriod, children: this.#children.snapshot() };
  }

  /** Runs one input, and then what has waited for the operation it may have brought to its end. */
  #turn(step: () => void): void {
    this.#turns.run(() => {
      step();
      this.#takeUp();
    });
  }

  #ask(request: number, carryOut: () => void): void {
    this.#turn(() => {
      if (this.#state === 'ended') return this.#refuse(request, 'ended');
      if (this.#requestsWaiting >= REQUESTS_WAITING_MAX) return this.#refuse(request, 'busy');
      this.#requestsWaiting += 1;
      this.#waiting.push({ kind: 'request', request, carryOut });
    });
  }

  /** Takes up what waits until something begins an operation. */
  #takeUp(): void {
    while (this.#operation === null && this.#state !== 'ended') {
      const event = this.#waiting.shift();
      if (event === undefined) return;
      switch (event.kind) {
        case 'exit':
          this.#handleExit(event.child, event.generation, event.reason);
          break;
        case 'try-again': {
          const child = this.#children.find(event.id);
          if (child?.state === 'restarting') this.#restart(child);
          break;
        }
        case 'request':
          this.#requestsWaiting -= 1;
          event.carryOut();
          break;
        case 'shutdown':
          this.#end({ kind: 'shutdown', text: '' });
          break;
      }
    }
  }

  #handleExit(child: ChildRecord, generation: number, reason: ExitReason): void {
    // Between the death and this moment the child may have been stopped, or replaced by its next incarnation.
    if (child.state !== 'exited' || child.generation !== generation) return;
    if (restartDue(child.spec.restart, reason)) return this.#restart(child);
    this.#settleDown(child);
  }

  /** Counts, then restarts the child and those that share its fate. */
  #restart(child: ChildRecord): void {
    if (!this.#window.admit(this.#port.now())) {
      const last = child.lastExit === null ? '' : `, last ${formatExit(child.lastExit)}`;
      return this.#end({ kind: 'shutdown', text: `too many restarts: child ${child.spec.id}${last}` });
    }
    const group = fateGroup(this.#strategy, child, this.#children.inStartOrder());
    // Temporary children are stopped with their group and not started again.
    const starts = group.filter(({ spec }) => spec.restart !== 'temporary');
    this.#begin({ kind: 'restart' }, group.toReversed(), starts);
  }

  #end(reason: ExitReason): void {
    this.#state = 'stopping';
    this.#begin({ kind: 'end', reason }, this.#children.inStartOrder().toReversed(), []);
  }

  #begin(purpose: Purpose, stops: readonly ChildRecord[], starts: readonly ChildRecord[]): void {
    this.#operation = planOperation(purpose, stops, starts);
    this.#advance();
  }

  /** Goes on with the operation until it has to wait for a child, or is over. */
  #advance(): void {
    const operation = this.#operation;
    if (operation === null) throw new Error('a child answered, but no operation waits for it');
    while (operation.phase === 'stopping') {
      const child = operation.stops[operation.next];
      if (child === undefined) {
        operation.phase = 'starting';
        operation.next = 0;
      } else if (child.state === 'running') {
        return this.#stop(child);
      } else {
        operation.next += 1;
        this.#settleDown(child);
      }
    }
    const started = operation.starts[operation.next];
    if (started?.state === 'running') operation.next += 1;
    const child = operation.starts[operation.next];
    if (child === undefined) return this.#finish(operation);
    beginIncarnation(child, operation.purpose.kind === 'restart');
    this.#port.start(child.spec.id, child.spec, child.generation);
  }

  #stop(child: ChildRecord): void {
    const { id, shutdown } = child.spec;
    if (shutdown === 'brutal') {
      child.state = 'killed';
      return this.#port.kill(id, child.generation);
    }
    const timeoutMs = stopTimeoutMs(shutdown);
    this.#epoch += 1;
    child.state = 'stopping';
    if (timeoutMs !== Number.POSITIVE_INFINITY) this.#port.armTimer(id, timeoutMs, this.#epoch);
    this.#port.stop(id, child.generation, timeoutMs);
  }

  /** The child is down and nothing will start it by itself. */
  #settleDown(child: ChildRecord): void {
    child.state = 'stopped';
    if (child.spec.restart === 'temporary') this.#children.forget(child);
  }

  #finish({ purpose, starts, stops }: Operation): void {
    this.#operation = null;
    switch (purpose.kind) {
      case 'boot':
        this.#state = 'running';
        return this.#port.ready();
      case 'restart':
        return;
      case 'end':
        return this.#finishEnd(purpose.reason);
      default: {
        const child = starts[0] ?? stops[0];
        this.#port.answer(purpose.request, { kind: 'done', generation: child?.generation ?? 0 });
      }
    }
  }

  #finishEnd(reason: ExitReason): void {
    this.#state = 'ended';
    this.#port.escalate(reason);
    for (const event of this.#waiting) if (event.kind === 'request') this.#refuse(event.request, 'ended');
    this.#waiting = [];
  }

  /** A start failed: the operation is over, and what it has started so far stays, except at boot. */
  #abort(child: ChildRecord, reason: ExitReason): void {
    const purpose = this.#operation?.purpose;
    this.#operation = null;
    child.state = 'stopped';
    child.lastExit = reason;
    switch (purpose?.kind) {
      case 'boot':
        return this.#end({ kind: 'shutdown', text: `child ${child.spec.id} failed to start, ${formatExit(reason)}` });
      case 'restart':
        child.state = 'restarting';
        this.#waiting.push({ kind: 'try-again', id: child.spec.id });
        return;
      case 'start-child':
        this.#children.forget(child);
        return this.#port.answer(purpose.request, { kind: 'start-failed', reason });
      case 'restart-child':
        return this.#port.answer(purpose.request, { kind: 'start-failed', reason });
      default:
        throw new Error(`child ${child.spec.id} failed to start in an operation that starts nothing`);
    }
  }

  #refuse(request: number, why: Refusal): void {
    this.#port.answer(request, { kind: 'refused', why });
  }
}
