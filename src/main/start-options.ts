/** The options of `leveret start` and how they become a node's configuration. */
import { isIP } from 'node:net';
import { CONSUMER_TIMEOUT_MS } from '../../actors/connection/delivery-watch.ts';
import { SCHEDULERS_MAX } from '../../actors/supervision-tree.ts';
import { LOG_LEVELS } from './log.ts';
import { memoryLimitBytes, parseMemoryWatermark } from './memory-watermark.ts';
import {
  DEFAULT_CHANNEL_MAX,
  DEFAULT_DATA_DIR,
  DEFAULT_DISK_FREE_LIMIT_BYTES,
  DEFAULT_DURABILITY,
  DEFAULT_FRAME_MAX,
  DEFAULT_HEARTBEAT_SECONDS,
  DEFAULT_HOST,
  DEFAULT_LOG_LEVEL,
  DEFAULT_MEMORY_HIGH_WATERMARK,
  DEFAULT_PASSWORD,
  DEFAULT_PORT,
  DEFAULT_SCHEDULERS_MAX,
  DEFAULT_USER,
  DEFAULT_VHOST,
  defaultNodeConfig,
} from './node-defaults.ts';
import type { NodeConfig } from './node.ts';
import type { LogLevel } from './log.ts';
import type { Durability } from './store-thread.ts';
import type { GivenValues, Option } from './option.ts';

/** AMQP's smallest frame_max (section 4.2.3), and the largest that keeps a frame's size in 32 bits with room to spare. */
const FRAME_MAX_LEAST = 4_096;
const FRAME_MAX_MOST = 2_147_483_647;
/** One octet of length before names (shortstr). */
const SHORTSTR_SIZE_MAX = 255;

export const START_OPTIONS = {
  host: option('host', ['LEVERET_HOST'], 'ADDRESS', 'address to listen on; 0.0.0.0 or :: for all', DEFAULT_HOST),
  port: option('port', ['LEVERET_PORT'], 'PORT', 'port for AMQP; 0 takes a free one and says which', String(DEFAULT_PORT)),
  dataDir: option('data-dir', ['LEVERET_DATA_DIR'], 'PATH', 'directory of what must survive; made when missing', DEFAULT_DATA_DIR),
  schedulers: option('schedulers', ['LEVERET_SCHEDULERS'], 'N', `threads that run connections and queues, 1 to ${SCHEDULERS_MAX}`, `one per core but one, at most ${DEFAULT_SCHEDULERS_MAX}`),
  logLevel: option('log-level', ['LEVERET_LOG_LEVEL'], 'LEVEL', LOG_LEVELS.join(', '), DEFAULT_LOG_LEVEL),
  memoryHighWatermark: option(
    'memory-high-watermark',
    ['LEVERET_MEMORY_HIGH_WATERMARK'],
    'SHARE|SIZE',
    'publishers wait above it: a share of the memory (0.4) or a size (512MB, 2GiB)',
    DEFAULT_MEMORY_HIGH_WATERMARK,
  ),
  durability: option(
    'durability',
    ['LEVERET_DURABILITY'],
    'MODE',
    'what a confirm waits for: flushed (the device has the message) or written (the system has it; a power cut may lose it)',
    DEFAULT_DURABILITY,
  ),
  diskFreeLimit: option(
    'disk-free-limit',
    ['LEVERET_DISK_FREE_LIMIT'],
    'SIZE',
    'publishers wait while less is free where the data lies (50MB, 2GiB)',
    `${DEFAULT_DISK_FREE_LIMIT_BYTES / 1_000_000}MB`,
  ),
  heartbeat: option('heartbeat', ['LEVERET_HEARTBEAT'], 'SECONDS', 'heartbeat proposed to clients; 0 for none', String(DEFAULT_HEARTBEAT_SECONDS)),
  frameMax: option('frame-max', ['LEVERET_FRAME_MAX'], 'BYTES', 'largest frame proposed to clients', String(DEFAULT_FRAME_MAX)),
  channelMax: option('channel-max', ['LEVERET_CHANNEL_MAX'], 'N', 'most channels of a connection, 1 to 65535', String(DEFAULT_CHANNEL_MAX)),
  consumerTimeout: option(
    'consumer-timeout',
    ['LEVERET_CONSUMER_TIMEOUT'],
    'MS',
    'how long a client may keep a delivery unsettled before its channel is closed; 0 for ever',
    String(CONSUMER_TIMEOUT_MS),
  ),
  defaultUser: option('default-user', ['LEVERET_DEFAULT_USER', 'RABBITMQ_DEFAULT_USER'], 'NAME', 'user made in a new data directory', DEFAULT_USER),
  /** No flag: arguments of a process can be read by every user of the machine. */
  defaultPassword: {
    environment: ['LEVERET_DEFAULT_PASS', 'RABBITMQ_DEFAULT_PASS'],
    value: 'PASSWORD',
    meaning: 'password of that user',
    fallback: DEFAULT_PASSWORD,
  },
  defaultVhost: option('default-vhost', ['LEVERET_DEFAULT_VHOST', 'RABBITMQ_DEFAULT_VHOST'], 'NAME', 'virtual host made in a new data directory', DEFAULT_VHOST),
} as const satisfies Readonly<Record<string, Option>>;

