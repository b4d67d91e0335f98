import type { Actor, ActorContext, ActorFactory } from './actor.ts';
import { ActorGroup, type ActorGroupOptions } from './actor-group.ts';
import { BatchPool } from './batch-pool.ts';
import { Cell } from './cell.ts';
import type { FaultPlan } from './fault-points.ts';
import { type ActorRef, Letter, RuntimeLetter } from './letter.ts';
import { LetterMesh } from './letter-mesh.ts';
import type { MeshPort } from './ring/mesh.ts';
import type { ExitReason } from './supervision/exit-reason.ts';
import { Timers, type TimerHost } from './timers.ts';
import { Unrecoverable } from './unrecoverable.ts';
import { Watches } from './watches.ts';

/** Letters that one actor reads in a turn before the next actor has its turn. */
const TURN_LETTERS_MAX = 64;
/** Turns that one run of the scheduler takes before the thread looks at its sockets again. */
const RUN_TURNS_MAX = 256;
/** Letters that one run takes in from other threads. */
const RUN_LETTERS_IN_MAX = 4096;
/** A letter over which this many incarnations have crashed is put aside: it would crash the next one too. */
export const LETTER_CRASHES_MAX = 3;

/** What the thread gives to its scheduler. */
export interface SchedulerHost extends TimerHost {
  /** Calls `run` soon: after the events that are waiting now. */
  soon(run: () => void): void;
  /** A letter came for nobody. Its receiver is gone; what it owns must be given back. */
  undeliverable(to: ActorRef, letter: Letter): void;
  crashed(group: string, id: number, error: unknown): void;
}

/**
 * Runs the actors of one thread. An actor that has letters stands in a line; a run gives each its turn, hands over what
 * leaves for other threads, and lets the thread sleep when nothing is left.
 *
 * An exception out of an actor ends that incarnation: its supervisor decides what comes next. The letter it was reading
 * stays in hand for the next incarnation.
 */
export class Scheduler {
  readonly thread: number;
  readonly pool = new BatchPool();
  /** Called after each run, for those who hold something back until this thread has caught up. They take themselves out. */
  readonly afterRun = new Set<() => void>();
  readonly #host: SchedulerHost;
  readonly #mesh: LetterMesh | undefined;
  readonly #cells = new Map<number, Cell>();
  readonly #groups = new Map<string, ActorGroup>();
  readonly #watches = new Watches(this);
  readonly #timers: Timers;
  #line: Cell[] = [];
  #running = false;
  #due = false;
  /** Letters for other threads wait for the flush of the next run. */
  #sent = false;
  #numbers = 0;
  #faults: FaultPlan | undefined = undefined;
  #closed = false;

  /** `threads` is the number of threads in the mesh; without a mesh this thread is alone. */
  constructor(thread: number, threads: number, host: SchedulerHost, mesh: MeshPort | undefined) {
    this.thread = thread;
    this.#host = host;
    this.#mesh = mesh === undefined ? undefined : new LetterMesh(mesh, threads, this);
    this.#timers = new Timers(host, (id, key, epoch) => this.#timerFired(id, key, epoch));
  }

  set faults(plan: FaultPlan | undefined) {
    this.#faults = plan;
  }

  /** Too much waits to leave this thread: sockets must not be read until it has. */
  get pressure(): boolean {
    return this.#mesh !== undefined && this.#mesh.port.pressure;
  }

  get actorCount(): number {
    return this.#cells.size;
  }

  nowMs(): number {
    return this.#host.nowMs();
  }

  afterMs(ms: number, call: () => void): void {
    this.#timers.afterMs(ms, call);
  }

  group(options: ActorGroupOptions): ActorGroup {
    const group = new ActorGroup(options, this);
    this.#groups.set(options.name, group);
    return group;
  }

  groups(): IterableIterator<ActorGroup> {
    return this.#groups.values();
  }

