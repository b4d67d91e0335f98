/** What `leveret bench` does with its command line and its terminal. */
import { EXIT_FAILURE, EXIT_USAGE, complain } from '../../src/main/command/command.ts';
import { describeOwnOptions, parseCommandLine, type BenchWish } from '../../bench/command-line.ts';
import { compareRuns, runBench, runLikePerfTest, type BenchSurroundings } from '../../bench/leveret-bench.ts';
import { progressLine } from '../../bench/matrix/progress-line.ts';
import { describeFlags, describeRefused } from '../../bench/perf-test/perf-test-flags.ts';
import { runId } from '../../bench/perf-test/perf-test-lines.ts';
import { drawRecording } from '../flame/draw.ts';
import { probeNode } from './probe-node.ts';

const EXIT_INTERRUPTED = 130;
/** Seldom enough to leave the figures worth reading. */
const PROFILE_EACH_US = 1_000;
const DEFAULT_COLUMNS = 120;

export const BENCH_HELP = `leveret bench [options]

Starts a broker of its own and measures it: four sizes of messages, three ways of settling, many clients, fan-out, a backlog, latency
at fixed rates. Then a table, and a page with charts and all figures. With any of PerfTest's options it is one run as PerfTest makes it,
on the broker of -h (amqp://localhost), with PerfTest's lines.

  leveret bench --quick
  leveret bench --against rabbitmq --only auto-100b,latency
  leveret bench --url amqp://guest:guest@host:5672
  leveret bench --compare before/report.json after/report.json
  leveret bench -h amqp://host -x 2 -y 4 -u orders -s 1000 -f persistent -c 100 -q 50 -z 30

  Exit codes: 0 it was measured; 1 something failed; 2 the command line was wrong; 130 interrupted (what was found is reported).

${describeOwnOptions()}

PerfTest's options, short or long:

${describeFlags()}

Each may be an environment variable instead: the long name in capitals, with underscores, behind RABBITMQ_PERF_TEST_ENV_PREFIX if that is
set; a variable is stronger than the command line (-env lists them). Those of PerfTest's options that cannot be carried out:

${describeRefused()}`;

/** Answers the exit code. */
export async function runBenchCommand(argv: readonly string[]): Promise<number> {
  const wish = parseCommandLine(argv, runId(new Date()), process.env);
  if ('problem' in wish) {
    complain(`${wish.problem} See leveret bench --help.`);
    return EXIT_USAGE;
  }
  const line = new ProgressLine();
  const { signal, release } = abortOnSignal();
  const around: BenchSurroundings = {
    say: (text) => {
      line.clear();
      process.stdout.write(text);
    },
    note: (sentence) => process.stderr.write(`${sentence}\n`),
    watch: (progress) => line.show(progressLine(progress, process.stderr.columns ?? DEFAULT_COLUMNS)),
    probeOf: probeNode,
    profile: async (dataDir, folder, seconds) => (await drawRecording({ dataDir, folder, seconds, intervalUs: PROFILE_EACH_US }, signal)).page,
    signal,
    command: `leveret bench ${argv.map(quoted).join(' ')}`.trim(),
  };
  try {
    const isComplete = await carryOut(wish, around);
    return isComplete ? 0 : signal.aborted ? EXIT_INTERRUPTED : EXIT_FAILURE;
  } catch (error) {
    line.clear();
    complain(explained(error));
    return EXIT_FAILURE;
  } finally {
    line.clear();
    release();
  }
}

function carryOut(wish: BenchWish, around: BenchSurroundings): Promise<boolean> {
  switch (wish.kind) {
    case 'matrix':
      return runBench(wish, around);
    case 'compare':
      return compareRuns(wish, around);
    case 'perf-test':
      return runLikePerfTest(wish, around);
    case 'answer':
      around.say(`${wish.text}\n`);
      return Promise.resolve(true);
  }
}

function explained(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return /ECONNREFUSED/.test(text) || text === '' ? `nobody listens there (${text || 'connection refused'}): start a broker, or say where one is with -h amqp://host:port.` : text;
}

/** As a shell would need it; addresses without their passwords. */
function quoted(word: string): string {
  const open = word.replace(/(amqp:\/\/[^:@/]*):[^@/]*@/i, '$1:***@');
  return /^[\w@%+=:,./*-]+$/.test(open) ? open : `'${open.replaceAll("'", "'\\''")}'`;
}

/** One line of a terminal, written over and over; nothing where there is none. */
class ProgressLine {
  #isShown = false;

  show(text: string): void {
    if (!process.stderr.isTTY) return;
    this.#isShown = true;
    process.stderr.write(`\r\u001b[K${text}`);
  }

  clear(): void {
    if (!this.#isShown) return;
    this.#isShown = false;
    process.stderr.write('\r\u001b[K');
  }
}

/** The first Ctrl-C ends the measurement in order; a second one ends the process. */
function abortOnSignal(): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, abort);
  return { signal: controller.signal, release: () => signals.forEach((signal) => process.off(signal, abort)) };
}
