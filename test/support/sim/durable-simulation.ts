/**
 * One run of a node with its store, over several processes on the same disk: killed at any moment, in the middle of a commit, by a
 * device that fails, while it stops, or stopped in order. What was confirmed and not settled must be there in the end.
 *
 *   each process   clients publish, consume, get, meddle; actors crash, threads end, the disk is full for a while
 *   the last one   winds down; all is read; the store is empty; queues are deleted; nothing is left anywhere
 */
import type { ActorRef, Letter } from '../../../actors/runtime/letter.ts';
import { QueueLetter, queueActorId } from '../../../actors/messages/queue-messages.ts';
import { StoreLetter } from '../../../actors/messages/store-messages.ts';
import { BLOCK_BYTES } from '../../../native-free-io/memory/memory-layout.ts';
import { isTimeline } from '../../../src/broker/exchange/delayed-exchange.ts';
import { restoreTopology } from '../../../src/main/stored-topology.ts';
import { DEFINITION_KEYS } from '../../../src/store/definition-key.ts';
import { QUEUES_FROM, SHARED_TO } from '../../../src/store/store-keys.ts';
import { TIMELINES_TO } from '../../../src/store/timeline-keys.ts';
import { ConsumingRole } from './consuming-role.ts';
import { DrainingRole } from './draining-role.ts';
import { GettingRole } from './getting-role.ts';
import { MeddlingRole } from './meddling-role.ts';
import { titleOf } from './message-book.ts';
import { HOLDING, PublishingRole } from './publishing-role.ts';
import { closingFaults, feedingFaults, queueFaults, slotFaults, waitingFaults } from './quiet-checks.ts';
import { ProcessEnd, SimDisk } from './sim-disk.ts';
import type { FaultRates, SimFaults } from './sim-faults.ts';
import { SimMemoryCheck } from './sim-memory-check.ts';
import { SimNode } from './sim-node.ts';
import { STABLE_QUEUES, VOLATILE_QUEUES } from './sim-queue.ts';
import { SimRun } from './sim-run.ts';

/** Choices of all processes together. */
const ACT_STEPS = 6_000;
const PROCESSES_MAX = 5;
const START_STEPS_MAX = 2_000;
const STOP_STEPS_MAX = 20_000;
const CLIENTS_MAX = 40;
const DEAD_LETTER_STEPS_MAX = 500;
/** The search for what broken builds do wrong sets more: many of them are wrong after a crash alone. */
const FAULTS_MAX = Number(process.env['LEVERET_SIM_FAULTS'] ?? 12);
/** Blocks of memory above which contents are paged out; few are always, many never. */
const PAGING_BLOCKS = [1, 6, 15, 500] as const;

type Ending = 'kill' | 'kill in a commit' | 'failing device' | 'stop' | 'kill while stopping';
const ENDINGS: readonly Ending[] = ['kill', 'kill in a commit', 'failing device', 'stop', 'stop', 'kill while stopping'];
const JOINING = ['publishing', 'consuming', 'getting', 'meddling'] as const;

export type DurableOutcome = {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly steps: number;
  readonly published: number;
  readonly deliveries: number;
  readonly crashes: SimFaults['crashes'];
  readonly endings: Readonly<Record<Ending, number>>;
  readonly commits: number;
  /** Commits that found the disk full. */
  readonly refusals: number;
  /** Letters that asked for contents. */
  readonly reads: number;
};

function ratesOf(seed: number): FaultRates {
  return {
    queueCrash: (seed & 1) !== 0 ? 0.02 : 0,
    storeCrash: (seed & 2) !== 0 ? 0.02 : 0,
    connectionCrash: (seed & 4) !== 0 ? 0.003 : 0,
    threadEnd: seed % 8 >= 6 ? 0.003 : 0,
    faultsMax: FAULTS_MAX,
  };
}

export class DurableSimulation extends SimRun {
  readonly #disk = new SimDisk();
  readonly #endings = { kill: 0, 'kill in a commit': 0, 'failing device': 0, stop: 0, 'kill while stopping': 0 };
  protected node: SimNode;
  protected memory: SimMemoryCheck;
  readonly #delayed: number | undefined;
  #names = 0;
  #reads = 0;
  #deadLetters = 0;
  #diskFullSteps = 0;

