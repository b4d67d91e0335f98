/**
 * One run of a simulated node with its clients, from a seed: who runs next, what arrives in which pieces, what crashes when, all
 * by one source of chance. The same seed is the same run, to the last letter.
 *
 *   act       clients publish, consume, meddle; faults strike
 *   wind down nothing new begins and nothing fails any more: every answer comes, every hungry consumer is fed
 *   end       all close; what stable queues hold is read, all queues are deleted; nothing is left
 */
import { InjectedCrash } from '../../../actors/runtime/fault-points.ts';
import type { ActorRef, Letter } from '../../../actors/runtime/letter.ts';
import {
  ACCEPTED,
  CONSUMER_COUNT,
  DROPPED,
  QUEUE_ID,
  READY_COUNT,
  SETTLED,
  SLOT_WORDS,
  UNSETTLED_COUNT,
} from '../../../src/broker/queue/ledger-layout.ts';
import { FakeNetwork } from '../fake-transport.ts';
import { ConsumingRole } from './consuming-role.ts';
import { DrainingRole } from './draining-role.ts';
import type { EventLoop } from './event-loop.ts';
import { MeddlingRole } from './meddling-role.ts';
import { MessageBook, titleOf } from './message-book.ts';
import { PublishingRole } from './publishing-role.ts';
import { FRAME_SIZES, SimClient } from './sim-client.ts';
import { SimClock } from './sim-clock.ts';
import { SimFaults, ThreadEnd } from './sim-faults.ts';
import { SimMemoryCheck } from './sim-memory-check.ts';
import { SimNode } from './sim-node.ts';
import { STABLE_QUEUES, VOLATILE_QUEUES } from './sim-queue.ts';
import { SimRandom } from './sim-random.ts';
import type { ThreadWitness } from './sim-thread.ts';
import type { SimWorld } from './talk.ts';
import { describeLetter } from './trace.ts';

/** Choices of the first phase. */
const ACT_STEPS = 6_000;
/** Choices until a node without new work must be quiet; more is a loop that nothing ends. */
const QUIET_STEPS_MAX = 60_000;
/** Virtual time in which everything that waits for time must have happened, milliseconds. */
const PATIENCE_MS = 30_000;
/** Events that a quiet node may have in a second of virtual time. */
const IDLE_STEPS_MAX = 60;
const CLIENTS_MAX = 40;

export type SimOutcome = {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly steps: number;
  readonly published: number;
  readonly deliveries: number;
  readonly crashes: SimFaults['crashes'];
  readonly losses: number;
};

export class Simulation implements ThreadWitness, SimWorld {
  readonly random: SimRandom;
  readonly book: MessageBook;
  readonly faults: SimFaults;
  winding = false;
  readonly sharedLimits: boolean;
  readonly #seed: number;
  readonly #trace: ((text: string) => void) | undefined;
  readonly #clock = new SimClock();
  readonly #network: FakeNetwork;
  readonly #node: SimNode;
  readonly #memory: SimMemoryCheck;
  readonly #violations: string[] = [];
  readonly #clients: SimClient[] = [];
  steps = 0;
  #names = 0;

