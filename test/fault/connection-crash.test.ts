/**
 * Connection actors crash at random events and letters: that connection closes and no other, what it had not settled comes
 * back, its exclusive queues go, and nothing that was confirmed is lost.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FaultNode, brokenCopy, startFaultNode } from '../support/fault-node.ts';
import type { SourceChange } from '../support/source-change.ts';
import { LedgerOfMessages, type Verdict } from '../support/ledger-of-messages.ts';
import { RawClient } from '../support/raw-client.ts';
import { SeededRandom, runSeed } from '../support/seeded-random.ts';
import { Consumption, Publishing, Runs, until } from '../support/traffic.ts';

const CRASHES = 200;
const QUEUES = ['crowded-0', 'crowded-1', 'crowded-2'];
const PUBLISHERS = 3;
const CONSUMERS = 4;

const crashing = suite('crashing connections');

type Outcome = {
  readonly verdict: Verdict;
  readonly crashes: number;
  /** Connections that ended, opened or not. */
  readonly ended: number;
  readonly surprises: readonly string[];
  readonly stuck: string;
};

/** Clients of one run: those whose connection ends are followed by others. */
class Crowd {
  readonly publishings: Publishing[] = [];
  readonly consumptions: Consumption[] = [];
  readonly #fault: FaultNode;
  readonly #ledger: LedgerOfMessages;
  readonly #random: SeededRandom;
  readonly #runs = new Runs();
  #failed = 0;

  constructor(fault: FaultNode, ledger: LedgerOfMessages, random: SeededRandom) {
    this.#fault = fault;
    this.#ledger = ledger;
    this.#random = random;
  }

