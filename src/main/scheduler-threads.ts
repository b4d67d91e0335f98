/**
 * The scheduler threads under their supervisor: one long task of piscina's pool each. The end of a task is the end of a
 * thread; its replacement is the restart, and takes the way that `thread-replacement.ts` draws.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { type DoorbellPorts, type PortDoorbell, createReplacementPorts } from '../../actors/runtime/ring/doorbell.ts';
import type { SupervisorSnapshot } from '../../actors/runtime/supervision/child-snapshot.ts';
import { DynamicSupervisor } from '../../actors/runtime/supervision/dynamic-supervisor.ts';
import type { RestartIntensity } from '../../actors/runtime/supervision/restart-window.ts';
import type { TimerHost } from '../../actors/runtime/timers.ts';
import { SCHEDULERS_MAX, queues, schedulerThread } from '../../actors/supervision-tree.ts';
import { siblingModule } from '../../native-free-io/file/sibling-module.ts';
import type { ControlMessage, SchedulerTask, ThreadNotice } from './scheduler-thread.ts';
import { SupervisorTimers } from './supervisor-timers.ts';
import { SCHEDULER_YOUNG_MIB, heapLimits } from './thread-heap.ts';
import { ThreadReplacement } from './thread-replacement.ts';

/** The node, as its threads' supervisor sees it. */
export interface SchedulerThreadsHost extends TimerHost {
  /** The other end of the bell between a scheduler thread and the store. */
  bellOfStore(thread: number, port: MessagePort): void;
  /** All that a thread is started with but its ports. */
  taskOf(thread: number): Omit<SchedulerTask, 'ports' | 'control'>;
  /** A thread runs its actors and follows the topology from now on, or does not any more. */
  threadStarts(thread: number): void;
  /** Nobody on the main thread waits for the thread or for its actors any more. */
  forgetThread(thread: number): void;
  /** The connections of a lost thread are gone, without a word of theirs. */
  endConnectionsOf(thread: number): void;
  tellReplica(to: number, type: number, a: number): void;
  /** Its queues run and it can accept connections. */
  threadStands(thread: number): void;
  /** It is gone, and is going to be replaced. */
  threadLost(thread: number, error: unknown): void;
  noticed(thread: number, notice: ThreadNotice): void;
  /** More threads were lost than the tree bears. */
  threadsGaveUp(text: string): void;
}

const MAIN_THREAD = 0;

/** What tests turn (`NodeConfig`). */
type TurnedLimits = { readonly nodeRestarts?: RestartIntensity; readonly threadHeapMiB?: number };

type RunningThread = { readonly generation: number; readonly control: MessagePort; readonly force: AbortController };

export class SchedulerThreads {
  readonly #host: SchedulerThreadsHost;
  readonly #intensity: RestartIntensity;
  readonly #schedulers: number;
  readonly #doorbell: PortDoorbell;
  readonly #timers: SupervisorTimers;
  readonly #pool: Piscina;
  readonly #running = new Map<number, RunningThread>();
  /** Threads that have run once: what starts in their place is a replacement. */
  readonly #known = new Set<number>();
  #supervisor: DynamicSupervisor;
  #replacement: ThreadReplacement;
  #started: PromiseWithResolvers<void> | undefined = undefined;
  #standing = new Set<number>();
  #stopped: PromiseWithResolvers<void> | undefined = undefined;
  #startError: unknown = undefined;
  #lost = 0;
  /** A thread did not end in its time: its queues may not have told all they knew. */
  forced = false;

