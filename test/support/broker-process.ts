/** A broker as a process of its own, seen from outside: what it costs in memory and time. Linux only. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from '../main/support/child.ts';
import type { TestBroker } from './broker.ts';

const ROOT = join(import.meta.dirname, '../..');
const STARTED = 'Server startup complete\n';
/** Clock ticks of /proc, milliseconds. */
const TICK_MS = 10;

export type BrokerProcess = {
  readonly broker: TestBroker;
  readonly pid: number;
  /** Memory of the process that is in RAM, bytes. */
  residentBytes(): number;
  /** Processor time that the process has used, milliseconds. */
  cpuMs(): number;
  openFiles(): number;
  stop(): Promise<void>;
};

/** `root`: the sources to run, for negative controls (see fault-node.ts). */
export async function startBrokerProcess(args: readonly string[], root: string = ROOT): Promise<BrokerProcess> {
  const dir = mkdtempSync(join(tmpdir(), 'leveret-process-'));
  const launcher = join(root, 'bin/leveret.js');
  const child = startChild(process.execPath, [launcher, 'start', '--port', '0', '--data-dir', dir, '--log-level', 'error', ...args]);
  await child.said(STARTED);
  const port = Number(/amqp:\/\/127\.0\.0\.1:(\d+)/.exec(child.stdout())?.[1]);
  const pid = child.process.pid!;
  const proc = (file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8');
  const stop = async (): Promise<void> => {
    child.process.kill('SIGTERM');
    await child.ended;
    rmSync(dir, { recursive: true, force: true });
  };
  return {
    broker: { url: `amqp://127.0.0.1:${port}`, host: '127.0.0.1', port, user: 'guest', password: 'guest', close: stop },
    pid,
    residentBytes: () => Number(/VmRSS:\s+(\d+)/.exec(proc('status'))![1]) * 1024,
    cpuMs: () => {
      const fields = proc('stat').split(') ')[1]!.split(' ');
      return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    },
    openFiles: () => readdirSync(`/proc/${pid}/fd`).length,
    stop,
  };
}
