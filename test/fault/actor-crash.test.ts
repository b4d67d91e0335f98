/**
 * Actors of every kind crash at random letters under verified traffic: queues, connections, the store's writer, the topology, replicas and
 * the keeper. Nothing that was confirmed is lost, doubled or disordered.
 *
 * LEVERET_ACTOR_CRASHES says how many crashes, LEVERET_TEST_SEED repeats a plan.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChaosReport, formatReport } from '../../tools/chaos/chaos-report.ts';
import type { runChaos } from '../../tools/chaos/run-chaos.ts';
import { brokenCopy } from '../support/fault-node.ts';
import type { SourceChange } from '../support/source-change.ts';
import { runSeed } from '../support/seeded-random.ts';

const ROOT = join(import.meta.dirname, '../..');
const CRASHES = Number(process.env['LEVERET_ACTOR_CRASHES'] ?? 200);
const CONTROL_CRASHES = 40;
const CONTROL_ROUNDS = 5;
/** On average; what is behind the plan is still carried out. */
const CRASH_EVERY_MS = 30;

const crashing = suite('crashing actors');

async function crash(count: number, root: string): Promise<ChaosReport> {
  const loaded = (await import(pathToFileURL(join(root, 'tools/chaos/run-chaos.ts')).href)) as { readonly runChaos: typeof runChaos };
  const report = await loaded.runChaos({ seed: runSeed(), crashes: count, durationMs: count * CRASH_EVERY_MS });
  process.stdout.write(formatReport(report));
  return report;
}

crashing(`${CRASHES} crashes of queues, connections, store and topology lose, double and disorder nothing`, async () => {
  const report = await crash(CRASHES, ROOT);
  const text = formatReport(report);
  assert.ok(report.passed, text);
  const { crashes, skipped } = report.faults;
  const sum = Object.values(crashes).reduce((total, number) => total + number, 0);
  // Who does not come by a letter in time is left out, and told.
  assert.ok(sum >= CRASHES - 2 * skipped && skipped <= CRASHES / 20, text);
  if (CRASHES >= 100) for (const group of ['queue', 'connection', 'store-writer', 'topology-writer']) assert.ok((crashes[group] ?? 0) > 0, `${group}: ${text}`);
});

const CONTROLS: readonly (SourceChange & { readonly name: string; readonly shows: (report: ChaosReport) => boolean })[] = [
  {
    name: 'a queue that leaves one message out when it comes back',
    file: 'src/broker/queue/ledger.ts',
    right: 'else live++;',
    wrong: 'else if (live++ > 3) this.setState(position, GONE, 0);',
    shows: ({ verdict }) => verdict.lost > 0,
  },
  {
    name: 'a queue that does not say after a crash what was delivered before',
    file: 'src/broker/queue/ledger.ts',
    right: 'this.setState(position, READY | REDELIVERED_FLAG | (state & FLAGS_MASK), 0);',
    wrong: 'this.setState(position, READY, 0);',
    shows: ({ verdict }) => verdict.duplicated > 0,
  },
];

for (const control of CONTROLS) {
  crashing(`is caught: ${control.name}`, async () => {
    const copy = brokenCopy(control);
    try {
      let report = await crash(CONTROL_CRASHES, copy.root);
      // The crashes may have found the queues empty.
      for (let round = 1; round < CONTROL_ROUNDS && !control.shows(report); round++) report = await crash(CONTROL_CRASHES, copy.root);
      assert.is(report.passed, false);
      assert.ok(control.shows(report), formatReport(report));
    } finally {
      copy.remove();
    }
  });
}

crashing.run();
