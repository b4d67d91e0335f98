/** A node as others see it: what it is started with, and what it offers while it runs. */
import type { RestartIntensity } from '../../actors/runtime/supervision/restart-window.ts';
import type { Fault } from './fault-schedule.ts';
import type { LiveTree } from './live-tree.ts';
import type { NodeStats, QueueOrder } from './node-stats.ts';
import type { Profiling } from './profiling.ts';
import type { QueueRestart } from './queue-restart.ts';
import type { Durability } from './store-thread.ts';

/** What a node is started with; every field is decided, nothing is optional here but what tests turn. */
export type NodeConfig = {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  dataDir: string;
  schedulers: number;
  logLevel: string;
  memoryLimitBytes: number;
  durability: Durability;
  diskFreeLimitBytes: number;
  users: readonly { name: string; password: string; tags: readonly string[] }[];
  vhost: string;
  heartbeatSeconds: number;
  frameMax: number;
  channelMax: number;
  /** How long a client may keep a delivery unsettled; 0: for ever. */
  consumerTimeoutMs: number;
  /** How often that is looked at. */
  consumerTimeoutCheckMs?: number;
  handshakeTimeoutMs?: number;
  /** Crashes of one queue that are forgiven. */
  queueRestarts?: RestartIntensity;
  /** Crashes of the store's writer, the topology, the keeper, a replica, and losses of threads that are forgiven. */
  nodeRestarts?: RestartIntensity;
  /** Of a thread's heap, the store's too; V8's own limit when absent. */
  threadHeapMiB?: number;
};

export type RunningNode = {
  host: string;
  port: number;
  url: string;
  schedulers: number;
  close(reason: string): Promise<void>;
  liveTree(): Promise<LiveTree>;
  /** What it does, in numbers: the first `count` queues by `order`. */
  stats(order: QueueOrder, count: number): Promise<NodeStats>;
  /** Starts a queue again that has crashed too often; rejects with a sentence when it does not run then. */
  restartQueue(vhost: string, name: string): Promise<QueueRestart>;
  /** Orders a fault on a scheduler thread, counted from 1, or on the store's, which follows them; on the main thread, 0, only a plan. */
  fault(thread: number, fault: Fault): void;
  readonly profiling: Pick<Profiling, 'start' | 'finish'>;
  /** Threads that were lost and replaced so far. */
  threadsLost(): number;
};
