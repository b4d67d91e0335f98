/**
 * The store's thread is lost, its heap is exhausted, or its writer crashes more often than is forgiven, always under load: the process
 * says why, ends by itself and not as if all were well, and the next start has everything that was confirmed. Crashes of the
 * writer that are forgiven cost nothing at all: of a message to several queues each has it, when it is confirmed.
 *
 * LEVERET_STORE_CRASHES says how many crashes, LEVERET_TEST_SEED repeats a plan.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { askLine } from '../../native-free-io/socket/line-client.ts';
import { CONTROL_SOCKET, readReply, writeQuestion } from '../../src/main/control-protocol.ts';
import { type Fault, FaultSchedule } from '../../src/main/fault-schedule.ts';
import { formatReport } from '../../tools/chaos/chaos-report.ts';
import type { LeveretBroker } from '../../tools/chaos/leveret-broker.ts';
import { runChaos } from '../../tools/chaos/run-chaos.ts';
import { type Child, startChild } from '../main/support/child.ts';
import { type TestBroker, brokerAt } from '../support/broker.ts';
import { brokenCopy } from '../support/fault-node.ts';
import type { SourceChange } from '../support/source-change.ts';
import { DEADLINE_MS } from '../support/deadline.ts';
import { Fanout, type FanoutVerdict } from '../support/fanout.ts';
import { SeededRandom, runSeed } from '../support/seeded-random.ts';
import { StallMeter } from '../support/stall-meter.ts';
import { until } from '../support/traffic.ts';

const ROOT = join(import.meta.dirname, '../..');
const SCHEDULERS = 2;
const STORE_THREAD = SCHEDULERS + 1;
const QUEUES = ['first', 'second', 'third'];
/** Messages before the blow. */
const LOAD = 2_000;
/** From the blow to the end of the process, milliseconds: clients may take five seconds to say goodbye, and a heap takes its time to fill. */
const END_MS = 15_000;
const CRASHES = Number(process.env['LEVERET_STORE_CRASHES'] ?? 100);
const CRASHES_PER_PROCESS = 50;
/** What is not done by then is never done, milliseconds. */
const STUCK_MS = 15_000;
/** The same of a control, where something is to stand still. */
const CONTROL_STUCK_MS = 5_000;
const EVERY_LETTERS = 6;

const losing = suite('the store');

type Leveret = { readonly child: Child; readonly broker: TestBroker };

/** A heap that is soon exhausted. */
async function startLeveret(dataDir: string): Promise<Leveret> {
  const args = [join(ROOT, 'bin/leveret.js'), 'start', '--port', '0', '--data-dir', dataDir, '--schedulers', String(SCHEDULERS), '--log-level', 'error'];
  const child = startChild(process.execPath, args, { NODE_OPTIONS: '--max-old-space-size=128' });
  await child.said('Server startup complete\n');
  return { child, broker: brokerAt(/amqp:\/\/\S+/.exec(child.stdout())![0]) };
}

/** A seed with which a schedule crashes three incarnations over the first letter that they read. */
function seedOverOneLetter(): number {
  for (let seed = 1; ; seed++) {
    const schedule = new FaultSchedule({ group: 'store-writer', seed, everyLetters: 1, crashesMax: 3 });
    const crashes = [1, 2, 3].filter(() => {
      try {
        schedule.beforeLetter('store-writer', 1);
        schedule.afterLetter('store-writer', 1);
        return false;
      } catch {
        return true;
      }
    });
    if (crashes.length === 3) return seed;
  }
}

