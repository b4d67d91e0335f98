/** The command lines of the load tool. Every option takes a value; a wrong one is refused with a sentence that names it. */
import { parseArgs } from 'node:util';
import type { Timing } from './client/conduct.ts';
import type { Peer } from './peer/peer.ts';
import { namesOf, resized, SCENARIOS, scenariosNamed } from './scenario/catalogue.ts';
import type { Scenario } from './scenario/scenario.ts';

const DEFAULT_WINDOW_SECONDS = 6;
const DEFAULT_WARMUP_SECONDS = 2;
const WRONG_USAGE_STATUS = 2;
const PEER_NAMES: readonly Peer['name'][] = ['rabbitmq', 'leveret'];

export type CompareOptions = {
  readonly scenarios: readonly Scenario[];
  readonly timing: Timing;
  /** How often each broker is started and the whole table run; the median counts. */
  readonly runs: number;
  /** How often a measurement that others disturbed is taken again. */
  readonly retakes: number;
  readonly peers: readonly Peer['name'][];
  /** Leveret's scheduler threads; undefined: its own default. */
  readonly schedulers: number | undefined;
  /** What Leveret waits for before it confirms a persistent message; undefined: its own default. */
  readonly durability: string | undefined;
  /** Where all figures are written as JSON. */
  readonly jsonFile: string | undefined;
};

export type RunOptions = {
  readonly url: string;
  readonly scenarios: readonly Scenario[];
  readonly timing: Timing;
  /** The broker's process, for its processor time and memory. */
  readonly pid: number | undefined;
};

const TIMING_OPTIONS = {
  seconds: { type: 'string', default: String(DEFAULT_WINDOW_SECONDS) },
  warmup: { type: 'string', default: String(DEFAULT_WARMUP_SECONDS) },
} as const;

/** Throws a TypeError or RangeError that says what is wrong. */
export function parseCompareOptions(words: readonly string[]): CompareOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      ...TIMING_OPTIONS,
      only: { type: 'string', default: '' },
      'only-peer': { type: 'string', default: '' },
      runs: { type: 'string', default: '1' },
      retakes: { type: 'string', default: '0' },
      schedulers: { type: 'string' },
      durability: { type: 'string' },
      messages: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const peers = list(values['only-peer']);
  for (const peer of peers) {
    if (!PEER_NAMES.some((name) => name === peer)) throw new RangeError(`no peer is called ${peer}; there are ${PEER_NAMES.join(', ')}`);
  }
  return {
    scenarios: chosen(values.only, values.messages),
    timing: timingOf(values),
    runs: whole('runs', values.runs),
    retakes: values.retakes === '0' ? 0 : whole('retakes', values.retakes),
    peers: PEER_NAMES.filter((name) => peers.length === 0 || peers.includes(name)),
    schedulers: values.schedulers === undefined ? undefined : whole('schedulers', values.schedulers),
    durability: values.durability,
    jsonFile: values.json,
  };
}

/** Throws a TypeError or RangeError that says what is wrong. */
export function parseRunOptions(words: readonly string[]): RunOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      ...TIMING_OPTIONS,
      url: { type: 'string', default: 'amqp://guest:guest@127.0.0.1:5672' },
      scenario: { type: 'string', default: '' },
      messages: { type: 'string' },
      pid: { type: 'string' },
    },
  });
  const scenarios = chosen(values.scenario, values.messages);
  const pid = values.pid === undefined ? undefined : whole('pid', values.pid);
  return {
    url: values.url,
    // What this broker does not allow is left out, unless it was asked for: that fails with a reason.
    scenarios: values.scenario === '' ? scenarios.filter(({ kind }) => isPossible(kind, pid)) : scenarios,
    timing: timingOf(values),
    pid,
  };
}

/** Throws a TypeError or RangeError that says what is wrong. */
export function parseSinkOptions(words: readonly string[]): Pick<CompareOptions, 'scenarios' | 'timing'> {
  const { values } = parseArgs({ args: [...words], options: { ...TIMING_OPTIONS, only: { type: 'string', default: '' } } });
  return { scenarios: scenariosNamed(list(values.only)), timing: timingOf(values) };
}

/** What a command line asks for. A wrong one ends the process with a sentence and the usage, `--help` with the usage alone. */
export function optionsOrExit<T>(parse: (words: readonly string[]) => T, usage: string): T {
  const words = process.argv.slice(2);
  const text = `Usage: ${usage}\n\nWorkloads: ${SCENARIOS.flatMap(namesOf).join(', ')}`;
  if (words.includes('--help')) {
    console.log(text);
    process.exit(0);
  }
  try {
    return parse(words);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${text}`);
    process.exit(WRONG_USAGE_STATUS);
  }
}

/** A broker that is already there is not stopped and started, and its memory is read only where its process is known. */
function isPossible(kind: Scenario['kind'], pid: number | undefined): boolean {
  return kind !== 'restart' && (kind !== 'memory' || pid !== undefined);
}

function chosen(names: string, messages: string | undefined): Scenario[] {
  const scenarios = scenariosNamed(list(names));
  if (messages === undefined) return scenarios;
  const count = whole('messages', messages);
  return scenarios.map((scenario) => resized(scenario, count));
}

function list(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

function timingOf({ seconds, warmup }: { readonly seconds: string; readonly warmup: string }): Timing {
  const windowSeconds = Number(seconds);
  const warmupSeconds = Number(warmup);
  if (!(windowSeconds > 0)) throw new RangeError(`--seconds ${seconds} is not a positive number`);
  if (!(warmupSeconds >= 0)) throw new RangeError(`--warmup ${warmup} is not a number of seconds`);
  return { windowSeconds, warmupSeconds };
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`--${option} ${text} is not a whole number above 0`);
  return value;
}