  /** `delayed`: the part of what is published that is held back. */
  constructor(seed: number, trace?: (text: string) => void, delayed?: number, rates = ratesOf(seed)) {
    super(seed, () => rates, trace);
    this.#delayed = delayed;
    this.node = this.#newNode();
    this.memory = new SimMemoryCheck(this.node.memory);
  }

  #newNode(): SimNode {
    const { random, clock, network, faults } = this;
    // Threads page out above so many blocks (small-bounds.ts), far below the alarm: clients that publish and consume on one connection would
    // wait for themselves at that.
    const kept = { disk: this.#disk, memoryLimitBytes: 256 * BLOCK_BYTES * random.of(PAGING_BLOCKS) };
    return new SimNode(random.between(1, 3), { clock, random, network, witness: this, faults, kept });
  }

  run(): DurableOutcome {
    try {
      const processes = this.random.between(1, PROCESSES_MAX);
      for (let left = processes; left > 0; left--) {
        this.#begin();
        this.#act(Math.ceil(ACT_STEPS / processes));
        if (left === 1) this.#finish();
        else this.#endProcess(this.random.of(ENDINGS));
      }
    } catch (error) {
      this.violations.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    return {
      seed: this.seed,
      violations: this.violations,
      steps: this.steps,
      published: this.book.entries.size,
      deliveries: this.book.deliveries,
      crashes: this.faults.crashes,
      endings: this.#endings,
      commits: this.#disk.commits,
      refusals: this.#disk.refusals,
      reads: this.#reads,
    };
  }

  // ---- a process

  #begin(): void {
    const { random } = this;
    this.trace?.(`process ${this.book.life} begins`);
    if (this.book.life > 1 && random.chance(0.1)) this.#fillDisk();
    this.node.start();
    if (!this.node.foundClean) this.book.foundUnclean();
    this.faults.enabled = true;
    this.winding = false;
    for (let step = 0; !this.node.accepting && step < START_STEPS_MAX; step++) if (!this.choose(false)) this.passTime();
    for (let each = random.between(1, 3); each > 0; each--) this.#join('publishing');
    for (let each = random.between(0, 4); each > 0; each--) this.#join('consuming');
    for (let each = random.between(0, 1); each > 0; each--) this.#join('getting');
    for (let each = random.between(0, 2); each > 0; each--) this.#join('meddling');
  }

  #act(steps: number): void {
    const { random } = this;
    const quietAt = random.chance(0.3) ? random.below(steps) : -1;
    for (let step = 0; step < steps; step++) {
      if (!this.choose(true) && !this.passTime()) break;
      if (random.chance(0.01)) this.clock.pass(this.clock.nowMs() + random.below(15));
      if (random.chance(0.0005)) this.stallSomething();
      if (random.chance(0.0005)) this.#fillDisk();
      if (this.#diskFullSteps > 0 && --this.#diskFullSteps === 0) this.#disk.full = false;
      // Those who were cut off come back as somebody else.
      if (step % 200 === 0) this.#replaceClosed();
      if (step === quietAt) this.#pause();
    }
  }

