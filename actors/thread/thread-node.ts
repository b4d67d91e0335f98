/** What the actors of one scheduler thread share: its replica, its memory, its scheduler, the node's settings. */
import type { MessageMemory } from '../../src/amqp/stored-message.ts';
import type { QueueMemory } from '../../src/broker/queue/queue-memory.ts';
import type { Topology } from '../../src/broker/topology/topology.ts';
import type { ActorGroup } from '../runtime/actor-group.ts';
import type { Purse } from '../connection/publish-throttle.ts';
import type { Scheduler } from '../runtime/scheduler.ts';
import type { RestartIntensity } from '../runtime/supervision/restart-window.ts';

/** Settings of a node that its threads need; plain data. */
export type NodeSettings = {
  readonly host: string;
  readonly heartbeatSeconds: number;
  readonly frameMax: number;
  readonly channelMax: number;
  readonly memoryLimitBytes: number;
  readonly messageSizeMax: number;
  readonly version: string;
  readonly handshakeTimeoutMs: number;
  /** How long a client may keep a delivery unsettled, 0 for ever, and how often that is looked at. */
  readonly consumerTimeoutMs: number;
  readonly consumerTimeoutCheckMs: number;
  /** Crashes of one queue that are forgiven, and within which time; the default of the tree when absent. */
  readonly queueRestarts?: RestartIntensity;
  /** The same of the replica. */
  readonly nodeRestarts?: RestartIntensity;
};

export interface ThreadLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

export interface ThreadNode {
  readonly thread: number;
  readonly settings: NodeSettings;
  readonly scheduler: Scheduler;
  readonly topology: Topology;
  readonly messages: MessageMemory;
  readonly queues: QueueMemory;
  readonly queueGroup: ActorGroup;
  readonly connectionGroup: ActorGroup;
  readonly log: ThreadLog;
  /** What publishers spend while queues have backlogs. */
  readonly purse: Purse;
  /** Why publishers must wait, such as `low on memory`; empty when they need not. */
  readonly alarms: readonly string[];
  /** Is memory in use by messages above the limit? Then this thread's publishers wait at once, and the janitor is told, once. */
  checkMemory(): void;
  /** A connection has passed its handshake. */
  welcome(connection: number): void;
  flushReleases(): void;
  randomBytes(size: number): Buffer;
  digest(algorithm: string, bytes: Uint8Array): Uint8Array;
}
