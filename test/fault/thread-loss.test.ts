/**
 * Scheduler threads end under traffic, between two events, amid their letters, or because their heap is exhausted; some hear nothing for
 * a while. The connections of a lost thread are gone, everybody else's go on; queues come back with what was in shared memory,
 * every publish of a connection that lives is answered, and new connections are taken.
 *
 * LEVERET_THREAD_FAULTS says how many faults, LEVERET_TEST_SEED repeats their order.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DEADLINE_MS } from '../support/deadline.ts';
import { type FaultNode, brokenCopy, startFaultNode } from '../support/fault-node.ts';
import type { SourceChange } from '../support/source-change.ts';
import { LedgerOfMessages, type Verdict } from '../support/ledger-of-messages.ts';
import { RawClient } from '../support/raw-client.ts';
import { SeededRandom, runSeed } from '../support/seeded-random.ts';
import { Consumption, Publishing, Runs, until } from '../support/traffic.ts';

const FAULTS = Number(process.env['LEVERET_THREAD_FAULTS'] ?? 10);
const STALL_MS_MAX = 400;
/** Little, so that it is soon exhausted. */
const THREAD_HEAP_MIB = 128;
const FORGIVEN = { restarts: 1_000_000, periodMs: 1_000 };
const QUEUES = 4;
const SCHEDULERS = 2;
/** Messages between two losses. */
const STEP = 300;

type Kind = 'end' | 'end amid letters' | 'exhaust heap' | 'stall';
type Outcome = { readonly verdict: Verdict; readonly faults: Readonly<Record<Kind, number>>; readonly losses: number; readonly stuck: string };

async function declareQueues(fault: FaultNode): Promise<string[]> {
  const queues: string[] = [];
  for (let index = 0; index < QUEUES; index++) {
    const client = await RawClient.connect(fault.broker);
    const channel = await client.openChannel();
    queues.push((await channel.call('queue.declare', { queue: `surviving-${index}` })).queue);
    await client.close();
  }
  return queues;
}

/** Connects until it works: a port whose last listener has just gone refuses until a thread has started, which takes long on a busy machine. */
async function persistently<T>(open: () => Promise<T>): Promise<T> {
  const givenUpAt = performance.now() + 2 * DEADLINE_MS;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (performance.now() > givenUpAt) throw error;
    }
  }
}

class Crowd {
  readonly publishings: Publishing[] = [];
  readonly consumptions: Consumption[] = [];
  readonly runs = new Runs();
  readonly #fault: FaultNode;
  readonly #ledger: LedgerOfMessages;
  readonly #queues: readonly string[];
  readonly #random: SeededRandom;
  #publishers = 0;
  #readers = 0;

  constructor(fault: FaultNode, ledger: LedgerOfMessages, queues: readonly string[], random: SeededRandom) {
    this.#fault = fault;
    this.#ledger = ledger;
    this.#queues = queues;
    this.#random = random;
  }

