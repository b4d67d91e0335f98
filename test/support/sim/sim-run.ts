/**
 * What every simulated run has: one source of chance, a clock, a network, clients, and a chooser that lets one thing happen at a
 * time. What the run is about is said by those who extend it.
 */
import { InjectedCrash } from '../../../actors/runtime/fault-points.ts';
import type { ActorRef, Letter } from '../../../actors/runtime/letter.ts';
import { SLOT_WORDS } from '../../../src/broker/queue/ledger-layout.ts';
import { FakeNetwork } from '../fake-transport.ts';
import type { EventLoop } from './event-loop.ts';
import { MessageBook } from './message-book.ts';
import { FRAME_SIZES, SimClient } from './sim-client.ts';
import { SimClock } from './sim-clock.ts';
import { type FaultRates, SimFaults, ThreadEnd } from './sim-faults.ts';
import type { SimMemoryCheck } from './sim-memory-check.ts';
import type { SimNode } from './sim-node.ts';
import { SimRandom } from './sim-random.ts';
import type { ThreadWitness } from './sim-thread.ts';
import type { SimWorld } from './talk.ts';
import { describeLetter } from './trace.ts';

/** Choices until a node without new work must be quiet; more is a loop that nothing ends. */
const QUIET_STEPS_MAX = 60_000;
/** Virtual time in which everything that waits for time must have happened, milliseconds. */
export const PATIENCE_MS = 30_000;
const VIOLATIONS_MAX = 5;

export abstract class SimRun implements ThreadWitness, SimWorld {
  readonly random: SimRandom;
  readonly book: MessageBook;
  readonly faults: SimFaults;
  readonly seed: number;
  readonly clock = new SimClock();
  readonly network: FakeNetwork;
  readonly clients: SimClient[] = [];
  readonly violations: string[] = [];
  readonly sharedLimits: boolean;
  winding = false;
  steps = 0;
  readonly trace: ((text: string) => void) | undefined;
  protected abstract readonly node: SimNode;
  protected abstract readonly memory: SimMemoryCheck;

  constructor(seed: number, rates: (random: SimRandom) => FaultRates, trace: ((text: string) => void) | undefined) {
    this.seed = seed;
    this.trace = trace;
    this.random = new SimRandom(seed);
    const { random } = this;
    this.book = new MessageBook((text) => this.violate(text), () => this.clock.nowMs(), () => this.faults.broken);
    this.faults = new SimFaults(random, rates(random));
    const inBits = random.chance(0.05);
    this.sharedLimits = random.chance(0.25);
    this.network = new FakeNetwork(
      {
        pick: (below) => random.below(below),
        chunkSize: (available) => (inBits ? random.between(1, Math.min(available, 40)) : random.chance(0.5) ? available : random.between(1, available)),
      },
      this.clock,
    );
  }

  /** A field, because roles take it apart from the run. */
  readonly violate = (text: string): void => {
    this.trace?.(`VIOLATION ${text}`);
    this.violations.push(`step ${this.steps}: ${text}`);
    if (this.violations.length >= VIOLATIONS_MAX) throw new Error('too many violations');
  };

  protected newClient(): SimClient {
    return new SimClient(this.node.connect(), this.random.of(FRAME_SIZES), (text) => this.trace?.(text));
  }

  protected word(slot: number, word: number): number {
    return this.node.slots[slot * SLOT_WORDS + word]!;
  }

  // ---- the chooser

  protected *loops(): Iterable<EventLoop> {
    yield this.node.loop;
    for (const { loop } of this.node.threads.values()) yield loop;
    if (this.node.store !== undefined) yield this.node.store.loop;
  }

  /** Lets one thing happen. False when nothing can. */
  protected choose(clientsAct: boolean): boolean {
    try {
      const done = this.#chooseOne(clientsAct);
      this.faults.atRest();
      return done;
    } catch (error) {
      this.faults.atRest();
      if (!(error instanceof ThreadEnd)) throw error;
      this.trace?.(`thread ${error.thread} ends: ${error.message}`);
      this.node.endThread(error.thread);
      return true;
    }
  }

  #chooseOne(clientsAct: boolean): boolean {
    this.steps++;
    const what = this.random.next();
    if (this.random.chance(0.01)) this.clock.pass(this.clock.nowMs() + this.random.next());
    if (what < 0.5) return this.#runLoop() || this.network.step() || (clientsAct && this.#clientActs());
    if (what < 0.85) return this.network.step() || this.#runLoop() || (clientsAct && this.#clientActs());
    return (clientsAct && this.#clientActs()) || this.#runLoop() || this.network.step();
  }

  #runLoop(): boolean {
    const ready: EventLoop[] = [];
    let stalled = false;
    for (const loop of this.loops()) {
      if (loop.stalledSteps > 0) {
        loop.stalledSteps--;
        stalled ||= loop.busy;
      } else if (loop.busy) ready.push(loop);
    }
    if (ready.length === 0) return stalled;
    this.random.of(ready).step(this.random.chance(0.5));
    if (this.steps % 4 === 0) this.memory.poison();
    return true;
  }

  #clientActs(): boolean {
    if (this.clients.length === 0) return false;
    const first = this.random.below(this.clients.length);
    for (let each = 0; each < this.clients.length; each++) {
      if (this.clients[(first + each) % this.clients.length]?.role?.act() === true) return true;
    }
    return false;
  }

  protected stallSomething(): void {
    const loop = this.random.of([...this.node.threads.values()]).loop;
    loop.stalledSteps = this.random.between(10, 300);
  }

  /** Moves time to the next timer. */
  protected passTime(untilMs = Number.POSITIVE_INFINITY): boolean {
    const { nextMs } = this.clock;
    if (nextMs === Number.POSITIVE_INFINITY || nextMs > untilMs) return false;
    this.clock.pass(nextMs);
    return true;
  }

  protected untilQuiet(phase: string, patienceMs = PATIENCE_MS): void {
    const untilMs = this.clock.nowMs() + patienceMs;
    for (let step = 0; this.choose(false) || this.passTime(untilMs); step++) {
      if (step > QUIET_STEPS_MAX) throw new Error(`${phase}: the node is still busy after ${QUIET_STEPS_MAX} steps`);
    }
    this.clock.pass(untilMs);
  }

  // ---- the witness

  memoryUsed(): void {
    this.faults.withinLetter();
  }

  crashed(thread: number, group: string, id: number, error: unknown): void {
    this.trace?.(`thread ${thread}: ${group} ${id} crashed: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof InjectedCrash) return;
    this.violate(`${group} ${id} of thread ${thread} crashed: ${error instanceof Error ? error.stack : String(error)}`);
  }

  lostLetter(thread: number, to: ActorRef, letter: Letter): void {
    this.violate(`thread ${thread} lost ${describeLetter(to, letter)}, whose receiver runs`);
  }

  letter(thread: number, to: ActorRef, letter: Letter): void {
    this.trace?.(`thread ${thread}: ${describeLetter(to, letter)}`);
  }
}
