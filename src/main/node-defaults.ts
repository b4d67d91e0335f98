/**
 * What a node does when nobody says otherwise. RabbitMQ's own values, but for the address: Leveret listens on loopback until it
 * is told to serve a network.
 */
import { availableParallelism, totalmem } from 'node:os';
import { CONSUMER_TIMEOUT_MS } from '../../actors/connection/delivery-watch.ts';
import { memoryLimitBytes } from './memory-watermark.ts';
import type { NodeConfig } from './node.ts';

export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = 5672;
export const DEFAULT_DATA_DIR = './leveret-data';
export const DEFAULT_LOG_LEVEL = 'info';
/** The share of the memory that may be in use before publishers are stopped (RabbitMQ, "Memory Threshold and Limit"). */
export const DEFAULT_MEMORY_HIGH_WATERMARK = '0.4';
/** A confirm waits until the device has the message. */
export const DEFAULT_DURABILITY = 'flushed';
/** RabbitMQ's disk_free_limit. */
export const DEFAULT_DISK_FREE_LIMIT_BYTES = 50_000_000;
export const DEFAULT_USER = 'guest';
export const DEFAULT_PASSWORD = 'guest';
export const DEFAULT_VHOST = '/';
export const DEFAULT_HEARTBEAT_SECONDS = 60;
export const DEFAULT_FRAME_MAX = 131_072;
export const DEFAULT_CHANNEL_MAX = 2_047;

/** No machine gains from more scheduler threads than this without being told to. */
export const DEFAULT_SCHEDULERS_MAX = 8;

/**
 * One core is left to the system, which copies every byte of the sockets, and to clients on the same machine. On two cores
 * with the client beside it, one thread gives 2.6 million messages a second (100 B, 1:1) and two give 2.7, but two make a
 * message at 2,000 a second wait half as long again.
 */
export function defaultSchedulers(): number {
  return Math.max(1, Math.min(availableParallelism() - 1, DEFAULT_SCHEDULERS_MAX));
}

/** Memory that this process may use, bytes: the limit of its container (control group), or the machine's. */
export function usableMemoryBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

/** A complete configuration; commands and embedders override fields of it. `usableBytes`: memory that this process may use. */
export function defaultNodeConfig(usableBytes: number = usableMemoryBytes()): NodeConfig {
  return {
    host: DEFAULT_HOST,
    port: DEFAULT_PORT,
    dataDir: DEFAULT_DATA_DIR,
    schedulers: defaultSchedulers(),
    logLevel: DEFAULT_LOG_LEVEL,
    memoryLimitBytes: memoryLimitBytes({ relative: Number(DEFAULT_MEMORY_HIGH_WATERMARK) }, usableBytes),
    durability: DEFAULT_DURABILITY,
    diskFreeLimitBytes: DEFAULT_DISK_FREE_LIMIT_BYTES,
    users: [{ name: DEFAULT_USER, password: DEFAULT_PASSWORD, tags: ['administrator'] }],
    vhost: DEFAULT_VHOST,
    heartbeatSeconds: DEFAULT_HEARTBEAT_SECONDS,
    frameMax: DEFAULT_FRAME_MAX,
    channelMax: DEFAULT_CHANNEL_MAX,
    consumerTimeoutMs: CONSUMER_TIMEOUT_MS,
  };
}