  constructor(host: SchedulerThreadsHost, schedulers: number, doorbell: PortDoorbell, turned: TurnedLimits) {
    this.#host = host;
    this.#intensity = turned.nodeRestarts ?? queues.intensity;
    this.#schedulers = schedulers;
    this.#doorbell = doorbell;
    this.#timers = new SupervisorTimers(host);
    this.#supervisor = this.#newSupervisor();
    this.#replacement = this.#newReplacement();
    this.#pool = new Piscina({
      filename: siblingModule(import.meta.url, './scheduler-thread').href,
      name: 'runSchedulerThread',
      minThreads: schedulers,
      maxThreads: schedulers,
      concurrentTasksPerWorker: 1,
      atomics: 'disabled',
      idleTimeout: Infinity,
      resourceLimits: heapLimits(SCHEDULER_YOUNG_MIB, turned.threadHeapMiB),
    });
    // A thread whose task is over may still fail: that is nobody's loss, and must not end the process that holds the node.
    this.#pool.on('error', () => {});
  }

  /** Threads that were lost so far. */
  get lost(): number {
    return this.#lost;
  }

  /** Threads that run now. */
  live(): IterableIterator<number> {
    return this.#running.keys();
  }

  snapshot(): SupervisorSnapshot {
    return this.#supervisor.snapshot();
  }

  /** Starts all of them, and resolves when all stand. Rejects with what ended the first that did not, when all are gone again. */
  async start(): Promise<void> {
    const started = Promise.withResolvers<void>();
    this.#started = started;
    this.#stopped = undefined;
    this.#startError = undefined;
    this.#standing = new Set();
    this.#supervisor = this.#newSupervisor();
    this.#replacement = this.#newReplacement();
    this.#supervisor.start();
    for (let thread = 1; thread <= this.#schedulers; thread++) this.#supervisor.startChild(thread, thread);
    try {
      await started.promise;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ends all of them in order, or by force when their time is over; resolves when they are gone. */
  stop(): Promise<void> {
    this.#stopped ??= Promise.withResolvers();
    this.#started = undefined;
    if (this.#supervisor.snapshot().state === 'ended') this.#stopped.resolve();
    else this.#supervisor.shutdown();
    return this.#stopped.promise;
  }

  /** The pool ends, and with it whatever still runs. */
  close(): Promise<void> {
    return this.#pool.destroy();
  }

  post(thread: number, message: ControlMessage, transfer: readonly MessagePort[] = []): void {
    this.#running.get(thread)?.control.postMessage(message, transfer);
  }

  fenced(thread: number, lost: number): void {
    this.#replacement.fenced(thread, lost);
  }

  /** Threads whose queues run: all, but those that are being replaced. */
  standing(): number[] {
    return [...this.#running.keys()].filter((thread) => this.#supervisor.child(thread)?.state === 'running');
  }

  #newReplacement(): ThreadReplacement {
    return new ThreadReplacement({
      live: () => this.live(),
      forgetThread: (thread) => this.#host.forgetThread(thread),
      endConnectionsOf: (thread) => this.#host.endConnectionsOf(thread),
      startReplacement: (thread) => this.#startThread(thread),
      tellReplica: (to, type, a) => this.#host.tellReplica(to, type, a),
    });
  }

  #newSupervisor(): DynamicSupervisor {
    const { restart, shutdown, kind } = schedulerThread;
    const supervisor = new DynamicSupervisor(
      { policy: { restart, shutdown, kind }, giveUp: 'escalate', intensity: this.#intensity, childrenMax: SCHEDULERS_MAX },
      {
        start: (id) => this.#begin(Number(id)),
        stop: (id, generation) => this.#end(Number(id), generation),
        kill: (id, generation) => this.#force(Number(id), generation),
        ready: () => {},
        escalate: (reason) => this.#ended(reason.text),
        childMarked: () => {},
        answer: (thread, outcome) => {
          if (outcome.kind === 'done') this.#stands(thread);
          else this.#started?.reject(this.#startError ?? new Error(`thread ${thread} did not start`));
        },
        now: () => this.#host.nowMs(),
        armTimer: (key, ms, epoch) => this.#timers.arm(ms, () => supervisor.timerFired(key, epoch)),
      },
    );
    return supervisor;
  }

  /** A thread that ran before may have queues and connections elsewhere to care for first. */
  #begin(thread: number): void {
    if (this.#known.has(thread)) return this.#replacement.lost(thread);
    this.#startThread(thread);
  }

  #startThread(thread: number): void {
    const generation = this.#supervisor.child(thread)?.generation;
    // The supervisor has stopped since the replacement was planned.
    if (generation === undefined || this.#supervisor.snapshot().state !== 'running') return;
    const ports = this.#openPorts(thread);
    const { port1: control, port2 } = new MessageChannel();
    const running: RunningThread = { generation, control, force: new AbortController() };
    this.#running.set(thread, running);
    this.#known.add(thread);
    control.on('message', (notice: ThreadNotice) => this.#noticed(thread, generation, notice));
    control.unref();
    const task: SchedulerTask = { ...this.#host.taskOf(thread), ports, control: port2 };
    this.#host.threadStarts(thread);
    const transferList = [port2, ...ports.filter((port) => port !== undefined)];
    this.#pool.run(task, { transferList: transferList as MessagePort[], signal: running.force.signal }).then(
      () => this.#gone(thread, running, new Error('the thread ended by itself')),
      (error: unknown) => this.#gone(thread, running, error),
    );
  }

  /** Its bells to and from all that run; who is started later brings the ports between the two. */
  #openPorts(thread: number): DoorbellPorts {
    const { own, peers } = createReplacementPorts(this.#schedulers + 2, thread);
    this.#doorbell.replacePeer(thread, peers[MAIN_THREAD]!);
    this.#host.bellOfStore(thread, peers[this.#schedulers + 1]!);
    const ports = [...own];
    for (let peer = 1; peer <= this.#schedulers; peer++) {
      const port = peers[peer];
      if (port === undefined) continue;
      const running = this.#running.get(peer);
      if (running !== undefined) {
        running.control.postMessage({ type: 'replacePeer', peer: thread, port } satisfies ControlMessage, [port]);
        continue;
      }
      // This ends its other end too, which must not be in the transfer list of a task that the pool still holds.
      port.close();
      ports[peer] = undefined;
    }
    return ports;
  }

  #noticed(thread: number, generation: number, notice: ThreadNotice): void {
    if (this.#running.get(thread)?.generation !== generation) return;
    if (notice.type !== 'standing') return this.#host.noticed(thread, notice);
    const isReplacement = this.#standing.has(thread);
    this.#supervisor.started(thread, generation);
    this.#replacement.listening(thread);
    if (isReplacement) this.#host.threadStands(thread);
  }

  #stands(thread: number): void {
    this.#standing.add(thread);
    if (this.#standing.size === this.#schedulers) this.#started?.resolve();
  }

  #gone(thread: number, running: RunningThread, error: unknown): void {
    if (this.#running.get(thread) === running) this.#running.delete(thread);
    running.control.close();
    const state = this.#supervisor.child(thread)?.state;
    if (state === 'running' || state === 'restarting') {
      this.#lost++;
      this.#host.threadLost(thread, error);
    }
    this.#startError ??= error;
    const text = error instanceof Error ? error.message : String(error);
    this.#supervisor.exited(thread, running.generation, { kind: 'crash', text });
  }

  #end(thread: number, generation: number): void {
    const running = this.#running.get(thread);
    if (running === undefined) return this.#supervisor.exited(thread, generation, { kind: 'shutdown', text: 'it did not run' });
    running.control.postMessage({ type: 'end' } satisfies ControlMessage);
  }

  #force(thread: number, generation: number): void {
    const running = this.#running.get(thread);
    if (running === undefined) return this.#supervisor.exited(thread, generation, { kind: 'shutdown', text: 'it did not run' });
    this.forced = true;
    running.force.abort();
  }

  #ended(text: string): void {
    this.#timers.clear();
    if (this.#stopped !== undefined) this.#stopped.resolve();
    else if (this.#started !== undefined && this.#standing.size < this.#schedulers) this.#started.reject(new Error(text));
    else this.#host.threadsGaveUp(text);
  }
}
