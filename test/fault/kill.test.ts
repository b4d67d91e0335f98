/**
 * kill -9 under load, again and again, also while the node recovers and while it closes: what was confirmed is there, in order, and
 * comes again with redelivered only. LEVERET_KILL_CYCLES says how often, LEVERET_TEST_SEED repeats a plan.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChaosReport, formatReport } from '../../tools/chaos/chaos-report.ts';
import { LeveretBroker } from '../../tools/chaos/leveret-broker.ts';
import { runChaos } from '../../tools/chaos/run-chaos.ts';
import { runSeed } from '../support/seeded-random.ts';

const CYCLES = Number(process.env['LEVERET_KILL_CYCLES'] ?? 10);
/** Traffic between two kills, on average, restart included. */
const CYCLE_MS = 1_500;
const CONTROL_ROUNDS = 5;

const killing = suite('kill -9');

killing(`${CYCLES} kills lose, double and disorder nothing that was confirmed`, async () => {
  const report = await runChaos({ seed: runSeed(), kills: CYCLES, durationMs: CYCLES * CYCLE_MS });
  process.stdout.write(formatReport(report));
  assert.ok(report.passed, formatReport(report));
  const { running, recovering, stopping } = report.faults.kills;
  assert.is(running + recovering + stopping, CYCLES);
  assert.ok(report.verdict.acknowledged > 100 * CYCLES);
});

killing('kills, crashes of actors and lost threads at the same time', async () => {
  const report = await runChaos({ seed: runSeed(), kills: 4, crashes: 40, threads: 2, durationMs: 6_000 });
  process.stdout.write(formatReport(report));
  assert.ok(report.passed, formatReport(report));
});

/** The report of a few kills of a node that starts empty after each. */
async function forgetfulKills(): Promise<ChaosReport> {
  const dataDir = mkdtempSync(join(tmpdir(), 'leveret-forgetful-'));
  const broker = await LeveretBroker.create(2, dataDir);
  const start = broker.start.bind(broker);
  broker.start = () => {
    rmSync(dataDir, { recursive: true, force: true });
    return start();
  };
  try {
    return await runChaos({ seed: runSeed(), broker, kills: 3, durationMs: 3_000 });
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

killing('is caught: a node that starts empty after each kill', async () => {
  let report = await forgetfulKills();
  // On a busy machine it may have been killed before it had confirmed anything.
  for (let round = 1; round < CONTROL_ROUNDS && report.verdict.lost === 0; round++) report = await forgetfulKills();
  assert.is(report.passed, false);
  assert.ok(report.verdict.lost > 0, formatReport(report));
});

killing.run();