  constructor(seed: number, trace?: (text: string) => void) {
    this.#seed = seed;
    this.#trace = trace;
    this.random = new SimRandom(seed);
    const { random } = this;
    this.book = new MessageBook((text) => this.violate(text));
    const kind = seed % 4;
    this.faults = new SimFaults(random, {
      queueCrash: kind === 1 || kind === 3 ? 0.02 : 0,
      connectionCrash: kind === 2 || kind === 3 ? 0.003 : 0,
      threadEnd: kind === 3 ? 0.003 : 0,
      faultsMax: 12,
    });
    const inBits = random.chance(0.05);
    this.sharedLimits = random.chance(0.25);
    this.#network = new FakeNetwork(
      {
        pick: (below) => random.below(below),
        chunkSize: (available) => (inBits ? random.between(1, Math.min(available, 40)) : random.chance(0.5) ? available : random.between(1, available)),
      },
      this.#clock,
    );
    this.#node = new SimNode(random.between(1, 3), {
      clock: this.#clock,
      random,
      network: this.#network,
      witness: this,
      faults: this.faults,
    });
    this.#memory = new SimMemoryCheck(this.#node.memory);
  }

  run(): SimOutcome {
    try {
      this.#node.start();
      this.#untilQuiet('start');
      this.#act();
      this.#windDown();
      this.#end();
    } catch (error) {
      this.#violations.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    return {
      seed: this.#seed,
      violations: this.#violations,
      steps: this.steps,
      published: this.book.entries.size,
      deliveries: this.book.deliveries,
      crashes: this.faults.crashes,
      losses: this.#node.losses,
    };
  }

  /** A field, because roles take it apart from the simulation. */
  readonly violate = (text: string): void => {
    this.#trace?.(`VIOLATION ${text}`);
    this.#violations.push(`step ${this.steps}: ${text}`);
    if (this.#violations.length >= 5) throw new Error('too many violations');
  };

  // ---- phases

  #act(): void {
    const { random } = this;
    for (let each = random.between(1, 3); each > 0; each--) this.#join('publishing');
    for (let each = random.between(1, 4); each > 0; each--) this.#join('consuming');
    for (let each = random.between(0, 2); each > 0; each--) this.#join('meddling');
    for (let step = 0; step < ACT_STEPS; step++) {
      if (!this.#choose(true) && !this.#passTime()) break;
      if (random.chance(0.0005)) this.#stallSomething();
      // Those who were cut off come back as somebody else.
      if (step % 200 === 0) this.#replaceClosed();
    }
  }

  #windDown(): void {
    this.winding = true;
    this.faults.enabled = false;
    for (const loop of this.#loops()) loop.stalledSteps = 0;
    this.#untilQuiet('wind down');
    for (const client of this.#clients) {
      const { role } = client;
      if (role?.waiting !== undefined) this.violate(`${role.name} waits in vain for ${role.waiting}`);
      if (client.refusal !== undefined) this.violate(`${role?.name} was refused: ${client.refusal}`);
    }
    this.#checkQueues();
    this.#checkFed();
    const before = this.steps;
    this.#untilQuiet('idling', 1_000);
    if (this.steps - before > IDLE_STEPS_MAX) this.violate(`a quiet node had ${this.steps - before} events in a second`);
  }

  #end(): void {
    for (const client of this.#clients) client.close();
    this.#untilQuiet('close');
    for (const client of this.#clients) {
      if (client.state !== 'closed') this.violate(`the connection of ${client.role?.name} stays ${client.state}`);
    }
    this.#checkQueues();
    for (const { name, slot } of this.#node.queues()) {
      const unsettled = this.#word(slot, UNSETTLED_COUNT);
      if (unsettled !== 0) this.violate(`${name} has ${unsettled} unsettled messages and no connection`);
    }
    const client = new SimClient(this.#node.connect(), this.random.of(FRAME_SIZES), (text) => this.#trace?.(text));
    const drain = new DrainingRole(client, this, [...this.#node.queues()].map(({ name }) => name));
    client.role = drain;
    this.#untilQuiet('drain');
    if (drain.waiting !== undefined) return this.violate(`the drain waits in vain for ${drain.waiting}`);
    for (const { name } of STABLE_QUEUES) {
      for (const entry of this.book.owed(name)) this.violate(`${name} lost ${titleOf(entry)}, which was confirmed`);
    }
    for (let slot = 1; slot < this.#node.slots.length / SLOT_WORDS; slot++) {
      if (this.#word(slot, QUEUE_ID) !== 0) this.violate(`slot ${slot} is still that of queue ${this.#word(slot, QUEUE_ID)}`);
    }
    if (this.#memory.exhausted) this.violate('the arenas of the simulation are too short');
    // Leases that a thread held in its own memory end with it, see the report of the run.
    if (this.#node.losses === 0) for (const leak of this.#memory.leaks()) this.violate(leak);
  }

  // ---- clients

  #join(kind: 'publishing' | 'consuming' | 'meddling'): void {
    const { random } = this;
    const client = new SimClient(this.#node.connect(), this.random.of(FRAME_SIZES), (text) => this.#trace?.(text));
    const name = `${kind} ${++this.#names}`;
    client.role =
      kind === 'publishing'
        ? new PublishingRole(name, client, this, STABLE_QUEUES, random.between(10, 150))
        : kind === 'consuming'
          ? new ConsumingRole(name, client, this, random.of(STABLE_QUEUES))
          : new MeddlingRole(name, client, this, VOLATILE_QUEUES);
    this.#clients.push(client);
  }

  #replaceClosed(): void {
    for (const client of [...this.#clients]) {
      if (client.state !== 'closed' || this.#clients.length >= CLIENTS_MAX) continue;
      const { role } = client;
      if (client.refusal !== undefined) this.violate(`${role?.name} was refused: ${client.refusal}`);
      this.#clients.splice(this.#clients.indexOf(client), 1);
      this.#join(role instanceof PublishingRole ? 'publishing' : role instanceof ConsumingRole ? 'consuming' : 'meddling');
    }
  }

  // ---- the chooser

  *#loops(): Iterable<EventLoop> {
    yield this.#node.loop;
    for (const { loop } of this.#node.threads.values()) yield loop;
  }

  /** Lets one thing happen. False when nothing can. */
  #choose(clientsAct: boolean): boolean {
    try {
      const done = this.#chooseOne(clientsAct);
      this.faults.atRest();
      return done;
    } catch (error) {
      this.faults.atRest();
      if (!(error instanceof ThreadEnd)) throw error;
      this.#trace?.(`thread ${error.thread} ends: ${error.message}`);
      this.#node.endThread(error.thread);
      return true;
    }
  }

  #chooseOne(clientsAct: boolean): boolean {
    this.steps++;
    const what = this.random.next();
    if (this.random.chance(0.01)) this.#clock.pass(this.#clock.nowMs() + this.random.next());
    if (what < 0.5) return this.#runLoop() || this.#network.step() || (clientsAct && this.#clientActs());
    if (what < 0.85) return this.#network.step() || this.#runLoop() || (clientsAct && this.#clientActs());
    return (clientsAct && this.#clientActs()) || this.#runLoop() || this.#network.step();
  }

  #runLoop(): boolean {
    const ready: EventLoop[] = [];
    let stalled = false;
    if (this.#node.loop.busy) ready.push(this.#node.loop);
    for (const { loop } of this.#node.threads.values()) {
      if (loop.stalledSteps > 0) {
        loop.stalledSteps--;
        stalled ||= loop.busy;
      } else if (loop.busy) ready.push(loop);
    }
    if (ready.length === 0) return stalled;
    this.random.of(ready).step(this.random.chance(0.5));
    if (this.steps % 4 === 0) this.#memory.poison();
    return true;
  }

  #clientActs(): boolean {
    if (this.#clients.length === 0) return false;
    const first = this.random.below(this.#clients.length);
    for (let each = 0; each < this.#clients.length; each++) {
      if (this.#clients[(first + each) % this.#clients.length]?.role?.act() === true) return true;
    }
    return false;
  }

  #stallSomething(): void {
    const loop = this.random.of([...this.#node.threads.values()]).loop;
    loop.stalledSteps = this.random.between(10, 300);
  }

  /** Moves time to the next timer. */
  #passTime(untilMs = Number.POSITIVE_INFINITY): boolean {
    const { nextMs } = this.#clock;
    if (nextMs === Number.POSITIVE_INFINITY || nextMs > untilMs) return false;
    this.#clock.pass(nextMs);
    return true;
  }

  #untilQuiet(phase: string, patienceMs = PATIENCE_MS): void {
    const untilMs = this.#clock.nowMs() + patienceMs;
    for (let step = 0; this.#choose(false) || this.#passTime(untilMs); step++) {
      if (step > QUIET_STEPS_MAX) throw new Error(`${phase}: the node is still busy after ${QUIET_STEPS_MAX} steps`);
    }
    this.#clock.pass(untilMs);
  }

  // ---- what must be true of a quiet node

  #word(slot: number, word: number): number {
    return this.#node.slots[slot * SLOT_WORDS + word]!;
  }

  #checkQueues(): void {
    for (const { name, slot, id } of this.#node.queues()) {
      if (this.#word(slot, QUEUE_ID) !== id) this.violate(`${name} does not run`);
      const [ready, unsettled] = [this.#word(slot, READY_COUNT), this.#word(slot, UNSETTLED_COUNT)];
      const [accepted, settled, dropped] = [this.#word(slot, ACCEPTED), this.#word(slot, SETTLED), this.#word(slot, DROPPED)];
      if (ready + unsettled + settled + dropped !== accepted) {
        this.violate(`${name} accepted ${accepted}: ${ready} ready, ${unsettled} unsettled, ${settled} settled, ${dropped} dropped`);
      }
    }
  }

  /** Every subscription is known once, and no message waits while one of them has room. */
  #checkFed(): void {
    for (const { name, slot } of this.#node.queues()) {
      if (!STABLE_QUEUES.some((queue) => queue.name === name)) continue;
      const roles = this.#clients.map(({ role }) => role).filter((role) => role instanceof ConsumingRole);
      const subscribed = roles.filter((role) => role.subscribed && role.queue.name === name).length;
      const known = this.#word(slot, CONSUMER_COUNT);
      if (known !== subscribed) this.violate(`${name} knows ${known} consumers, there are ${subscribed}`);
    }
    for (const { role } of this.#clients) {
      if (!(role instanceof ConsumingRole) || !role.hungry || role.queue.single) continue;
      const queue = [...this.#node.queues()].find(({ name }) => name === role.queue.name);
      if (queue === undefined) continue;
      const ready = this.#word(queue.slot, READY_COUNT);
      if (ready > 0) {
        const consumers = this.#word(queue.slot, CONSUMER_COUNT);
        this.violate(`${role.name} has room and ${queue.name} has ${ready} messages ready for ${consumers} consumers`);
      }
    }
  }

  // ---- the witness

  memoryUsed(): void {
    this.faults.withinLetter();
  }

  crashed(thread: number, group: string, id: number, error: unknown): void {
    this.#trace?.(`thread ${thread}: ${group} ${id} crashed: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof InjectedCrash) return;
    this.violate(`${group} ${id} of thread ${thread} crashed: ${error instanceof Error ? error.stack : String(error)}`);
  }

  lostLetter(thread: number, to: ActorRef, letter: Letter): void {
    this.violate(`thread ${thread} lost ${describeLetter(to, letter)}, whose receiver runs`);
  }

  letter(thread: number, to: ActorRef, letter: Letter): void {
    this.#trace?.(`thread ${thread}: ${describeLetter(to, letter)}`);
  }
}

/** Runs a seed. */
export function simulate(seed: number, trace?: (text: string) => void): SimOutcome {
  return new Simulation(seed, trace).run();
}
