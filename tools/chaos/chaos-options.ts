/** The options of `leveret chaos`. */
import type { GivenValues, Option } from '../../src/main/option.ts';
import { SCHEDULERS_MAX } from '../../actors/supervision-tree.ts';
import type { ChaosOptions } from './run-chaos.ts';

const option = (flag: string, value: string, meaning: string, fallback: string): Option => ({ flag, environment: [`LEVERET_CHAOS_${flag.toUpperCase().replaceAll('-', '_')}`], value, meaning, fallback });

export const CHAOS_OPTIONS = {
  url: option('url', 'AMQP-URL', 'a running broker, any that speaks AMQP 0-9-1; only with --faults none', 'a Leveret of its own, in a child process'),
  faults: option('faults', 'all|none', 'none: traffic and judgement alone, while somebody else does harm', 'all'),
  seed: option('seed', 'N', 'the same seed makes the same plan', 'drawn and printed'),
  crashes: option('crashes', 'N', 'crashes of actors: queues, connections, the store, the topology and those between them', '100'),
  kill9: option('kill9', 'N', 'kill -9 of the broker: serving, recovering (20 %), closing (20 %)', '5'),
  threads: option('threads', 'N', 'scheduler threads that end, some with a full heap; a quarter as many are stalled', '4'),
  store: option('store', 'N', 'ends of the store\'s thread, at which the node has to end by itself', '1'),
  duration: option('duration', 'TIME', 'traffic runs at least so long: 500ms, 60s, 10m', '20s'),
  schedulers: option('schedulers', 'N', `scheduler threads of the broker, 1 to ${SCHEDULERS_MAX}`, '2'),
  dataDir: option('data-dir', 'PATH', 'data directory of the broker, which is kept; never that of a broker whose messages matter', 'a temporary one'),
  durability: option('durability', 'flushed|written', 'what a confirm of the broker waits for: the device, or the system', 'flushed'),
  publishers: option('publishers', 'N', 'publishers with confirms', '4'),
  consumers: option('consumers', 'N', 'consumers with acknowledgements', '6'),
  queues: option('queues', 'N', 'durable queues', '4'),
  json: option('json', 'FILE', 'writes the report there, as JSON; - for standard output', 'none'),
} as const satisfies Readonly<Record<string, Option>>;

export type ChaosOptionKey = keyof typeof CHAOS_OPTIONS;
export type ConfiguredChaos = { readonly options: ChaosOptions & { readonly crashes: number; readonly kills: number; readonly storeLosses: number; readonly threads: number }; readonly json: string | undefined } | { readonly problem: string };

const COUNT_MAX = 1_000_000;
/** The control socket takes seeds of 31 bits, and the plan draws from one of the same size. */
const SEED_MAX = 0x7fff_ffff;
const CLIENTS_MAX = 500;
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `drawnSeed` is taken when none is given. */
export function configureChaos(given: GivenValues<ChaosOptionKey>, drawnSeed: number): ConfiguredChaos {
  const problems: string[] = [];
  const whole = (key: ChaosOptionKey, fallback: number, least: number, most: number): number => {
    const text = given[key]?.text;
    if (text === undefined) return fallback;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    problems.push(`${given[key]?.from} cannot be "${text}": give a whole number from ${least} to ${most}.`);
    return fallback;
  };
  const faults = given.faults?.text ?? 'all';
  if (faults !== 'all' && faults !== 'none') problems.push(`${given.faults?.from} cannot be "${faults}": give all or none.`);
  const hurts = faults === 'all';
  const url = given.url?.text;
  if (url !== undefined && !isAmqpUrl(url)) problems.push(`${given.url?.from} cannot be "${url}": give amqp://user:password@host:port/vhost.`);
  if (url !== undefined && hurts) problems.push('a broker that runs already cannot be hurt: add --faults none, or leave out --url.');
  const durability = given.durability?.text ?? 'flushed';
  if (durability !== 'flushed' && durability !== 'written') problems.push(`${given.durability?.from} cannot be "${durability}": give flushed or written.`);
  const options = {
    durability: durability === 'written' ? ('written' as const) : ('flushed' as const),
    seed: whole('seed', drawnSeed, 0, SEED_MAX),
    crashes: hurts ? whole('crashes', 100, 0, COUNT_MAX) : 0,
    kills: hurts ? whole('kill9', 5, 0, COUNT_MAX) : 0,
    storeLosses: hurts ? whole('store', 1, 0, COUNT_MAX) : 0,
    threads: hurts ? whole('threads', 4, 0, COUNT_MAX) : 0,
    durationMs: readDuration(given.duration, problems),
    schedulers: whole('schedulers', 2, 1, SCHEDULERS_MAX),
    publishers: whole('publishers', 4, 1, CLIENTS_MAX),
    consumers: whole('consumers', 6, 1, CLIENTS_MAX),
    queues: whole('queues', 4, 1, CLIENTS_MAX),
    ...(url === undefined ? {} : { url }),
    ...(given.dataDir === undefined ? {} : { dataDir: given.dataDir.text }),
  };
  if (options.consumers < options.queues) problems.push('every queue needs a consumer: give at least as many --consumers as --queues.');
  const [problem] = problems;
  return problem === undefined ? { options, json: given.json?.text } : { problem };
}

function readDuration(given: GivenValues<ChaosOptionKey>['duration'], problems: string[]): number {
  const [, number, unit] = DURATION.exec(given?.text ?? '20s') ?? [];
  if (number !== undefined && unit !== undefined && unit in UNIT_MS) return Number(number) * UNIT_MS[unit as keyof typeof UNIT_MS];
  problems.push(`${given?.from} cannot be "${given?.text}": give a time such as 500ms, 60s or 10m.`);
  return 0;
}

function isAmqpUrl(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === 'amqp:' && new URL(text).hostname !== '';
}