  /** Starts an actor under the supervisor of its group. Throws when the id is in use on this thread. */
  spawn(group: ActorGroup, id: number, factory: ActorFactory, afterGeneration = 0): ActorRef {
    if (this.#cells.has(id)) throw new Error(`the actor id ${id} is in use on thread ${this.thread}`);
    const cell = new Cell(id, { thread: this.thread, id, generation: 0 }, group, factory);
    this.#cells.set(id, cell);
    group.supervisor.startChild(0, id, afterGeneration);
    return cell.self;
  }

  /** The actor itself, for the edge that feeds it events of sockets. Undefined while it is down. */
  actor(id: number): Actor | undefined {
    return this.#cells.get(id)?.actor;
  }

  has(id: number): boolean {
    return this.#cells.has(id);
  }

  tell(to: ActorRef, letter: Letter): void {
    this.#numbers = (this.#numbers + 1) | 0 || 1;
    letter.number = this.#numbers;
    if (to.thread === this.thread) this.deliver(to, letter);
    else if (this.#mesh !== undefined && this.#mesh.reaches(to.thread)) {
      this.#mesh.send(to, letter);
      // Told from outside a run: only a run shows it to its receiver.
      if (!this.#running) this.poke();
    } else this.#host.undeliverable(to, letter);
  }

  /** Puts a letter into the mailbox of an actor of this thread. */
  deliver(to: ActorRef, letter: Letter): void {
    if (to.id === 0) return this.#watches.receive(letter);
    const cell = this.#cells.get(to.id);
    if (cell === undefined || cell.down || (to.generation !== 0 && to.generation !== cell.self.generation)) {
      this.#host.undeliverable(to, letter);
      return;
    }
    if (letter.type < 0x100) cell.mailbox.control.push(letter);
    else cell.mailbox.data.push(letter);
    this.#lineUp(cell);
  }

  /**
   * Runs a step of an actor that no letter caused (bytes from a socket) under the same protection as a letter. What it
   * tells is read in the run that follows.
   */
  enter(id: number, step: (actor: Actor) => void): void {
    const cell = this.#cells.get(id);
    if (cell?.actor === undefined) return;
    try {
      const faults = this.#faults;
      faults?.beforeLetter(cell.group.name, id, ++cell.turns);
      step(cell.actor);
      faults?.afterLetter(cell.group.name, id, cell.turns);
      cell.actor.endTurn();
    } catch (error) {
      this.#crash(cell, error);
    }
    if (cell.endReason !== undefined) this.#end(cell);
    // A step that told nobody anything needs no run: a thread that sleeps goes on sleeping.
    if (this.#line.length > 0 || this.#sent) this.poke();
  }

  /** There may be something to do: a run follows soon. */
  poke(): void {
    if (this.#due || this.#closed) return;
    this.#due = true;
    this.#host.soon(() => this.run());
  }

  /** One run. Answers whether something is left to do. */
  run(): boolean {
    this.#due = false;
    this.#sent = false;
    if (this.#closed || this.#running) return false;
    this.#running = true;
    this.#mesh?.port.wake();
    const lettersIn = this.#mesh?.drain(RUN_LETTERS_IN_MAX) ?? 0;
    let turns = 0;
    while (this.#line.length > 0 && turns < RUN_TURNS_MAX) {
      const line = this.#line;
      this.#line = [];
      for (const cell of line) this.#turn(cell);
      turns += line.length;
    }
    this.#mesh?.port.flush();
    this.#running = false;
    for (const call of this.afterRun) call();
    if (this.#line.length > 0 || lettersIn === RUN_LETTERS_IN_MAX || !(this.#mesh?.port.sleep() ?? true)) {
      this.poke();
      return true;
    }
    return false;
  }

  #lineUp(cell: Cell): void {
    if (!cell.lined) {
      cell.lined = true;
      this.#line.push(cell);
    }
    if (!this.#running) this.poke();
  }

  #turn(cell: Cell): void {
    cell.lined = false;
    const { mailbox } = cell;
    const actor = cell.actor;
    if (actor === undefined) return;
    try {
      for (let read = 0; read < TURN_LETTERS_MAX; read++) {
        const letter = mailbox.inHand ?? mailbox.next();
        if (letter === undefined) break;
        mailbox.inHand = letter;
        // The letter itself may be the order that changes the plan.
        const faults = this.#faults;
        if (faults === undefined) {
          actor.receive(letter);
        } else {
          const nth = ++cell.turns;
          faults.beforeLetter(cell.group.name, cell.id, nth);
          actor.receive(letter);
          faults.afterLetter(cell.group.name, cell.id, nth);
        }
        mailbox.inHand = undefined;
        mailbox.crashes = 0;
        if (cell.endReason !== undefined) break;
      }
      actor.endTurn();
    } catch (error) {
      this.#crash(cell, error);
      return;
    }
    if (cell.endReason !== undefined) this.#end(cell);
    else if (mailbox.size > 0) this.#lineUp(cell);
  }

  #crash(cell: Cell, error: unknown): void {
    const { mailbox, self } = cell;
    const reason = crashReason(error);
    if (reason.final !== true) this.#host.crashed(cell.group.name, cell.id, error);
    const actor = cell.actor;
    cell.actor = undefined;
    cell.endReason = undefined;
    this.#timers.cancelAll(cell.id);
    if (mailbox.inHand !== undefined && ++mailbox.crashes >= LETTER_CRASHES_MAX) {
      this.#host.undeliverable(self, mailbox.inHand);
      mailbox.inHand = undefined;
      mailbox.crashes = 0;
    }
    if (!cell.group.restarts) this.#remove(cell, true, actor);
    cell.group.supervisor.exited(cell.id, self.generation, reason);
  }

  #end(cell: Cell): void {
    const reason = cell.endReason ?? '';
    const actor = cell.actor;
    cell.actor = undefined;
    this.#timers.cancelAll(cell.id);
    this.#remove(cell, false, undefined);
    try {
      actor?.stop(reason);
    } catch (error) {
      this.#host.crashed(cell.group.name, cell.id, error);
    }
    cell.group.supervisor.exited(cell.id, cell.self.generation, { kind: 'normal', text: reason });
  }

  /** The actor will not come back: those who watch it hear of it, what waits for it goes to nobody. */
  #remove(cell: Cell, crashed: boolean, remains: Actor | undefined): void {
    this.#cells.delete(cell.id);
    if (remains !== undefined) {
      // A crashed actor that nobody starts again may own something of the outside world: a socket.
      try {
        remains.stop('crashed');
      } catch (error) {
        this.#host.crashed(cell.group.name, cell.id, error);
      }
    }
    this.#discardLetters(cell);
    this.#watches.watcherEnded(cell.self);
    this.#watches.ended(cell.self, crashed);
  }

  /** Called by the supervisor of a group. */
  startIncarnation(id: number, generation: number): void {
    const cell = this.#cells.get(id);
    if (cell === undefined) throw new Error(`no place for the actor ${id} on thread ${this.thread}`);
    const { supervisor } = cell.group;
    const restarted = cell.self.generation !== 0;
    cell.self = { thread: this.thread, id, generation };
    cell.down = false;
    try {
      cell.actor = cell.factory(this.#context(cell));
    } catch (error) {
      const reason = crashReason(error);
      if (reason.final !== true) this.#host.crashed(cell.group.name, id, error);
      // A first start that fails is forgotten by the supervisor, so nobody would ever read what waits here.
      if (!restarted && !(reason.final === true && cell.group.marks)) this.#remove(cell, true, undefined);
      supervisor.startFailed(id, generation, reason);
      return;
    }
    supervisor.started(id, generation);
    if (restarted) this.#watches.restarted(cell.self);
    // What the incarnation before had begun may wait for the end of a turn, and nobody need ever write to this actor again.
    if (restarted || cell.mailbox.size > 0) this.#lineUp(cell);
  }

  /** Called by the supervisor of a group. */
  stopIncarnation(id: number, reason: string): void {
    const cell = this.#cells.get(id);
    if (cell === undefined || cell.endReason !== undefined) return;
    cell.endReason = reason;
    this.#end(cell);
  }

  /** Called by the supervisor of a group: the actor stays down, until somebody has it started again. */
  markCrashed(id: number): void {
    const cell = this.#cells.get(id);
    if (cell === undefined) return;
    cell.down = true;
    this.#discardLetters(cell);
    this.#watches.ended(cell.self, true);
  }

  #discardLetters({ mailbox, self }: Cell): void {
    if (mailbox.inHand !== undefined) this.#host.undeliverable(self, mailbox.inHand);
    mailbox.inHand = undefined;
    mailbox.crashes = 0;
    for (let letter = mailbox.next(); letter !== undefined; letter = mailbox.next()) this.#host.undeliverable(self, letter);
  }

  /** The supervisor of a group has ended: none of its actors comes back, and their ids are free again. */
  groupEnded(group: ActorGroup): void {
    for (const cell of this.#cells.values()) if (cell.group === group) this.#remove(cell, true, undefined);
    if (this.#groups.get(group.name) === group) this.#groups.delete(group.name);
  }

  /** A thread is gone, and every actor on it. */
  threadLost(thread: number): void {
    this.#watches.threadLost(thread);
    this.poke();
  }

  /** Watchers of an actor of this thread. */
  watchersOf(id: number): readonly ActorRef[] {
    return this.#watches.watchersOf(id);
  }

  /** Stops everything in order and runs nothing more. */
  close(): void {
    for (const group of [...this.#groups.values()].reverse()) group.supervisor.shutdown();
    this.#mesh?.port.flush();
    this.#closed = true;
    this.#timers.close();
  }

  #timerFired(id: number, key: number, epoch: number): void {
    const cell = this.#cells.get(id);
    if (cell === undefined) return;
    const letter = new Letter(RuntimeLetter.timer);
    letter.a = key;
    letter.b = epoch;
    this.deliver(cell.self, letter);
  }

  #context(cell: Cell): ActorContext {
    const self = cell.self;
    return {
      self,
      tell: (to, letter) => {
        letter.sender = self;
        this.tell(to, letter);
      },
      watch: (target) => this.#watches.watch(self, target),
      unwatch: (target) => this.#watches.unwatch(self, target),
      armTimer: (key, afterMs) => this.#timers.arm(cell.id, key, afterMs),
      cancelTimer: (key) => this.#timers.cancel(cell.id, key),
      end: (reason) => {
        cell.endReason ??= reason;
      },
    };
  }
}

function crashReason(error: unknown): ExitReason {
  const text = error instanceof Error ? error.message : String(error);
  return error instanceof Unrecoverable ? { kind: 'crash', text, final: true } : { kind: 'crash', text };
}
