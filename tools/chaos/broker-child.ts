/**
 * The broker of a chaos run, in a process of its own: `leveret start`, but that queues and threads are forgiven as many crashes as
 * are ordered. Its one argument is a ChildConfig as JSON. It says where it listens on standard output, and ends with whoever
 * started it: when standard input closes.
 */
import { createLog } from '../../src/main/log.ts';
import { defaultNodeConfig } from '../../src/main/node-defaults.ts';
import { startHeldNode } from '../../src/main/held-node.ts';
import { startNode } from '../../src/main/compose.ts';
import type { Durability } from '../../src/main/store-thread.ts';
import { closeOnSignals, thisProcess } from '../../src/main/shutdown.ts';

export type ChildConfig = { readonly dataDir: string; readonly schedulers: number; readonly durability: Durability };

/** So many that no plan reaches them: what happens beyond is another test's affair. */
const QUEUE_RESTARTS = { restarts: 1_000_000, periodMs: 1_000 };
const MEMORY_LIMIT_BYTES = 512 * 1024 * 1024;

const { dataDir, schedulers, durability } = JSON.parse(process.argv[2] ?? '') as ChildConfig;
const log = createLog('error');
process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'a broken invariant reached the process');
  process.exit(1);
});
process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL')).resume();
const defaults = defaultNodeConfig();
const memoryLimitBytes = Math.min(defaults.memoryLimitBytes, MEMORY_LIMIT_BYTES);
const started = await startHeldNode({ ...defaults, port: 0, schedulers, dataDir, durability, memoryLimitBytes, queueRestarts: QUEUE_RESTARTS }, log, startNode);
if ('problem' in started) {
  process.stderr.write(`${started.problem}\n`);
  process.exit(1);
}
closeOnSignals(thisProcess, (reason) => started.node.close(reason), log);
process.stdout.write(`${started.node.url}\n`);
