/** The command line of `leveret bench`: a matrix, a comparison of two files, or one run as PerfTest makes it. */
import type { CellTimes } from './matrix/cells.ts';
import { describeVariables, isMeant, withEnvironment, type Environment } from './perf-test/perf-test-environment.ts';
import { readFlags, type GivenFlags } from './perf-test/perf-test-flags.ts';
import { perfTestOptions, type PerfTestOptions } from './perf-test/perf-test-options.ts';

export type MatrixWish = {
  readonly kind: 'matrix';
  readonly isQuick: boolean;
  readonly only: readonly string[];
  readonly times: CellTimes;
  /** undefined: a Leveret of its own. */
  readonly url: string | undefined;
  readonly against: 'rabbitmq' | undefined;
  readonly schedulers: number | undefined;
  readonly durability: 'flushed' | 'written' | undefined;
  /** Where the page and the figures go. */
  readonly folder: string;
  readonly asJson: boolean;
  /** A flame graph of each load, of a Leveret of its own. */
  readonly isProfiled: boolean;
};

export type CompareWish = { readonly kind: 'compare'; readonly files: readonly string[]; readonly folder: string; readonly asJson: boolean };
/** `variables`: those of the environment that count. */
export type PerfTestWish = { readonly kind: 'perf-test'; readonly options: PerfTestOptions; readonly variables: readonly string[] };
/** A question that text answers. */
export type AnswerWish = { readonly kind: 'answer'; readonly text: string };
export type BenchWish = MatrixWish | CompareWish | PerfTestWish | AnswerWish;

export const DEFAULT_FOLDER = 'leveret-bench';
const SCHEDULERS_MAX = 63;

type OwnOption = { readonly value: string | undefined; readonly values?: number; readonly meaning: string };

/** What PerfTest does not have. `value`: undefined for a switch; `values`: how many, 1 when absent. */
const OWN = {
  quick: { value: undefined, meaning: 'a short matrix, to see that it works' },
  only: { value: 'NAMES', meaning: 'some workloads of the matrix, separated by commas' },
  seconds: { value: 'N', meaning: 'how long each workload is measured (default 5)' },
  warmup: { value: 'N', meaning: 'how long each warms up before (default 2)' },
  url: { value: 'AMQP-URL', meaning: 'a broker that runs already, any that speaks AMQP 0-9-1 (default: a Leveret of its own)' },
  against: { value: 'rabbitmq', meaning: 'the same on Debian\'s rabbitmq-server, and the ratios' },
  compare: { value: 'A.json B.json', values: 2, meaning: 'two runs of before, beside each other; nothing is measured' },
  schedulers: { value: 'N', meaning: 'scheduler threads of the Leveret that is started' },
  durability: { value: 'flushed|written', meaning: 'what its confirms wait for' },
  flame: { value: undefined, meaning: 'a flame graph of each load too; profiling costs some per cent of every figure' },
  out: { value: 'DIR', meaning: `where report.html and report.json go (default ${DEFAULT_FOLDER})` },
  json: { value: undefined, meaning: 'the figures as JSON on standard output, and no table' },
} as const satisfies Readonly<Record<string, OwnOption>>;

type OwnName = keyof typeof OWN;

function isOwn(name: string): name is OwnName {
  return Object.hasOwn(OWN, name);
}

/** `id`: what a single run is called unless it says so itself. `environment`: whose variables may stand for PerfTest's options. */
export function parseCommandLine(argv: readonly string[], id: string, environment: Environment = {}): BenchWish | { readonly problem: string } {
  const own: Partial<Record<OwnName, readonly string[]>> = {};
  let problem: string | undefined;
  const takeOwn = (index: number): number => {
    const [name = '', ...rest] = (argv[index] ?? '').replace(/^--/, '').split('=');
    if (!(argv[index] ?? '').startsWith('--') || !isOwn(name)) return 0;
    const option: OwnOption = OWN[name];
    const wanted = option.value === undefined ? 0 : (option.values ?? 1);
    const attached = rest.length > 0 ? [rest.join('=')] : [];
    const values = attached.length > 0 ? attached : argv.slice(index + 1, index + 1 + wanted);
    if (values.length !== wanted || values.some((value) => value === '' || value.startsWith('--'))) problem ??= `--${name} ${wanted === 0 ? 'takes no value' : `needs ${option.value}`}.`;
    own[name] = values;
    return 1 + (attached.length > 0 ? 0 : values.length);
  };
  const read = readFlags(argv, takeOwn);
  if ('problem' in read) return read;
  if (problem !== undefined) return { problem };
  const [folder = DEFAULT_FOLDER] = own.out ?? [];
  const asJson = own.json !== undefined;
  const names = Object.keys(own);
  const alone = (kind: string, allowed: readonly string[]): { readonly problem: string } | undefined => {
    const other = names.find((name) => !allowed.includes(name));
    return other === undefined ? undefined : { problem: `--${other} and ${kind} do not go together.` };
  };
  if (read.given.environment !== undefined) return { kind: 'answer', text: describeVariables(environment) };
  if (Object.keys(read.given).length > 0 || (names.length === 0 && isMeant(environment))) {
    return alone("PerfTest's options", ['url']) ?? perfTest(own.url === undefined ? read.given : { uri: own.url, ...read.given }, id, environment);
  }
  if (own.compare !== undefined) {
    const clash = alone('--compare', ['compare', 'out', 'json']);
    return clash ?? { kind: 'compare', files: own.compare, folder, asJson };
  }
  return matrix(own, folder, asJson);
}

