/**
 * One run of a simulated node with its clients, from a seed: who runs next, what arrives in which pieces, what crashes when, all
 * by one source of chance. The same seed is the same run, to the last letter.
 *
 *   act       clients publish, consume, meddle; faults strike
 *   wind down nothing new begins and nothing fails any more: every answer comes, every hungry consumer is fed
 *   end       all close; what stable queues hold is read, all queues are deleted; nothing is left
 */
import { DrainingRole } from './draining-role.ts';
import { ConsumingRole } from './consuming-role.ts';
import { MeddlingRole } from './meddling-role.ts';
import { titleOf } from './message-book.ts';
import { PublishingRole } from './publishing-role.ts';
import { closingFaults, feedingFaults, queueFaults, slotFaults, waitingFaults } from './quiet-checks.ts';
import type { SimFaults } from './sim-faults.ts';
import { SimMemoryCheck } from './sim-memory-check.ts';
import { SimNode } from './sim-node.ts';
import { STABLE_QUEUES, VOLATILE_QUEUES } from './sim-queue.ts';
import { SimRun } from './sim-run.ts';

/** Choices of the first phase. */
const ACT_STEPS = 6_000;
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

export class Simulation extends SimRun {
  protected readonly node: SimNode;
  protected readonly memory: SimMemoryCheck;
  #names = 0;

  constructor(seed: number, trace?: (text: string) => void) {
    const kind = seed % 4;
    const rates = {
      queueCrash: kind === 1 || kind === 3 ? 0.02 : 0,
      connectionCrash: kind === 2 || kind === 3 ? 0.003 : 0,
      threadEnd: kind === 3 ? 0.003 : 0,
      faultsMax: 12,
    };
    super(seed, () => rates, trace);
    const { random, clock, network, faults } = this;
    this.node = new SimNode(random.between(1, 3), { clock, random, network, witness: this, faults });
    this.memory = new SimMemoryCheck(this.node.memory);
  }

  run(): SimOutcome {
    try {
      this.node.start();
      this.untilQuiet('start');
      this.#act();
      this.#windDown();
      this.#end();
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
      losses: this.node.losses,
    };
  }

  // ---- phases

  #act(): void {
    const { random } = this;
    for (let each = random.between(1, 3); each > 0; each--) this.#join('publishing');
    for (let each = random.between(1, 4); each > 0; each--) this.#join('consuming');
    for (let each = random.between(0, 2); each > 0; each--) this.#join('meddling');
    for (let step = 0; step < ACT_STEPS; step++) {
      if (!this.choose(true) && !this.passTime()) break;
      if (random.chance(0.0005)) this.stallSomething();
      // Those who were cut off come back as somebody else.
      if (step % 200 === 0) this.#replaceClosed();
    }
  }

  #windDown(): void {
    this.winding = true;
    this.faults.enabled = false;
    for (const loop of this.loops()) loop.stalledSteps = 0;
    this.untilQuiet('wind down');
    this.#blame(waitingFaults(this.clients), queueFaults(this.node), feedingFaults(this.node, this.clients));
    const before = this.steps;
    this.untilQuiet('idling', 1_000);
    if (this.steps - before > IDLE_STEPS_MAX) this.violate(`a quiet node had ${this.steps - before} events in a second`);
  }

  #end(): void {
    for (const client of this.clients) client.close();
    this.untilQuiet('close');
    this.#blame(queueFaults(this.node), closingFaults(this.node, this.clients));
    const client = this.newClient();
    const drain = new DrainingRole(client, this, [...this.node.queues()].map(({ name }) => name));
    client.role = drain;
    this.untilQuiet('drain');
    if (drain.waiting !== undefined) return this.violate(`the drain waits in vain for ${drain.waiting}`);
    for (const { name } of STABLE_QUEUES) {
      for (const entry of this.book.owed(name)) this.violate(`${name} lost ${titleOf(entry)}, which was confirmed`);
    }
    this.#blame(slotFaults(this.node));
    if (this.memory.exhausted) this.violate('the arenas of the simulation are too short');
    // Leases that a thread held in its own memory end with it, see the report of the run.
    if (this.node.losses === 0) this.#blame(this.memory.leaks());
  }

  #blame(...faults: readonly Iterable<string>[]): void {
    for (const each of faults) for (const text of each) this.violate(text);
  }

  // ---- clients

  #join(kind: 'publishing' | 'consuming' | 'meddling'): void {
    const { random } = this;
    const client = this.newClient();
    const name = `${kind} ${++this.#names}`;
    client.role =
      kind === 'publishing'
        ? new PublishingRole(name, client, this, STABLE_QUEUES, random.between(10, 150))
        : kind === 'consuming'
          ? new ConsumingRole(name, client, this, random.of(STABLE_QUEUES))
          : new MeddlingRole(name, client, this, VOLATILE_QUEUES);
    this.clients.push(client);
  }

  #replaceClosed(): void {
    for (const client of [...this.clients]) {
      if (client.state !== 'closed' || this.clients.length >= CLIENTS_MAX) continue;
      const { role } = client;
      if (client.refusal !== undefined) this.violate(`${role?.name} was refused: ${client.refusal}`);
      this.clients.splice(this.clients.indexOf(client), 1);
      this.#join(role instanceof PublishingRole ? 'publishing' : role instanceof ConsumingRole ? 'consuming' : 'meddling');
    }
  }
}

/** Runs a seed. */
export function simulate(seed: number, trace?: (text: string) => void): SimOutcome {
  return new Simulation(seed, trace).run();
}