const WAYS: readonly { readonly name: string; readonly fault: Fault; readonly says: RegExp }[] = [
  { name: 'its thread ends', fault: { type: 'end thread' }, says: /the store's thread was lost: injected end of the thread/ },
  { name: 'its heap is exhausted', fault: { type: 'exhaust heap' }, says: /the store's thread was lost: .*heap out of memory/ },
  {
    name: 'its writer crashes four times in a minute',
    fault: { type: 'plan', plan: { group: 'store-writer', seed: 11, everyLetters: 20, crashesMax: 4 } },
    says: /the store crashed too often: .*crash 4 of store-writer/,
  },
  {
    name: 'its writer crashes three times over one letter',
    fault: { type: 'plan', plan: { group: 'store-writer', seed: seedOverOneLetter(), everyLetters: 1, crashesMax: 3 } },
    says: /the store has crashed over one letter again and again/,
  },
];

for (const { name, fault, says } of WAYS) {
  losing(`${name}: the process says so and ends, and the next one has what was confirmed`, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'leveret-store-loss-'));
    try {
      const { child, broker } = await startLeveret(dataDir);
      const fanout = new Fanout(QUEUES);
      await fanout.declare(broker);
      const publishing = [fanout.publish(broker, () => false), fanout.publish(broker, () => false)];
      // They may fail before they are waited for.
      for (const each of publishing) each.catch(() => undefined);
      await until(() => fanout.attempted > LOAD, 'there is load', () => fanout.attempted);
      const stalls = new StallMeter();
      const sinceOrderMs = stalls.start();
      const outcome = await askLine(dataDir, CONTROL_SOCKET, writeQuestion('fault', { thread: STORE_THREAD, fault }), DEADLINE_MS);
      assert.ok(outcome.answered);
      assert.equal(readReply(outcome.line), { answer: null });
      const code = await child.ended;
      const tookMs = sinceOrderMs();
      stalls.end();
      await Promise.all(publishing);
      assert.is(code, 1, child.stderr());
      assert.ok(tookMs < END_MS, `${tookMs.toFixed(0)} ms`);
      assert.match(child.stderr(), says);
      assert.match(child.stderr(), 'the store has failed: the node stops, and the next start recovers what was confirmed');

      const again = await startLeveret(dataDir);
      const verdict = await fanout.judge(again.broker);
      again.child.process.kill('SIGTERM');
      assert.is(await again.child.ended, 0, again.child.stderr());
      process.stdout.write(`${name}: ended after ${tookMs.toFixed(0)} ms: ${JSON.stringify(verdict)}\n`);
      assertClean(verdict, name);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
}

losing('its loss among other kills, with consumers at work', async () => {
  const report = await runChaos({ seed: runSeed(), storeLosses: 3, kills: 2, crashes: 20, durationMs: 6_000 });
  process.stdout.write(formatReport(report));
  assert.ok(report.passed, formatReport(report));
  assert.is(report.faults.kills.store, 3);
});

function assertClean(verdict: FanoutVerdict, text: string): void {
  assert.ok(verdict.acknowledged > 0, text);
  for (const counter of ['lost', 'unexpected', 'duplicated', 'disordered', 'repeated', 'left', 'misanswered'] as const) {
    assert.is(verdict[counter], 0, `${counter}: ${text}: ${JSON.stringify(verdict)}`);
  }
}

type CrashOutcome = { readonly verdict: FanoutVerdict; readonly crashes: number; readonly stuck: string; readonly problems: readonly string[] };

/** Processes one after the other: in each the writer crashes at random letters, and then the process is killed. */
async function runCrashes(seed: number, crashes: number, root: string = ROOT, stuckMs: number = STUCK_MS): Promise<CrashOutcome> {
  const random = new SeededRandom(seed);
  const { LeveretBroker: Broker } = (await import(pathToFileURL(join(root, 'tools/chaos/leveret-broker.ts')).href)) as { readonly LeveretBroker: typeof LeveretBroker };
  const leveret = await Broker.create(SCHEDULERS);
  const fanout = new Fanout(QUEUES);
  let stuck = '';
  try {
    for (let done = 0; done < crashes && stuck === '' && leveret.deaths === 0; done = leveret.crashes) {
      await leveret.start();
      const broker = brokerAt(leveret.url!);
      await fanout.declare(broker);
      let stopped = false;
      const publishing = [1, 2].map(() => fanout.publish(broker, () => stopped));
      for (const each of publishing) each.catch(() => undefined);
      const goal = Math.min(crashes, leveret.crashes + CRASHES_PER_PROCESS);
      const plan = { group: 'store-writer', seed: random.below(2 ** 30), everyLetters: EVERY_LETTERS, crashesMax: goal - leveret.crashes } as const;
      await leveret.order(STORE_THREAD, { type: 'plan', plan });
      try {
        await until(() => leveret.crashes >= goal || leveret.deaths > 0, 'there were crashes enough', () => leveret.crashes + fanout.attempted, stuckMs);
        // Half of the processes come to rest, so that every publish is answered.
        if (random.oneIn(2) || goal === crashes) {
          stopped = true;
          const unanswered = await Promise.race([Promise.all(publishing), new Promise<undefined>((resolve) => setTimeout(resolve, stuckMs, undefined))]);
          if (unanswered === undefined) stuck = 'publishes were never answered';
        }
      } catch (error) {
        stuck = String(error);
      }
      leveret.signal('SIGKILL');
      await leveret.ended();
      for (const end of await Promise.allSettled(publishing)) if (end.status === 'rejected') stuck ||= String(end.reason);
    }
    await leveret.start();
    const verdict = await fanout.judge(brokerAt(leveret.url!));
    return { verdict, crashes: leveret.crashes, stuck, problems: leveret.problems };
  } finally {
    await leveret.close();
  }
}

losing(`${CRASHES} crashes of its writer lose nothing, double nothing, and confirm nothing too early`, async () => {
  const seed = runSeed();
  const { verdict, crashes, stuck, problems } = await runCrashes(seed, CRASHES);
  const text = `seed ${seed}, ${crashes} crashes of the store's writer: ${JSON.stringify(verdict)}`;
  process.stdout.write(`${text} ${stuck}\n`);
  assert.is(stuck, '', text);
  assert.equal(problems, [], text);
  assert.is(crashes, CRASHES, text);
  assertClean(verdict, text);
});

const CONTROLS: readonly (SourceChange & { readonly name: string; readonly shows: (outcome: CrashOutcome) => boolean })[] = [
  {
    name: 'an incarnation that forgets who waits',
    file: 'actors/store/store-actor.ts',
    right: 'this.#answers = before === undefined ? new GroupAnswers(host.pool) : before.#answers;',
    wrong: 'this.#answers = new GroupAnswers(host.pool);',
    shows: ({ stuck }) => stuck !== '',
  },
  {
    name: 'an incarnation that confirms before it commits',
    file: 'actors/store/store-actor.ts',
    right: "if (this.#store.waiting !== 'nothing') this.#store.commit();\n",
    wrong: "if (this.#store.waiting !== 'nothing' && this.#context.self.generation < 3) this.#store.commit();\n",
    shows: ({ verdict }) => verdict.lost > 0,
  },
  {
    name: 'a crash that takes the letter in hand along',
    file: 'actors/runtime/scheduler.ts',
    right: 'cell.endReason = undefined;\n    this.#timers.cancelAll(cell.id);\n',
    wrong: 'cell.endReason = undefined;\n    this.#timers.cancelAll(cell.id);\n    mailbox.inHand = undefined;\n',
    shows: ({ stuck, verdict }) => stuck !== '' || verdict.lost > 0,
  },
];

for (const control of CONTROLS) {
  losing(`is caught: ${control.name}`, async () => {
    const seed = runSeed();
    const copy = brokenCopy(control);
    try {
      const outcome = await runCrashes(seed, CRASHES_PER_PROCESS, copy.root, CONTROL_STUCK_MS);
      process.stdout.write(`${control.name}: ${outcome.stuck} ${outcome.problems.join().slice(0, 300)} ${JSON.stringify(outcome.verdict)}\n`);
      assert.ok(control.shows(outcome), `seed ${seed}: ${JSON.stringify(outcome)}`);
    } finally {
      copy.remove();
    }
  });
}

losing.run();
