/**
 * A running node together with the data directory it holds: the directory is taken before anything starts and let go after
 * everything has stopped, so that two nodes never write to one place. Meanwhile the node answers there (`control-protocol.ts`).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openDataDirectory } from '../../native-free-io/file/data-directory.ts';
import type { DataDirectory } from '../../native-free-io/file/data-directory.ts';
import type { LineServer } from '../../native-free-io/socket/line-server.ts';
import type { NodeConfig, RunningNode } from './node.ts';
import { type ControlOffers, serveControl } from './control-server.ts';
import { readFaultQuestion } from './fault-question.ts';
import { type NodeStats, readStatsQuestion } from './node-stats.ts';
import { readProfileFinish, readProfileStart } from './profile-question.ts';
import type { Logger } from './log.ts';
import { type QueueRestart, readRestartQuestion } from './queue-restart.ts';
import { STORE_FILE } from './store-file.ts';

export type StartNode = (config: NodeConfig, log: Logger) => Promise<RunningNode>;

/** A node and the absolute path of the directory it holds. */
export type HeldNode = RunningNode & { readonly dataDir: string };

/** The node, or one sentence on why it does not run: what, where, and how to mend it. */
export type StartOutcome = { readonly node: HeldNode } | { readonly problem: string };

/** Takes the directory and starts the node in it. `startNode` comes from the caller, so that tests can start something else. */
export async function startHeldNode(config: NodeConfig, log: Logger, startNode: StartNode): Promise<StartOutcome> {
  const opened = await openDataDirectory(config.dataDir);
  if (!opened.ok) return { problem: opened.failure.text };
  const { directory } = opened;
  for (const warning of directory.warnings) log.warn(warning);
  try {
    const node = await startNode({ ...config, dataDir: directory.path }, log);
    noteStore(directory, log);
    const control = await serveControl(directory.path, offersOf(node), log);
    return { node: holding(node, directory, control) };
  } catch (error) {
    directory.release();
    log.debug({ err: error }, 'the node did not start');
    return { problem: startProblem(error, config) };
  }
}

/** A store that was there once and is missing later was lost: a node that started empty would forget everything in silence. */
function noteStore(directory: DataDirectory, log: Logger): void {
  if (!existsSync(join(directory.path, STORE_FILE)) || directory.keep(STORE_FILE)) return;
  log.warn({ dataDir: directory.path }, 'it could not be written down that the store exists: its loss would go unnoticed');
}

function offersOf(node: RunningNode): ControlOffers {
  return new Map<string, (fields: Readonly<Record<string, unknown>>) => Promise<unknown>>([
    ['tree', () => node.liveTree()],
    ['stats', async (fields) => statsOf(node, fields)],
    ['profile start', (fields) => startProfile(node, fields)],
    ['profile finish', async (fields) => node.profiling.finish(readProfileFinish(fields))],
    ['restart-queue', async (fields) => askForRestart(node, fields)],
    ['fault', async (fields) => orderFault(node, fields)],
  ]);
}

function statsOf(node: RunningNode, fields: Readonly<Record<string, unknown>>): Promise<NodeStats> {
  const { order, count } = readStatsQuestion(fields);
  return node.stats(order, count);
}

async function startProfile(node: RunningNode, fields: Readonly<Record<string, unknown>>): Promise<null> {
  await node.profiling.start(readProfileStart(fields));
  return null;
}

function askForRestart(node: RunningNode, fields: Readonly<Record<string, unknown>>): Promise<QueueRestart> {
  const { vhost, queue } = readRestartQuestion(fields);
  return node.restartQueue(vhost, queue);
}

function orderFault(node: RunningNode, fields: Readonly<Record<string, unknown>>): null {
  const question = readFaultQuestion(fields, node.schedulers);
  if ('problem' in question) throw new Error(question.problem);
  node.fault(question.thread, question.fault);
  return null;
}

function holding(node: RunningNode, directory: DataDirectory, control: LineServer): HeldNode {
  return {
    host: node.host,
    port: node.port,
    url: node.url,
    schedulers: node.schedulers,
    dataDir: directory.path,
    liveTree: () => node.liveTree(),
    stats: (order, count) => node.stats(order, count),
    restartQueue: (vhost, name) => node.restartQueue(vhost, name),
    fault: (thread, fault) => node.fault(thread, fault),
    profiling: node.profiling,
    threadsLost: () => node.threadsLost(),
    close: (reason) => {
      control.close();
      return node.close(reason).finally(() => directory.release());
    },
  };
}

/** One sentence for the errors that an operator can mend; any other error says itself. */
function startProblem(error: unknown, config: NodeConfig): string {
  const address = `${config.host.includes(':') ? `[${config.host}]` : config.host}:${config.port}`;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return `${address} is in use by another program; stop it, or choose another port with --port (0 takes a free one).`;
    case 'EACCES':
    case 'EPERM':
      return `${address} may not be listened on by this user; choose a port above 1023 with --port.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${config.host} is no address of this machine; choose another one with --host.`;
    default:
      return `the node does not start: ${error instanceof Error ? error.message : String(error)}`;
  }
}