  #fillDisk(): void {
    this.#disk.full = true;
    this.#disk.journal.writesInPlace = this.random.chance(0.5);
    this.#diskFullSteps = this.random.between(1, 600);
  }

  /** Nothing new begins and nothing fails; every answer comes, every hungry consumer is fed, every settle is stored. */
  #pause(): void {
    this.#calm();
    this.untilQuiet('pause');
    this.#blame(waitingFaults(this.clients), queueFaults(this.node), feedingFaults(this.node, this.clients));
    for (const { role } of this.clients) if (role instanceof ConsumingRole) role.quiet();
    this.book.settlesStored();
    this.faults.enabled = true;
    this.winding = false;
  }

  #calm(): void {
    this.winding = true;
    this.faults.enabled = false;
    this.#disk.full = false;
    this.#diskFullSteps = 0;
    this.#disk.plan = undefined;
    for (const loop of this.loops()) loop.stalledSteps = 0;
  }

  protected override choose(clientsAct: boolean): boolean {
    try {
      return super.choose(clientsAct);
    } catch (error) {
      if (!(error instanceof ProcessEnd)) throw error;
      this.node.kill();
      return true;
    }
  }

  // ---- its end

  #endProcess(ending: Ending): void {
    this.trace?.(`process ${this.book.life} ends: ${ending}`);
    this.#endings[ending]++;
    switch (ending) {
      case 'kill':
        if (this.random.chance(0.8)) this.#awaitDeadLetter();
        this.node.kill();
        break;
      case 'kill in a commit':
        this.#failAtCommit(() => new ProcessEnd('the process is killed in a commit'));
        break;
      case 'failing device':
        this.#failAtCommit(() => new Error('the device failed'));
        break;
      case 'stop':
        this.#stop(STOP_STEPS_MAX);
        if (!this.node.ended) throw new Error(`the node did not stop within ${STOP_STEPS_MAX} steps`);
        break;
      case 'kill while stopping':
        this.#stop(this.random.below(400));
        break;
    }
    const clean = ending === 'stop' || this.node.ended && ending === 'kill while stopping';
    this.#afterEnd(clean);
  }

  /** What dies is lost most easily while its letter is on its way. */
  #awaitDeadLetter(): void {
    const before = this.#deadLetters;
    for (let step = 0; step < DEAD_LETTER_STEPS_MAX && this.#deadLetters === before; step++) if (!this.choose(true) && !this.passTime()) break;
    for (let step = this.random.below(12); step > 0 && !this.node.ended; step--) this.choose(true);
  }

  /** One of the next commits fails, before or after it is done; the node goes on for a while, if it can. */
  #failAtCommit(error: () => Error): void {
    const { random } = this;
    const failing = random.of(['before', 'within', 'after'] as const);
    const share = random.of([0.1, 0.5, 0.9]);
    this.#disk.journal.survives = () => random.chance(share);
    let left = random.between(1, 4);
    this.#disk.full = false;
    this.#disk.plan = (moment) => {
      if (moment === failing && --left <= 0) throw error();
    };
    const isOver = (): boolean => this.node.ended || this.node.storeFailed;
    for (let step = 0; step < 500 && !isOver(); step++) if (!this.choose(true) && !this.passTime()) break;
    for (let step = random.below(100); step > 0 && !this.node.ended; step--) this.choose(true);
    this.node.kill();
  }

  #stop(stepsMax: number): void {
    this.faults.enabled = false;
    this.#disk.full = false;
    this.#diskFullSteps = 0;
    for (let step = 0; !this.node.whole && step < STOP_STEPS_MAX; step++) if (!this.choose(true)) this.passTime();
    this.node.stop();
    for (let step = 0; step < stepsMax && !this.node.ended; step++) if (!this.choose(true)) this.passTime();
  }

  /** The clients see the end of their connections, and a new process begins. */
  #afterEnd(clean: boolean): void {
    this.#disk.plan = undefined;
    this.#disk.full = false;
    if (!this.node.ended) this.node.kill();
    for (const thread of this.node.threads.values()) thread.die();
    for (const client of this.clients) client.reset();
    while (this.network.step());
    this.clients.length = 0;
    this.book.restarted(clean);
    this.node = this.#newNode();
    this.memory = new SimMemoryCheck(this.node.memory);
  }

  #finish(): void {
    this.#calm();
    this.untilQuiet('wind down');
    this.#blame(waitingFaults(this.clients), queueFaults(this.node), feedingFaults(this.node, this.clients));
    for (const client of this.clients) client.close();
    this.untilQuiet('close');
    this.#blame(queueFaults(this.node), closingFaults(this.node, this.clients));
    this.#drain(false);
    for (const { name } of STABLE_QUEUES) {
      for (const entry of this.book.owed(name)) this.violate(`${name} lost ${titleOf(entry)}, which was confirmed`);
    }
    const { queues, sharedSegments } = this.node.store!.store.describe();
    for (const { queue, kept, paged } of queues) {
      if (kept.messages + paged.messages > 0) this.violate(`queue ${queue} is empty, and the store has ${kept.messages} kept and ${paged.messages} paged messages of it`);
    }
    if (sharedSegments > 0) this.violate(`all queues are empty, and the store has ${sharedSegments} segments of shared bodies`);
    this.#drain(true);
    this.#blame(slotFaults(this.node));
    const { disk } = this.node.store!;
    for (const key of [...disk.keys(QUEUES_FROM, SHARED_TO), ...disk.keys(SHARED_TO, TIMELINES_TO)]) {
      this.violate(`all queues are deleted, and the disk has ${key.toString('hex')}`);
    }
    const topology = restoreTopology([...this.node.store!.disk.entries(DEFINITION_KEYS.from, DEFINITION_KEYS.to)], 1);
    for (const vhost of topology.vhosts()) for (const { name } of topology.queues(vhost.name)) this.violate(`${name} is deleted, and is defined on the disk`);
    if (this.memory.exhausted) this.violate('the arenas of the simulation are too short');
    // Leases that a thread held in its own memory end with it.
    if (this.node.losses === 0) this.#blame(this.memory.leaks());
  }

  #drain(deletes: boolean): void {
    const client = this.newClient();
    const exchanges = deletes && this.#delayed !== undefined ? [HOLDING] : [];
    const queues = [...this.node.queues()].filter((queue) => !isTimeline(queue));
    const drain = new DrainingRole(client, this, queues.map(({ name }) => name), deletes, exchanges);
    client.role = drain;
    this.untilQuiet('drain');
    if (drain.waiting !== undefined) throw new Error(`the drain waits in vain for ${drain.waiting}`);
  }

  #blame(...faults: readonly Iterable<string>[]): void {
    for (const each of faults) for (const text of each) this.violate(text);
  }

  // ---- clients

  #join(kind: (typeof JOINING)[number]): void {
    const { random } = this;
    const client = this.newClient();
    const name = `${kind} ${++this.#names}`;
    switch (kind) {
      case 'publishing': {
        const style = { persistent: random.of([0.5, 0.9, 1]), fanout: random.of([0, 0.3]), ...(this.#delayed !== undefined && { delayed: this.#delayed }) };
        client.role = new PublishingRole(name, client, this, STABLE_QUEUES, random.between(10, 150), style);
        break;
      }
      case 'consuming':
        client.role = new ConsumingRole(name, client, this, random.of(STABLE_QUEUES));
        break;
      case 'getting':
        client.role = new GettingRole(name, client, this, STABLE_QUEUES);
        break;
      case 'meddling':
        client.role = new MeddlingRole(name, client, this, VOLATILE_QUEUES);
        break;
    }
    this.clients.push(client);
  }

  #replaceClosed(): void {
    for (const client of [...this.clients]) {
      if (client.state !== 'closed' || this.clients.length >= CLIENTS_MAX) continue;
      const { role } = client;
      if (client.refusal !== undefined) this.violate(`${role?.name} was refused: ${client.refusal}`);
      this.clients.splice(this.clients.indexOf(client), 1);
      this.#join(JOINING.find((kind) => role?.name.startsWith(kind))!);
    }
  }

  /** Nobody publishes to a grave: what comes are dead letters. */
  #isGrave({ id }: ActorRef): boolean {
    const graves = STABLE_QUEUES.filter(({ buries }) => buries === true);
    return [...this.node.queues()].some((queue) => queueActorId(queue.id) === id && graves.some(({ name }) => name === queue.name));
  }

  override letter(thread: number, to: ActorRef, letter: Letter): void {
    if (letter.type === StoreLetter.read) this.#reads++;
    if (letter.type === QueueLetter.publish && this.#isGrave(to)) this.#deadLetters++;
    super.letter(thread, to, letter);
  }
}

/** Runs a seed. */
export function simulateDurable(seed: number, trace?: (text: string) => void): DurableOutcome {
  return new DurableSimulation(seed, trace).run();
}

/** Runs a seed in which half of what is published is held back. */
export function simulateDelayed(seed: number, trace?: (text: string) => void): DurableOutcome {
  return new DurableSimulation(seed, trace, 0.5).run();
}

/** Runs a seed in which threads are lost while replicas crash, who have to hear of it. */
export function simulateLosses(seed: number, trace?: (text: string) => void): DurableOutcome {
  return new DurableSimulation(seed, trace, undefined, { ...ratesOf(seed), threadEnd: 0.003, replicaCrash: 0.1 }).run();
}
