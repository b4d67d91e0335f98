import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../../main/support/child.ts';
import { startChild } from '../../main/support/child.ts';
import type { TestBroker } from '../broker.ts';
import { withinDeadline } from '../deadline.ts';

const LEVERET = join(import.meta.dirname, '..', '..', '..', 'bin', 'leveret.js');

/** A start or an end takes less on the busiest machine, milliseconds. */
const LIFE_MS = 60_000;

/** A broker in a process of its own, whose memory and file descriptors can be seen from outside. */
export class BrokerChild implements TestBroker {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly user = 'guest';
  readonly password = 'guest';
  readonly #child: Child;
  readonly #folder: string;

  constructor(child: Child, folder: string, port: number) {
    this.#child = child;
    this.#folder = folder;
    this.port = port;
  }

  static async start(): Promise<BrokerChild> {
    const folder = await mkdtemp(join(tmpdir(), 'leveret-hostile-'));
    const child = startChild(process.execPath, [LEVERET, 'start', '--port', '0', '--data-dir', folder, '--schedulers', '2']);
    await withinDeadline(child.said('Server startup complete'), 'the start of the broker', LIFE_MS);
    const port = Number(/amqp:\/\/127\.0\.0\.1:(\d+)/.exec(child.stdout())?.[1]);
    return new BrokerChild(child, folder, port);
  }

  get url(): string {
    return `amqp://${this.host}:${this.port}`;
  }

  get alive(): boolean {
    return this.#child.process.exitCode === null && this.#child.process.signalCode === null;
  }

  /** Resident memory, bytes. */
  get residentBytes(): number {
    const status = readFileSync(`/proc/${this.#child.process.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.#child.process.pid}/fd`).length;
  }

  /** Lines of the log with this level: 50 is an error. */
  logged(level: number): readonly string[] {
    return this.#child
      .stderr()
      .split('\n')
      .filter((line) => line.includes(`"level":${level}`));
  }

  async close(): Promise<void> {
    this.#child.process.kill('SIGTERM');
    await withinDeadline(this.#child.ended, 'the end of the broker', LIFE_MS);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
