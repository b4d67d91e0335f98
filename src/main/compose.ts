import type { Logger } from './log.ts';

/** What a node is started with; every field is decided, nothing is optional here. */
export type NodeConfig = {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  dataDir: string;
  schedulers: number;
  logLevel: string;
  memoryLimitBytes: number;
  users: readonly { name: string; password: string; tags: readonly string[] }[];
  vhost: string;
  heartbeatSeconds: number;
  frameMax: number;
  channelMax: number;
};

export type RunningNode = {
  host: string;
  port: number;
  url: string;
  schedulers: number;
  close(reason: string): Promise<void>;
  liveTree(): Promise<unknown>;
};

/** Starts everything and resolves when the node accepts connections. Rejects when it cannot. */
export function startNode(_config: NodeConfig, _log: Logger): Promise<RunningNode> {
  return Promise.reject(new Error('this build contains no broker core'));
}