  async #open<T extends { run(): Promise<void> }>(all: T[], connect: () => Promise<T>): Promise<void> {
    try {
      const opened = await connect();
      all.push(opened);
      this.#runs.add(opened.run());
    } catch {
      // It crashed before it was open.
      this.#failed++;
    }
  }

  #publish(): Promise<void> {
    const publisher = this.publishings.length + this.#failed + 1;
    const options = { publisher, queues: QUEUES, random: this.#random, window: 200, bodySizeMax: 500 };
    return this.#open(this.publishings, () => Publishing.open(this.#fault.broker, this.#ledger, options));
  }

  consume(queue: string): Promise<void> {
    const name = `reader ${this.consumptions.length + this.#failed}`;
    const options = { name, queue, random: this.#random, noAck: false, prefetch: 30, nackOneIn: 0, whole: false };
    return this.#open(this.consumptions, () => Consumption.open(this.#fault.broker, this.#ledger, options));
  }

  async refill(): Promise<void> {
    while (alive(this.publishings).length < PUBLISHERS) await this.#publish();
    while (alive(this.consumptions).length < CONSUMERS) await this.consume(QUEUES[this.#random.below(QUEUES.length)]!);
  }

  get thinned(): boolean {
    return alive(this.publishings).length < PUBLISHERS || alive(this.consumptions).length < CONSUMERS;
  }

  get ended(): number {
    const all = [...this.publishings, ...this.consumptions];
    return all.length - alive(all).length + this.#failed;
  }

  get unanswered(): number {
    return alive(this.publishings).reduce((sum, each) => sum + each.unanswered, 0);
  }

  /** Answers what went wrong in its traffic. */
  async drop(): Promise<string> {
    for (const each of [...this.publishings, ...this.consumptions]) each.client.drop();
    return this.#runs.ended();
  }
}

function alive<T extends { readonly ended: boolean }>(all: readonly T[]): readonly T[] {
  return all.filter(({ ended }) => !ended);
}

async function runCrashes(schedulers: number, seed: number, root?: string): Promise<Outcome> {
  const fault = await startFaultNode({ schedulers }, root);
  const ledger = new LedgerOfMessages();
  const crowd = new Crowd(fault, ledger, new SeededRandom(seed));
  let stuck = '';
  let ended = 0;
  try {
    const first = await RawClient.connect(fault.broker);
    const channel = await first.openChannel();
    for (const queue of QUEUES) await channel.call('queue.declare', { queue });
    await first.close();
    await crowd.refill();
    for (let thread = 1; thread <= schedulers; thread++) {
      const plan = { group: 'connection', seed: seed + thread, everyLetters: 60, crashesMax: CRASHES } as const;
      fault.node.fault(thread, { type: 'plan', plan });
    }
    try {
      while (fault.crashes() < CRASHES) {
        const before = fault.crashes();
        await crowd.refill();
        // A client learns of its end in its own time.
        const next = (): boolean => fault.crashes() > before || crowd.thinned;
        await until(next, 'the next connection crashes', () => ledger.attempted + fault.crashes());
      }
      for (let thread = 1; thread <= schedulers; thread++) fault.node.fault(thread, { type: 'plan', plan: undefined });
      await until(() => crowd.ended >= fault.crashes(), 'every crash has closed its connection', () => crowd.ended, 5_000);
      for (const each of crowd.publishings) each.stop();
      for (const queue of QUEUES) await crowd.consume(queue);
      await until(() => crowd.unanswered === 0, 'publishes of living connections are answered', () => crowd.unanswered, 5_000);
      await until(() => ledger.outstanding === 0, 'every confirmed message is acknowledged', () => ledger.outstanding, 5_000);
    } catch (error) {
      stuck = String(error);
    }
    ended = crowd.ended;
    const failure = await crowd.drop();
    stuck ||= failure;
    return { verdict: ledger.verdict(), crashes: fault.crashes(), ended, surprises: fault.surprises, stuck };
  } finally {
    await fault.close();
  }
}

for (const schedulers of [1, 2]) {
  crashing(`${schedulers} scheduler thread(s): ${CRASHES} crashes close as many connections and lose nothing`, async () => {
    const seed = runSeed();
    const { verdict, crashes, ended, surprises, stuck } = await runCrashes(schedulers, seed);
    const text = `seed ${seed}, ${crashes} crashes: ${JSON.stringify(verdict)}`;
    process.stdout.write(`${text}\n`);
    assert.is(stuck, '', text);
    assert.equal(surprises, [], text);
    assert.is(ended, crashes, `connections that ended, and crashes: ${text}`);
    for (const counter of ['lost', 'unexpected', 'duplicated', 'disordered'] as const) assert.is(verdict[counter], 0, `${counter}: ${text}`);
  });
}

const FORGETFUL: SourceChange = {
  file: 'actors/queue/queue-actor.ts',
  right: 'this.#detach(connection.id, 0);\n    this.#forgetPeer(connection.id);',
  wrong: 'this.#forgetPeer(connection.id);',
};

crashing('is caught: a queue that does not take back what a connection held', async () => {
  const seed = runSeed();
  const copy = brokenCopy(FORGETFUL);
  try {
    const { verdict } = await runCrashes(1, seed, copy.root);
    assert.ok(verdict.lost > 0, `seed ${seed}: ${JSON.stringify(verdict)}`);
  } finally {
    copy.remove();
  }
});

crashing('the exclusive queue of a connection that crashed goes, and its name is free', async () => {
  const fault = await startFaultNode({ schedulers: 1 });
  try {
    const owner = await RawClient.connect(fault.broker);
    const owned = await owner.openChannel();
    await owned.queue('mine');
    const neighbour = await RawClient.connect(fault.broker);
    const near = await neighbour.openChannel();
    fault.node.fault(1, { type: 'plan', plan: { group: 'connection', seed: 1, everyLetters: 1, crashesMax: 1 } });
    // A heartbeat frame is an event of this connection alone.
    const beat = Buffer.from([8, 0, 0, 0, 0, 0, 0, 0xce]);
    while (fault.crashes() === 0) {
      owner.write(beat);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await owner.ended();
    fault.node.fault(1, { type: 'plan', plan: undefined });
    let code = 405;
    for (let number = 2; code === 405; number++) {
      const asking = await neighbour.openChannel(number);
      asking.send('queue.declare', { queue: 'mine', passive: true });
      code = (await asking.refused()).code;
    }
    assert.is(code, 404);
    assert.is((await near.call('queue.declare', { queue: 'mine' })).queue, 'mine');
    await neighbour.close();
  } finally {
    await fault.close();
  }
});

crashing.run();
