/**
 * Queue actors crash at random letters while messages flow: nothing confirmed is lost, transient messages included, order is
 * kept, consumers stay subscribed, and every publish is answered.
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
const QUEUES = 4;
const PUBLISHERS = 3;
const MESSAGES_MIN = 6_000;
/** Of the controls. */
const CONTROL = { crashes: 60, messages: 2_000 };
const EVERY_LETTERS = 12;

type Outcome = { readonly verdict: Verdict; readonly crashes: number; readonly surprises: readonly string[]; readonly stuck: string };

async function declareQueues(fault: FaultNode): Promise<string[]> {
  const queues: string[] = [];
  // Connections land on any thread, and a queue lives where it is declared.
  for (let index = 0; index < QUEUES; index++) {
    const client = await RawClient.connect(fault.broker);
    const channel = await client.openChannel();
    queues.push((await channel.call('queue.declare', { queue: `crashing-${index}` })).queue);
    await client.close();
  }
  return queues;
}

/** Runs traffic over crashing queues until there were so many crashes and messages, then lets it come to rest. */
async function runTraffic(schedulers: number, seed: number, least = { crashes: CRASHES, messages: MESSAGES_MIN }, root?: string): Promise<Outcome> {
  const random = new SeededRandom(seed);
  const fault = await startFaultNode({ schedulers, queueRestarts: { restarts: 100_000, periodMs: 1_000 } }, root);
  const ledger = new LedgerOfMessages();
  let stuck = '';
  try {
    const queues = await declareQueues(fault);
    const consumptions: Consumption[] = [];
    for (const [index, queue] of queues.entries()) {
      const several = index % 2 === 1;
      for (let each = 0; each < (several ? 3 : 1); each++) {
        const noAck = index === 0 || (several && each === 2);
        const name = `${index}.${each}`;
        const nackOneIn = index === 1 ? 9 : 0;
        const prefetch = index === 3 ? 7 : each * 50;
        const options = { name, queue, random, noAck, prefetch, nackOneIn, whole: !several };
        consumptions.push(await Consumption.open(fault.broker, ledger, options));
      }
    }
    const holding: Consumption[] = [];
    for (const queue of [queues[1]!, queues[3]!]) {
      const options = { name: `holding ${queue}`, queue, random, noAck: false, prefetch: 20, nackOneIn: 0, whole: false, holding: true };
      holding.push(await Consumption.open(fault.broker, ledger, options));
    }
    const publishings: Publishing[] = [];
    for (let publisher = 1; publisher <= PUBLISHERS; publisher++) {
      const options = { publisher, queues, random, window: 400, bodySizeMax: 600 };
      publishings.push(await Publishing.open(fault.broker, ledger, options));
    }
    const runs = new Runs();
    for (const each of [...publishings, ...consumptions, ...holding]) runs.add(each.run());
    for (let thread = 1; thread <= schedulers; thread++) {
      const plan = { group: 'queue', seed: seed + thread, everyLetters: EVERY_LETTERS, crashesMax: least.crashes } as const;
      fault.node.fault(thread, { type: 'plan', plan });
    }
    const moved = (): number => ledger.settledCount + ledger.attempted + fault.crashes();
    try {
      await until(() => fault.crashes() >= least.crashes && ledger.attempted >= least.messages, 'there were crashes enough', moved);
      for (let thread = 1; thread <= schedulers; thread++) fault.node.fault(thread, { type: 'plan', plan: undefined });
      for (const each of publishings) each.stop();
      await until(() => ledger.unanswered === 0, 'every publish is answered', () => ledger.unanswered, 5_000);
      for (const each of holding) each.client.drop();
      await until(() => ledger.outstanding === 0, 'every confirmed message is acknowledged', () => ledger.outstanding, 5_000);
    } catch (error) {
      stuck = String(error);
    }
    for (const each of [...publishings, ...consumptions, ...holding]) each.client.drop();
    const failure = await runs.ended();
    stuck ||= failure;
    return { verdict: ledger.verdict(), crashes: fault.crashes(), surprises: fault.surprises, stuck };
  } finally {
    await fault.close();
  }
}

function judge({ verdict, crashes, surprises, stuck }: Outcome, seed: number): void {
  const text = `seed ${seed}: ${crashes} crashes, ${JSON.stringify(verdict)}`;
  assert.is(stuck, '', text);
  assert.equal(surprises, [], text);
  assert.ok(crashes >= CRASHES, text);
  for (const counter of ['lost', 'unexpected', 'duplicated', 'disordered', 'unanswered'] as const) {
    assert.is(verdict[counter], 0, `${counter}: ${text}`);
  }
}

const crashing = suite('crashing queues');

for (const schedulers of [1, 2]) {
  crashing(`${schedulers} scheduler thread(s): ${CRASHES} crashes lose, double and disorder nothing`, async () => {
    const seed = runSeed();
    const outcome = await runTraffic(schedulers, seed);
    process.stdout.write(`seed ${seed}, ${outcome.crashes} crashes: ${outcome.stuck} ${JSON.stringify(outcome.verdict)}\n`);
    judge(outcome, seed);
  });
}

/** Brokers that are broken on purpose, and the counter that gives each away. */
const CONTROLS: readonly (SourceChange & { readonly name: string; readonly counter: 'lost' | 'duplicated' | 'unanswered' })[] = [
  {
    name: 'recovery that forgets what was unsettled',
    counter: 'lost',
    file: 'src/broker/queue/ledger.ts',
    right: 'this.setState(position, READY | REDELIVERED_FLAG | (state & FLAGS_MASK), 0);',
    wrong: 'this.setState(position, GONE, 0);',
  },
  {
    name: 'recovery that does not mark what was delivered',
    counter: 'duplicated',
    file: 'src/broker/queue/ledger.ts',
    right: 'this.setState(position, READY | REDELIVERED_FLAG | (state & FLAGS_MASK), 0);',
    wrong: 'this.setState(position, READY, 0);',
  },
  {
    name: 'a crash that drops the letter in hand',
    counter: 'unanswered',
    file: 'actors/runtime/scheduler.ts',
    right: 'cell.endReason = undefined;\n    this.#timers.cancelAll(cell.id);\n',
    wrong: 'cell.endReason = undefined;\n    this.#timers.cancelAll(cell.id);\n    mailbox.inHand = undefined;\n',
  },
  {
    name: 'consumers that are not subscribed again',
    counter: 'lost',
    file: 'actors/connection/session.ts',
    right: '      this.#resubscribe(link);\n    }\n    this.#askAgain',
    wrong: '    }\n    this.#askAgain',
  },
];

for (const control of CONTROLS) {
  crashing(`is caught: ${control.name}`, async () => {
    const seed = runSeed();
    const copy = brokenCopy(control);
    try {
      const outcome = await runTraffic(1, seed, CONTROL, copy.root);
      process.stdout.write(`${control.name}: ${outcome.stuck} ${JSON.stringify(outcome.verdict)}\n`);
      assert.ok(outcome.verdict[control.counter] > 0, `seed ${seed}: ${control.counter} of ${JSON.stringify(outcome.verdict)}`);
    } finally {
      copy.remove();
    }
  });
}

crashing.run();