function perfTest(onLine: GivenFlags, id: string, environment: Environment): PerfTestWish | { readonly problem: string } {
  const all = withEnvironment(onLine, environment);
  if ('problem' in all) return all;
  const result = perfTestOptions(all.given, id);
  if ('problem' in result) return result;
  const wrong = result.options.urls.map(checkedUrl).find((problem) => problem !== undefined);
  return wrong ?? { kind: 'perf-test', options: result.options, variables: all.variables };
}

function matrix(own: Partial<Record<OwnName, readonly string[]>>, folder: string, asJson: boolean): MatrixWish | { readonly problem: string } {
  const text = (name: OwnName): string | undefined => own[name]?.[0];
  const against = text('against');
  const durability = text('durability');
  const schedulers = text('schedulers');
  const windowSeconds = text('seconds') === undefined ? undefined : Number(text('seconds'));
  const warmupSeconds = text('warmup') === undefined ? undefined : Number(text('warmup'));
  if (against !== undefined && against !== 'rabbitmq') return { problem: `--against cannot be "${against}": give rabbitmq.` };
  if (durability !== undefined && durability !== 'flushed' && durability !== 'written') return { problem: `--durability cannot be "${durability}": give flushed or written.` };
  if (schedulers !== undefined && !(Number.isInteger(Number(schedulers)) && Number(schedulers) >= 1 && Number(schedulers) <= SCHEDULERS_MAX)) {
    return { problem: `--schedulers cannot be "${schedulers}": give a whole number from 1 to ${SCHEDULERS_MAX}.` };
  }
  if (windowSeconds !== undefined && !(windowSeconds > 0)) return { problem: `--seconds cannot be "${text('seconds')}": give a number above 0.` };
  if (warmupSeconds !== undefined && !(warmupSeconds >= 0)) return { problem: `--warmup cannot be "${text('warmup')}": give a number of seconds.` };
  const url = text('url');
  const isProfiled = own.flame !== undefined;
  if (url !== undefined && (schedulers !== undefined || durability !== undefined || isProfiled)) {
    return { problem: '--schedulers, --durability and --flame are for a Leveret of its own, and --url is another.' };
  }
  return (
    (url === undefined ? undefined : checkedUrl(url)) ?? {
      kind: 'matrix',
      isQuick: own.quick !== undefined,
      only: (text('only') ?? '').split(',').filter((name) => name !== ''),
      times: { windowSeconds, warmupSeconds },
      url,
      against,
      schedulers: schedulers === undefined ? undefined : Number(schedulers),
      durability,
      folder,
      asJson,
      isProfiled,
    }
  );
}

/** undefined: nothing is wrong with it. */
function checkedUrl(url: string): { readonly problem: string } | undefined {
  return /^amqp:\/\/\S*$/i.test(url) && URL.canParse(url.replace(/^amqp:/i, 'amqp:')) ? undefined : { problem: `"${url}" is no address: give amqp://user:password@host:port/vhost (there is no TLS).` };
}

/** The help text's block of the options that PerfTest does not have. */
export function describeOwnOptions(): string {
  return Object.entries<OwnOption>(OWN)
    .map(([name, { value, meaning }]) => `  ${`--${name}${value === undefined ? '' : ` ${value}`}`.padEnd(34)} ${meaning}`)
    .join('\n');
}
