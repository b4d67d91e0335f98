/**
 * Chaos: verified traffic through a broker to which things happen, and the judgement on what came of every message.
 *
 *   const report = await runChaos({ seed: 42, crashes: 100, kills: 10, threads: 5, durationMs: 20_000 });
 *   if (!report.passed) throw new Error(formatReport(report));
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { AmqpLink } from './amqp-link.ts';
import { hasPassed } from './chaos-report.ts';
import type { ChaosReport } from './chaos-report.ts';
import { FaultDrivers } from './fault-drivers.ts';
import { planFaults } from './fault-plan.ts';
import { LeveretBroker } from './leveret-broker.ts';
import type { FaultyBroker, ManagedBroker } from './managed-broker.ts';
import { MessageLedger } from './message-ledger.ts';
import { RecoveryTimes } from './recovery-times.ts';
import { SeededRandom } from './seeded-random.ts';
import type { Stage } from './stage.ts';
import { pause } from './stage.ts';
import type { Durability } from '../../src/main/store-thread.ts';
import { Traffic } from './traffic.ts';

export type ChaosOptions = {
  readonly seed: number;
  /** Crashes of actors. Default 0. */
  readonly crashes?: number;
  /** kill -9 of the whole process. Default 0. */
  readonly kills?: number;
  /** Losses of the store's thread, at which the process has to end by itself and is started again. Default 0. */
  readonly storeLosses?: number;
  /** Scheduler threads that end, some because their heap is full; a quarter as many are stalled. Default 0. */
  readonly threads?: number;
  /** Traffic runs at least so long; what of the plan is not done then is still carried out. */
  readonly durationMs: number;
  /** A broker that is running, and that nobody but its owner hurts: no faults then. */
  readonly url?: string;
  /** A broker to start and kill. Without it and without `url`: Leveret in a child process. */
  readonly broker?: ManagedBroker;
  /** Of the Leveret that is started. Default 2. */
  readonly schedulers?: number;
  /** Of the Leveret that is started; it is kept. Default: a temporary directory. */
  readonly dataDir?: string;
  /** What a confirm of the Leveret that is started waits for. Default `flushed`. */
  readonly durability?: Durability;
  /** Default 4 each, and 6 consumers: two queues are shared by two, two are read by one alone. */
  readonly publishers?: number;
  readonly consumers?: number;
  readonly queues?: number;
  /** Ends the faults early; queues are drained and judged all the same. */
  readonly signal?: AbortSignal;
  /** Called several times a second. */
  readonly watch?: (progress: ChaosProgress) => void;
};

export type ChaosProgress = {
  readonly phase: 'traffic' | 'draining';
  readonly elapsedMs: number;
  readonly crashes: number;
  readonly threadsLost: number;
  readonly kills: number;
  readonly acknowledged: number;
  /** Confirmed messages that should long have come. */
  readonly missing: number;
  readonly recovery: RecoveryTimes;
};

const DEFAULTS = { crashes: 0, kills: 0, storeLosses: 0, threads: 0, schedulers: 2, publishers: 4, consumers: 6, queues: 4 };
const WATCH_MS = 250;
/** Messages that have not come so long after their channel ended count as missing so far. */
const MISSING_MS = 5_000;
const STEP_MS = 20;

/** Rejects with one sentence when there is no broker to begin with. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  if (options.url !== undefined) return await new ChaosRun(options, undefined, undefined).run();
  const hurtful = (options.crashes ?? 0) + (options.threads ?? 0) + (options.storeLosses ?? 0) > 0;
  if (options.broker !== undefined && hurtful) throw new Error('actors and threads can be hurt in a Leveret that the run has started itself');
  const leveret = options.broker === undefined ? await LeveretBroker.create(options.schedulers ?? DEFAULTS.schedulers, options.dataDir, options.durability) : undefined;
  return await new ChaosRun(options, options.broker ?? leveret, leveret).run();
}

/** The same on a broker that may be hurt, and is its owner's to start and to close. */
export async function runChaosOn(broker: FaultyBroker, options: ChaosOptions): Promise<ChaosReport> {
  return await new ChaosRun(options, broker, broker).run();
}

class ChaosRun {
  readonly #options: ChaosOptions;
  readonly #broker: ManagedBroker | undefined;
  /** The broker, if it can be hurt inside. */
  readonly #leveret: FaultyBroker | undefined;
  readonly #ledger = new MessageLedger();
  readonly #afterStart = new RecoveryTimes();
  readonly #afterLoss = new RecoveryTimes();
  readonly #problems: string[] = [];
  readonly #drivers: FaultDrivers;
  readonly #random: SeededRandom;
  #beganAtMs = 0;
  /** When the process was started that has not confirmed anything yet. */
  #startedAtMs: number | undefined = undefined;
  #healing = false;
  #deaths = 0;
  #phase: ChaosProgress['phase'] = 'traffic';

