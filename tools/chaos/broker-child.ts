/**
 * The broker of a chaos run, in a process of its own: `leveret start`, but that actors and threads are forgiven as many crashes as
 * are ordered. Its one argument is a ChildConfig as JSON. It says where it listens on standard output, and ends with whoever
 * started it: when standard input closes.
 */
import { Socket } from 'node:net';
import { createLog } from '../../src/main/log.ts';
import { defaultNodeConfig } from '../../src/main/node-defaults.ts';
import { startHeldNode } from '../../src/main/held-node.ts';
import { startNode } from '../../src/main/compose.ts';
import type { Durability } from '../../src/main/store-thread.ts';
import { closeOnSignals, thisProcess } from '../../src/main/shutdown.ts';

export type ChildConfig = { readonly dataDir: string; readonly schedulers: number; readonly durability: Durability };

/** So many that no plan reaches them: what happens beyond is another test's affair. */
const FORGIVEN = { restarts: 1_000_000, periodMs: 1_000 };
/** Little, so that it is soon exhausted. */
const THREAD_HEAP_MIB = 128;
const MEMORY_LIMIT_BYTES = 512 * 1024 * 1024;

const { dataDir, schedulers, durability } = JSON.parse(process.argv[2] ?? '') as ChildConfig;
const log = createLog('error');
process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'a broken invariant reached the process');
  process.exit(1);
});
process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL')).resume();
// A node that has lost its store must end by itself.
if (process.stdin instanceof Socket) process.stdin.unref();
const defaults = defaultNodeConfig();
const memoryLimitBytes = Math.min(defaults.memoryLimitBytes, MEMORY_LIMIT_BYTES);
const turned = { queueRestarts: FORGIVEN, nodeRestarts: FORGIVEN, threadHeapMiB: THREAD_HEAP_MIB };
const started = await startHeldNode({ ...defaults, port: 0, schedulers, dataDir, durability, memoryLimitBytes, ...turned }, log, startNode);
if ('problem' in started) {
  process.stderr.write(`${started.problem}\n`);
  process.exit(1);
}
closeOnSignals(thisProcess, (reason) => started.node.close(reason), log);
process.stdout.write(`${started.node.url}\n`);
