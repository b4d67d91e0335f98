/** `leveret bench`, once its command line has been read: brokers are started and ended here, and what was found is written. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { CompareWish, MatrixWish, PerfTestWish } from './command-line.ts';
import { cellsOf } from './matrix/cells.ts';
import type { Probe } from './matrix/probe.ts';
import { runMatrix, type Broker, type MatrixProgress, type Profile } from './matrix/run-matrix.ts';
import { readRunFile, type BenchRun } from './matrix/run-result.ts';
import { terminalReport } from './matrix/terminal-report.ts';
import { benchPage } from './page/page.ts';
import { startLeveret } from './peer/leveret.ts';
import type { Peer } from './peer/peer.ts';
import { rabbitmqMissing, startRabbitmq } from './peer/rabbitmq.ts';
import { runPerfTest } from './perf-test/perf-test-run.ts';

const PAGE_FILE = 'report.html';
const FIGURES_FILE = 'report.json';

export type BenchSurroundings = {
  /** Where tables, lines and JSON go. */
  readonly say: (text: string) => void;
  /** Where it is told what goes on. */
  readonly watch: (progress: MatrixProgress) => void;
  /** One sentence about where the page lies, and the like. */
  readonly note: (sentence: string) => void;
  /** Asks a Leveret by its data directory; undefined: it is not asked. */
  readonly probeOf?: ((dataDir: string) => Probe) | undefined;
  /** Profiles a Leveret for so long, into a folder; answers the page's path. */
  readonly profile?: ((dataDir: string, folder: string, seconds: number) => Promise<string>) | undefined;
  /** The first Ctrl-C: what was found until then is reported. */
  readonly signal: AbortSignal;
  readonly command: string;
};

/** True: everything was measured. Rejects when a broker does not start, or a name or a file is wrong. */
export async function runBench(wish: MatrixWish, around: BenchSurroundings): Promise<boolean> {
  const cells = cellsOf(wish.isQuick, wish.only, wish.times);
  const missing = wish.against === 'rabbitmq' ? rabbitmqMissing() : undefined;
  // Said at once, and not when the first broker has been measured for minutes.
  if (missing !== undefined) throw new Error(missing);
  const runs: BenchRun[] = [];
  const { signal, command } = around;
  let isComplete = true;
  const measure = async (broker: Broker): Promise<void> => {
    // The client is the same for all: one ceiling is enough.
    runs.push(await runMatrix(broker, { cells, isQuick: wish.isQuick, withCeilings: runs.length === 0, command, signal }, around.watch));
  };
  if (wish.url === undefined) {
    await withPeer(() => startLeveret(wish), around, (peer) => measure({ ...brokerOf(peer, `Leveret ${peer.version}`, leveretFacts(wish), around), profile: profileOf(peer, wish, around) }));
  } else await measure({ label: withoutPassword(wish.url), described: { broker: withoutPassword(wish.url) }, target: { url: wish.url } });
  if (wish.against === 'rabbitmq' && !signal.aborted) {
    try {
      await withPeer(startRabbitmq, around, (peer) => measure(brokerOf(peer, `RabbitMQ ${peer.version.split(',')[0]}`, RABBITMQ_FACTS, around)));
    } catch (error) {
      isComplete = false;
      around.note(`RabbitMQ could not be measured: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  report(runs, wish, around);
  return isComplete && !signal.aborted && runs.every(({ cells: results }) => results.every(({ failed }) => failed === undefined));
}

/** Whatever happens, no broker and no folder stays behind. */
async function withPeer(start: () => Promise<Peer>, { signal }: BenchSurroundings, use: (peer: Peer) => Promise<void>): Promise<void> {
  if (signal.aborted) return;
  const peer = await start();
  // An error that reaches nobody ends the process; its broker must not outlive it.
  const endWithError = (error: unknown): void => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    void peer.stop().finally(() => process.exit(1));
  };
  process.once('uncaughtException', endWithError);
  try {
    await use(peer);
  } finally {
    process.off('uncaughtException', endWithError);
    await peer.stop();
  }
}

const RABBITMQ_FACTS = { durability: 'classic queues: a confirm waits for no flush' };

function leveretFacts({ durability = 'flushed', schedulers }: MatrixWish): Readonly<Record<string, string>> {
  const meaning = durability === 'flushed' ? 'the device has the message' : 'the system has the message';
  return { durability: `${durability}: a confirm of a persistent message says that ${meaning}`, schedulers: schedulers === undefined ? 'as many as it chooses' : String(schedulers) };
}

function brokerOf(peer: Peer, label: string, facts: Readonly<Record<string, string>>, { probeOf }: BenchSurroundings): Broker {
  return { label, described: { version: peer.version, ...facts }, target: peer, probe: peer.dataDir === undefined ? undefined : probeOf?.(peer.dataDir) };
}

function profileOf({ dataDir }: Peer, { isProfiled, folder }: MatrixWish, { profile }: BenchSurroundings): Profile | undefined {
  if (!isProfiled || dataDir === undefined || profile === undefined) return undefined;
  return async (cell, seconds) => relative(folder, await profile(dataDir, join(folder, `flame-${cell}`), seconds));
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}

function report(runs: readonly BenchRun[], { folder, asJson }: { readonly folder: string; readonly asJson: boolean }, { say, note }: BenchSurroundings): void {
  mkdirSync(folder, { recursive: true });
  const [page, figures] = [join(folder, PAGE_FILE), join(folder, FIGURES_FILE)];
  writeFileSync(page, benchPage(runs));
  writeFileSync(figures, `${JSON.stringify({ runs })}\n`);
  say(asJson ? `${JSON.stringify({ runs })}\n` : terminalReport(runs));
  note(`${page} shows it, ${figures} holds the figures.`);
}

/** Rejects with a sentence that names the file that cannot be read. */
export function compareRuns(wish: CompareWish, around: BenchSurroundings): Promise<boolean> {
  const runs = wish.files.flatMap((file) => {
    try {
      return readRunFile(readFileSync(file, 'utf8')).map((run) => ({ file, run }));
    } catch (error) {
      throw new Error(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  });
  const isTwice = (label: string): boolean => runs.filter(({ run }) => run.label === label).length > 1;
  report(runs.map(({ file, run }) => (isTwice(run.label) ? { ...run, label: `${run.label} (${file})` } : run)), wish, around);
  return Promise.resolve(true);
}

export async function runLikePerfTest({ options, variables }: PerfTestWish, { say, note, signal }: BenchSurroundings): Promise<boolean> {
  if (variables.length > 0) note(`From the environment: ${variables.join(', ')}.`);
  await runPerfTest(options, (line) => say(`${line}\n`), signal);
  return true;
}