export type StartOptionKey = keyof typeof START_OPTIONS;

export type Configured = { readonly config: NodeConfig & { logLevel: LogLevel } } | { readonly problem: string };

/** What a text means, or what to give instead. */
type Reading<Value> = { readonly value: Value } | { readonly hint: string };
type Reader<Value> = (text: string) => Reading<Value>;

/** Texts to a configuration, or one sentence about the first value that cannot be. `usableBytes`: memory this process may use. */
export function configureNode(given: GivenValues<StartOptionKey>, usableBytes: number): Configured {
  const defaults = defaultNodeConfig(usableBytes);
  const problems: string[] = [];
  const read = <Value>(key: StartOptionKey, fallback: Value, reader: Reader<Value>): Value => {
    const text = given[key]?.text;
    if (text === undefined) return fallback;
    const reading = reader(text);
    if ('value' in reading) return reading.value;
    problems.push(`${given[key]?.from} cannot be "${text}": give ${reading.hint}.`);
    return fallback;
  };
  const config = {
    host: read('host', DEFAULT_HOST, readHost),
    port: read('port', defaults.port, wholeNumber(0, 65_535)),
    dataDir: read('dataDir', defaults.dataDir, (text) => ({ value: text })),
    schedulers: read('schedulers', defaults.schedulers, wholeNumber(1, SCHEDULERS_MAX)),
    logLevel: read('logLevel', DEFAULT_LOG_LEVEL, readLogLevel),
    memoryLimitBytes: read('memoryHighWatermark', defaults.memoryLimitBytes, (text) => readWatermark(text, usableBytes)),
    durability: read('durability', defaults.durability, readDurability),
    diskFreeLimitBytes: read('diskFreeLimit', defaults.diskFreeLimitBytes, readSize),
    users: [
      {
        name: read('defaultUser', DEFAULT_USER, readName),
        password: given.defaultPassword?.text ?? DEFAULT_PASSWORD,
        tags: ['administrator'],
      },
    ],
    vhost: read('defaultVhost', DEFAULT_VHOST, readName),
    heartbeatSeconds: read('heartbeat', defaults.heartbeatSeconds, wholeNumber(0, 65_535)),
    frameMax: read('frameMax', defaults.frameMax, wholeNumber(FRAME_MAX_LEAST, FRAME_MAX_MOST)),
    channelMax: read('channelMax', defaults.channelMax, wholeNumber(1, 65_535)),
    consumerTimeoutMs: read('consumerTimeout', defaults.consumerTimeoutMs, wholeNumber(0, 4_294_967_295)),
  };
  const [problem] = problems;
  return problem === undefined ? { config } : { problem };
}

function wholeNumber(least: number, most: number): Reader<number> {
  return (text) => {
    const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? { value } : { hint: `a whole number from ${least} to ${most}` };
  };
}

function readHost(text: string): Reading<string> {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(bare)) return { value: bare };
  return { hint: 'an IP address or a host name, without a port' };
}

function readLogLevel(text: string): Reading<LogLevel> {
  const level = LOG_LEVELS.find((known) => known === text);
  return level === undefined ? { hint: `one of ${LOG_LEVELS.join(', ')}` } : { value: level };
}

function readWatermark(text: string, usableBytes: number): Reading<number> {
  const watermark = parseMemoryWatermark(text);
  if (watermark === undefined) return { hint: 'a share such as 0.4 or a size such as 512MB or 2GiB' };
  return { value: memoryLimitBytes(watermark, usableBytes) };
}

function readSize(text: string): Reading<number> {
  const watermark = parseMemoryWatermark(text);
  return watermark !== undefined && 'absoluteBytes' in watermark ? { value: watermark.absoluteBytes } : { hint: 'a size such as 50MB or 2GiB' };
}

function readDurability(text: string): Reading<Durability> {
  return text === 'flushed' || text === 'written' ? { value: text } : { hint: 'flushed or written' };
}

function readName(text: string): Reading<string> {
  return Buffer.byteLength(text) <= SHORTSTR_SIZE_MAX ? { value: text } : { hint: `at most ${SHORTSTR_SIZE_MAX} bytes` };
}

function option(flag: string, environment: readonly string[], value: string, meaning: string, fallback: string): Option {
  return { flag, environment, value, meaning, fallback };
}
