/**
 * The comparison with RabbitMQ: each broker alone on the machine, one after the other, the same client, the same workloads.
 *
 *   npm run bench:compare -- --only auto-100b,latency --seconds 6 --warmup 2 --runs 1 --schedulers 2 --json figures.json
 *   npm run bench:compare -- --only-peer rabbitmq
 *   npm run bench:compare -- --runs 5 --retakes 10
 *   npm run bench:compare -- --only fill-persistent,restart-1m --messages 100000 --durability flushed
 *
 * Ends with status 1 when a goal is missed or a workload failed.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { measureScenario, type Figures } from './measure.ts';
import { optionsOrExit, parseCompareOptions, type CompareOptions } from './options.ts';
import { startLeveret } from './peer/leveret.ts';
import type { Peer } from './peer/peer.ts';
import { startRabbitmq } from './peer/rabbitmq.ts';
import { describeFigures } from './report/figures.ts';
import { medianRun } from './report/median.ts';
import { formatTable } from './report/table.ts';
import { judge } from './report/verdict.ts';
import { DISTURBANCE, isDisturbed, takeUndisturbed } from './retake.ts';
import type { Scenario } from './scenario/scenario.ts';

type Measured = { readonly peer: Peer['name']; readonly scenario: string; readonly figures: Figures };

/** What a shell expects of a program that a signal ended. */
const INTERRUPTED_STATUS = 130;
const FAILED_STATUS = 1;

const options = optionsOrExit(
  parseCompareOptions,
  'npm run bench:compare -- [--only NAME,...] [--only-peer rabbitmq|leveret] [--runs N] [--retakes N] [--seconds N] [--warmup N] [--schedulers N] [--durability flushed|written] [--messages N] [--json FILE]',
);
const measured: Measured[] = [];
/** What did not count, because others disturbed it and it was taken again. */
const discarded: Measured[] = [];
const startedAt = new Date().toISOString();
const versions = new Map<Peer['name'], string>();
let failures = 0;

function startPeer(name: Peer['name']): Promise<Peer> {
  return name === 'rabbitmq' ? startRabbitmq() : startLeveret(options);
}

/** Workloads that would take one broker too long are measured on the other alone, unless only the slow one was asked for. */
function isWanted(scenario: Scenario, name: Peer['name']): boolean {
  const usualPeer = scenario.kind === 'restart' ? scenario.usualPeer : undefined;
  return usualPeer === undefined || usualPeer === name || !options.peers.includes(usualPeer);
}

async function measurePeer(name: Peer['name'], { scenarios, timing, retakes }: CompareOptions): Promise<void> {
  const starting = startPeer(name);
  const stopOnSignal = (): void => {
    void starting.then((peer) => peer.stop()).finally(() => process.exit(INTERRUPTED_STATUS));
  };
  // Whatever goes wrong in the load tool itself, no broker and no folder may stay behind.
  const stopOnError = (error: unknown): void => {
    console.error(error);
    void starting.then((peer) => peer.stop()).finally(() => process.exit(FAILED_STATUS));
  };
  process.once('uncaughtException', stopOnError);
  process.once('SIGINT', stopOnSignal);
  process.once('SIGTERM', stopOnSignal);
  const peer = await starting;
  versions.set(name, peer.version);
  try {
    for (const scenario of scenarios) {
      if (!isWanted(scenario, name)) continue;
      try {
        const discard = (figures: Figures): void => {
          discarded.push({ peer: name, scenario: scenario.name, figures });
          console.log(`${name}  ${scenario.name}: disturbed, taken again: ${describeFigures(figures)}`);
        };
        const figures = await takeUndisturbed(() => measureScenario(scenario, peer, timing), retakes, discard);
        measured.push({ peer: name, scenario: scenario.name, figures });
        console.log(`${name}  ${scenario.name}: ${describeFigures(figures)}`);
      } catch (error) {
        failures += 1;
        console.log(`${name}  ${scenario.name}: FAILED: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  } finally {
    process.off('uncaughtException', stopOnError);
    process.off('SIGINT', stopOnSignal);
    process.off('SIGTERM', stopOnSignal);
    await peer.stop();
  }
}

function describeMachine(): Readonly<Record<string, string | number>> {
  return { cores: availableParallelism(), processor: cpus()[0]?.model ?? 'unknown', node: process.version, kernel: release(), ...Object.fromEntries(versions) };
}

function writeFigures(): void {
  if (options.jsonFile === undefined) return;
  const command = `npm run bench:compare -- ${process.argv.slice(2).join(' ')}`;
  writeFileSync(options.jsonFile, `${JSON.stringify({ command, startedAt, machine: describeMachine(), options, measured, discarded }, null, 2)}\n`);
}

for (let run = 0; run < options.runs; run += 1) {
  for (const name of options.peers) {
    try {
      await measurePeer(name, options);
    } catch (error) {
      failures += 1;
      console.log(`${name}: FAILED to start: ${error instanceof Error ? error.message : String(error)}`);
    }
    // A run that is ended early leaves what it has measured.
    writeFigures();
  }
}

const machine = describeMachine();
const disturbed = measured.filter(({ figures }) => isDisturbed(figures));
const rows: string[][] = [];
for (const scenario of options.scenarios) {
  const figuresOf = (peer: Peer['name']): Figures | undefined =>
    medianRun(measured.filter((entry) => entry.peer === peer && entry.scenario === scenario.name).map(({ figures }) => figures));
  for (const verdict of judge(scenario, figuresOf('rabbitmq'), figuresOf('leveret'))) {
    if (verdict.passed === false) failures += 1;
    const outcome = verdict.passed === undefined ? '' : verdict.passed ? 'pass' : 'FAIL';
    rows.push([verdict.workload, verdict.measure, verdict.rabbitmq, verdict.leveret, verdict.ratio, verdict.goal, outcome]);
  }
}
console.log(`\n${formatTable(['workload', 'measure', 'RabbitMQ', 'Leveret', 'ratio', 'goal', ''], rows)}`);
console.log(`\n${Object.entries(machine).map(([name, value]) => `${name} ${value}`).join('; ')}`);
console.log(`window ${options.timing.windowSeconds} s after ${options.timing.warmupSeconds} s; ${options.runs} run(s), the median counts`);
if (discarded.length + disturbed.length > 0) {
  console.log(`${disturbed.length} of ${measured.length} measurements were disturbed, ${discarded.length} more were and do not count: ${DISTURBANCE}`);
}
process.exitCode = failures === 0 ? 0 : 1;