  async publish(): Promise<void> {
    const options = { publisher: ++this.#publishers, queues: this.#queues, random: this.#random, window: 200, bodySizeMax: 400 };
    const publishing = await persistently(() => Publishing.open(this.#fault.broker, this.#ledger, options));
    this.publishings.push(publishing);
    this.runs.add(publishing.run());
  }

  async consume(queue: string): Promise<void> {
    const name = `reader ${++this.#readers}`;
    const options = { name, queue, random: this.#random, noAck: false, prefetch: 50, nackOneIn: 0, whole: false };
    const consumption = await persistently(() => Consumption.open(this.#fault.broker, this.#ledger, options));
    this.consumptions.push(consumption);
    this.runs.add(consumption.run());
  }

  /** Whoever lost its connection comes again, as clients do. */
  async refill(): Promise<void> {
    const alive = <T extends { readonly ended: boolean }>(all: readonly T[]): number => all.filter(({ ended }) => !ended).length;
    while (alive(this.publishings) < 4) await this.publish();
    while (alive(this.consumptions) < 3) await this.consume(this.#queues[this.#readers % QUEUES]!);
  }

  get thinned(): boolean {
    return [...this.publishings, ...this.consumptions].filter(({ ended }) => !ended).length < 7;
  }

  async drain(): Promise<void> {
    for (const queue of this.#queues) await this.consume(queue);
  }
}

async function strike(kind: Kind, fault: FaultNode, random: SeededRandom): Promise<void> {
  const thread = 1 + random.below(SCHEDULERS);
  const lost = fault.node.threadsLost();
  const isLost = (): boolean => fault.node.threadsLost() > lost;
  if (kind === 'stall') return fault.node.fault(thread, { type: 'stall', ms: 1 + random.below(STALL_MS_MAX) });
  if (kind === 'end amid letters') return loseAmidLetters(fault, thread, random, isLost);
  fault.node.fault(thread, kind === 'end' ? { type: 'end thread' } : { type: 'exhaust heap' });
  await until(isLost, 'the thread is lost', () => 0);
}

/** In the middle of what the thread does with its queues, if it has any. */
async function loseAmidLetters(fault: FaultNode, thread: number, random: SeededRandom, isLost: () => boolean): Promise<void> {
  const plan = { group: 'queue', seed: random.below(2 ** 30), everyLetters: 20, crashesMax: 1, endsThread: true } as const;
  fault.node.fault(thread, { type: 'plan', plan });
  const givenUpAt = performance.now() + 500;
  await until(() => isLost() || performance.now() > givenUpAt, 'the thread is lost or idle', () => performance.now());
  if (isLost()) return;
  fault.node.fault(thread, { type: 'end thread' });
  await until(isLost, 'the thread is lost', () => 0);
}

/** In ten faults each kind comes, and one is a stall. */
function drawKind(random: SeededRandom, number: number): Kind {
  if (number % 10 === 5) return 'stall';
  if (number % 10 === 3) return 'exhaust heap';
  return random.oneIn(4) ? 'exhaust heap' : random.oneIn(4) ? 'end' : 'end amid letters';
}

async function runFaults(seed: number, count: number, root?: string): Promise<Outcome> {
  const random = new SeededRandom(seed);
  const faults = { end: 0, 'end amid letters': 0, 'exhaust heap': 0, stall: 0 };
  const fault = await startFaultNode({ schedulers: SCHEDULERS, nodeRestarts: FORGIVEN, threadHeapMiB: THREAD_HEAP_MIB }, root);
  const ledger = new LedgerOfMessages();
  let stuck = '';
  try {
    const crowd = new Crowd(fault, ledger, await declareQueues(fault), random);
    try {
      for (let number = 1; number <= count; number++) {
        const goal = ledger.attempted + STEP;
        // A client learns of its end in its own time.
        for (let step = ledger.attempted; step < goal; step = ledger.attempted + 1) {
          await crowd.refill();
          await until(() => ledger.attempted > step || crowd.thinned, 'traffic flows', () => ledger.attempted);
        }
        const kind = drawKind(random, number);
        faults[kind]++;
        await strike(kind, fault, random);
      }
      await crowd.drain();
      for (const each of crowd.publishings) each.stop();
      const open = (): number => crowd.publishings.filter(({ ended }) => !ended).reduce((sum, each) => sum + each.unanswered, 0);
      await until(() => open() === 0, 'publishes of living connections are answered', open, 8_000);
      await until(() => ledger.outstanding === 0, 'every confirmed message is acknowledged', () => ledger.outstanding, 8_000);
    } catch (error) {
      stuck = `${error} after ${JSON.stringify(fault.surprises.slice(-5))}, ${JSON.stringify((await fault.node.liveTree()).listener)}`;
    }
    for (const each of [...crowd.publishings, ...crowd.consumptions]) each.client.drop();
    const failure = await crowd.runs.ended();
    stuck ||= failure;
    return { verdict: ledger.verdict(), faults, losses: fault.node.threadsLost(), stuck };
  } finally {
    await fault.close();
  }
}

const losing = suite('lost threads');

losing(`${FAULTS} faults of threads under traffic lose nothing that was confirmed`, async () => {
  const seed = runSeed();
  const { verdict, faults, losses, stuck } = await runFaults(seed, FAULTS);
  const text = `seed ${seed}, ${losses} threads lost (${JSON.stringify(faults)}): ${JSON.stringify(verdict)}`;
  process.stdout.write(`${text} ${stuck}\n`);
  assert.is(stuck, '', text);
  // What was to strike amid letters may come on top of what was ordered when it did not.
  assert.ok(losses >= FAULTS - faults.stall, text);
  assert.ok(FAULTS < 5 || (faults.stall > 0 && faults['exhaust heap'] > 0), text);
  for (const counter of ['lost', 'unexpected', 'duplicated', 'disordered'] as const) assert.is(verdict[counter], 0, `${counter}: ${text}`);
});

const FORGETFUL: SourceChange = {
  file: 'actors/queue/queue-actor.ts',
  right: 'if (this.#machine.counter(QUEUE_ID) === record.id) this.#recover();',
  wrong: 'if (this.#machine.counter(QUEUE_ID) === -1) this.#recover();',
};

losing('is caught: a queue that comes back empty', async () => {
  const seed = runSeed();
  const copy = brokenCopy(FORGETFUL);
  try {
    let lost = 0;
    // A queue may be empty just when its thread is lost.
    for (let run = 0; run < 6 && lost === 0; run++) lost = (await runFaults(seed + run, 3, copy.root)).verdict.lost;
    assert.ok(lost > 0, `seed ${seed}`);
  } finally {
    copy.remove();
  }
});

const SILENT: SourceChange = {
  file: 'actors/connection/loss-fence.ts',
  right: 'if (asked.delete(request) && asked.size === 0) refuse();',
  wrong: 'asked.delete(request);',
};

losing('is caught: publishes that a lost thread took along stay without an answer', async () => {
  const seed = runSeed();
  const copy = brokenCopy(SILENT);
  try {
    let stuck = '';
    // What the thread takes along may have come from itself alone: then nobody is left to miss it.
    for (let run = 0; run < 24 && stuck === ''; run++) stuck = (await runFaults(seed + run, 1, copy.root)).stuck;
    assert.match(stuck, 'publishes of living connections are answered', `seed ${seed}`);
  } finally {
    copy.remove();
  }
});

losing.run();
