/**
 * Leveret as a library: a whole broker inside your process, for tests and tools.
 *
 *   import { createBroker } from 'leveret';
 *
 *   const broker = await createBroker();
 *   const connection = await amqplib.connect(broker.url);
 *   ...
 *   await broker.close();
 */
import { rm, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNode } from './compose.ts';
import { startHeldNode } from './held-node.ts';
import { embed } from './embedded-node.ts';
import { createWatchedLog } from './log.ts';
import { defaultNodeConfig } from './node-defaults.ts';
import type { NodeConfig } from './node.ts';
import type { LogLevel } from './log.ts';

/** All may be left out. Any number of brokers run side by side, each on a port and a directory of its own. */
export type BrokerOptions = {
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: the system chooses a free one, and `broker.port` says which. */
  readonly port?: number;
  /** Where messages are kept. Default: a new temporary directory, removed by `close()`. A directory given here is kept. */
  readonly dataDir?: string;
  /** Threads that run connections and queues. Default 1: tests want many small brokers rather than one wide one. */
  readonly schedulers?: number;
  /** Default `'silent'`. */
  readonly logLevel?: LogLevel;
  /**
   * Publishers wait above it, bytes. Default 512 MiB, or 40 % of the memory that this process may use when that is less. What
   * is reserved counts when the process starts a child, so a host of many brokers should not ask for much more.
   */
  readonly memoryLimitBytes?: number;
  /** Default: `guest` with password `guest`, an administrator. */
  readonly users?: readonly { readonly name: string; readonly password: string; readonly tags: readonly string[] }[];
  /** Default `/`. */
  readonly vhost?: string;
  /** Heartbeat proposed to clients, seconds; 0 for none. Default 60. */
  readonly heartbeatSeconds?: number;
  /** Largest frame proposed to clients, bytes. Default 131072. */
  readonly frameMax?: number;
  /** Most channels of a connection. Default 2047. */
  readonly channelMax?: number;
  /** How long a client may keep a delivery unsettled before its channel is closed, milliseconds; 0: for ever. Default half an hour. */
  readonly consumerTimeoutMs?: number;
  /** How often that is looked at, milliseconds. Default a minute. */
  readonly consumerTimeoutCheckMs?: number;
  /**
   * The broker is there to be hurt (`leveret/chaos`): it forgives its actors and threads any number of crashes, and its threads have little
   * heap. Default false: a queue that crashes six times in ten seconds stays down, a fourth crash of the topology in a minute restarts
   * what stands on it, and so on (`leveret tree`).
   */
  readonly chaos?: boolean;
};

export type Broker = AsyncDisposable & {
  /** What a client connects to, with the first user's name and password: `amqp://guest:guest@127.0.0.1:40231`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Absolute. */
  readonly dataDir: string;
  /** Closes every connection, stops every thread, and removes the directory if it was a temporary one. Safe to call again. */
  close(): Promise<void>;
};

const EMBEDDED_MEMORY_LIMIT_BYTES = 512 * 1024 * 1024;

/** So many that no plan reaches them, and a heap that is soon exhausted. */
const FORGIVEN = { restarts: 1_000_000, periodMs: 1_000 };
const FORGIVING = { queueRestarts: FORGIVEN, nodeRestarts: FORGIVEN, threadHeapMiB: 128 };

/** Starts a broker; resolves when it accepts connections. Rejects with one sentence that says what to mend. */
export async function createBroker(options: BrokerOptions = {}): Promise<Broker> {
  const temporaryDir = options.dataDir === undefined ? await mkdtemp(join(tmpdir(), 'leveret-')) : undefined;
  const removeTemporary = async (): Promise<void> => {
    if (temporaryDir !== undefined) await rm(temporaryDir, { recursive: true, force: true });
  };
  const defaults = defaultNodeConfig();
  const memoryLimitBytes = Math.min(defaults.memoryLimitBytes, EMBEDDED_MEMORY_LIMIT_BYTES);
  const { chaos: forgiving = false, ...settings } = given(options);
  const turned = forgiving ? FORGIVING : {};
  const config: NodeConfig = { ...defaults, port: 0, schedulers: 1, memoryLimitBytes, ...settings, ...turned, dataDir: options.dataDir ?? temporaryDir ?? '' };
  const { log, watchers } = createWatchedLog(options.logLevel ?? 'silent');
  const started = await startHeldNode({ ...config, logLevel: log.level }, log, startNode);
  if ('problem' in started) {
    await removeTemporary();
    throw new Error(started.problem);
  }
  const { node } = started;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= node.close('shutdown').finally(removeTemporary));
  const broker = { url: withCredentials(node.url, config), host: node.host, port: node.port, dataDir: node.dataDir, close, [Symbol.asyncDispose]: close };
  embed(broker, { node, watchers, forgiving });
  return broker;
}

/** The options without those that were passed as `undefined`, which would hide a default. */
function given(options: BrokerOptions): BrokerOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Clients differ in what they assume when an address names no user: this one does. */
function withCredentials(url: string, { users }: NodeConfig): string {
  const user = users[0];
  if (user === undefined) return url;
  return url.replace('://', `://${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}@`);
}