  constructor(options: ChaosOptions, broker: ManagedBroker | undefined, leveret: FaultyBroker | undefined) {
    this.#options = options;
    this.#broker = broker;
    this.#leveret = leveret;
    this.#random = new SeededRandom(options.seed);
    this.#drivers = new FaultDrivers({
      aborted: () => options.signal?.aborted === true,
      starts: () => (this.#startedAtMs = performance.now()),
      serves: () => broker?.url !== undefined && this.#startedAtMs === undefined,
    });
  }

  async run(): Promise<ChaosReport> {
    const startedAt = new Date().toISOString();
    const watcher = setInterval(() => this.#tell(), WATCH_MS);
    try {
      const firstStartMs = (await this.#broker?.start()) ?? 0;
      const name = await this.#probe();
      this.#beganAtMs = performance.now();
      const left = await this.#play(firstStartMs);
      const durationMs = Math.round(performance.now() - this.#beganAtMs);
      await this.#broker?.close();
      return await this.#report(startedAt, name, durationMs, left);
    } finally {
      clearInterval(watcher);
      await this.#broker?.close();
    }
  }

  /** Traffic, faults, and the draining. */
  async #play(firstStartMs: number): Promise<number> {
    const { publishers, consumers, queues, durationMs, signal } = { ...DEFAULTS, ...this.#options };
    const run = process.pid.toString(36) + Date.now().toString(36);
    const names = Array.from({ length: queues }, (_, index) => `chaos.${run}.${index}`);
    const traffic = new Traffic({ publishers, consumers, queues: names }, this.#stage(), this.#random.branch());
    const healer = setInterval(() => void this.#heal(), STEP_MS);
    traffic.start();
    try {
      await this.#misfortune(firstStartMs);
    } catch (error) {
      this.#problems.push(error instanceof Error ? error.message : String(error));
    }
    while (this.#nowMs() < durationMs && signal?.aborted !== true) await pause(STEP_MS);
    await traffic.stop();
    this.#phase = 'draining';
    const left = await traffic.drain();
    clearInterval(healer);
    return left;
  }

  async #misfortune(firstStartMs: number): Promise<void> {
    const { seed, crashes, kills, storeLosses, threads, schedulers, durationMs } = { ...DEFAULTS, ...this.#options };
    const plan = planFaults(seed, { crashes, kills, storeLosses, threads, schedulers, durationMs });
    const deeds: Promise<void>[] = [];
    if (this.#leveret !== undefined) deeds.push(this.#drivers.hurt(this.#leveret, plan));
    if (this.#broker !== undefined) deeds.push(this.#drivers.kill(this.#broker, plan.kills, firstStartMs));
    await Promise.all(deeds);
  }

  /** A broker that ended by itself has failed; it is started again, so that what it kept can be judged. */
  async #heal(): Promise<void> {
    const broker = this.#broker;
    if (broker === undefined || this.#healing) return;
    if (broker.deaths <= this.#deaths) return;
    this.#deaths = broker.deaths;
    this.#healing = true;
    await broker.start().catch((error: unknown) => this.#problems.push(String(error)));
    this.#healing = false;
  }

  #stage(): Stage {
    return {
      ledger: this.#ledger,
      url: () => this.#url(),
      brokerStart: () => this.#broker?.starts ?? 0,
      nowMs: () => this.#nowMs(),
      recovered: (ms) => this.#afterLoss.add(ms),
      confirmed: () => this.#confirmed(),
      problem: (text) => this.#problems.push(text),
    };
  }

  #url(): string | undefined {
    return this.#broker === undefined ? this.#options.url : this.#broker.url;
  }

  #nowMs(): number {
    return performance.now() - this.#beganAtMs;
  }

  /** The first confirm after a start says that the broker is back. */
  #confirmed(): void {
    // An answer of the process before may come late.
    if (this.#startedAtMs === undefined || this.#broker?.url === undefined) return;
    this.#afterStart.add(performance.now() - this.#startedAtMs);
    this.#startedAtMs = undefined;
  }

  async #probe(): Promise<string> {
    const url = this.#url();
    if (url === undefined) throw new Error('the broker does not start');
    const link = await AmqpLink.open(url, {}).catch((error: unknown) => {
      throw new Error(`${new URL(url).host} does not let us in: ${error instanceof Error ? error.message : String(error)}`);
    });
    await link.close();
    return this.#broker?.name ?? `${new URL(url).host}`;
  }

  #tell(): void {
    if (this.#beganAtMs === 0) return;
    const { kills } = this.#drivers.tally;
    this.#options.watch?.({
      phase: this.#phase,
      elapsedMs: this.#nowMs(),
      crashes: this.#leveret?.crashes ?? 0,
      threadsLost: this.#leveret?.threadsLost ?? 0,
      kills: kills.running + kills.recovering + kills.stopping,
      acknowledged: this.#ledger.acknowledged,
      missing: this.#ledger.overdue(this.#nowMs(), MISSING_MS),
      recovery: this.#afterStart.summary() === undefined ? this.#afterLoss : this.#afterStart,
    });
  }

  async #report(startedAt: string, broker: string, durationMs: number, left: number): Promise<ChaosReport> {
    const verdict = this.#ledger.verdict();
    const problems = [...this.#problems, ...(this.#broker?.problems ?? [])];
    const commit = await currentCommit();
    const afterStart = this.#afterStart.summary();
    const afterLoss = this.#afterLoss.summary();
    const crashes = Object.fromEntries(this.#leveret?.crashesByGroup ?? []);
    return {
      passed: hasPassed(verdict, left, problems),
      seed: this.#options.seed,
      broker,
      ...(commit === undefined ? {} : { commit }),
      node: process.version,
      startedAt,
      durationMs,
      verdict,
      left,
      faults: { ...this.#drivers.tally, crashes, threadsLost: this.#leveret?.threadsLost ?? 0 },
      recovery: { ...(afterStart === undefined ? {} : { afterStart }), ...(afterLoss === undefined ? {} : { afterLoss }) },
      examples: this.#ledger.examples,
      problems,
    };
  }
}

async function currentCommit(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('git', ['-C', import.meta.dirname, 'rev-parse', '--short', 'HEAD']);
    return stdout.trim();
  } catch {
    return undefined;
  }
}
