/** Leveret as the broker of a run: a child process with a data directory of its own. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { siblingModule } from '../../native-free-io/file/sibling-module.ts';
import { askLine } from '../../native-free-io/socket/line-client.ts';
import { CONTROL_SOCKET, readReply, writeQuestion } from '../../src/main/control-protocol.ts';
import type { Fault } from '../../src/main/fault-schedule.ts';
import { storeThread } from '../../actors/messages/store-messages.ts';
import type { Durability } from '../../src/main/store-thread.ts';
import { packageVersion } from '../../src/main/package-version.ts';
import type { ChildConfig } from './broker-child.ts';
import { BrokerLog } from './broker-log.ts';
import type { FaultyBroker } from './managed-broker.ts';
import { stirTopology } from './stir.ts';

const START_LIMIT_MS = 60_000;
/** A node that was told to close takes less, or something hangs; with room for a machine that stands still for seconds. */
const CLOSE_LIMIT_MS = 25_000;
/** A node that has lost its store closes its connections, which may take five seconds, and ends; with the same room. */
const STORE_LOSS_LIMIT_MS = 15_000;
/** A process that has ended does not answer at once; one that runs is waited for. */
const ANSWER_LIMIT_MS = 15_000;

export class LeveretBroker implements FaultyBroker {
  readonly name: string;
  readonly schedulers: number;
  readonly log = new BrokerLog();
  starts = 0;
  deaths = 0;
  url: string | undefined = undefined;
  readonly #folder: string;
  readonly #dataDir: string;
  readonly #durability: Durability;
  readonly #problems: string[] = [];
  #child: ChildProcess | undefined = undefined;
  #ended: Promise<void> = Promise.resolve();
  #expected = false;

  private constructor(folder: string, schedulers: number, dataDir: string | undefined, durability: Durability) {
    this.name = `leveret ${packageVersion()}, ${durability}`;
    this.#durability = durability;
    this.#folder = folder;
    this.#dataDir = dataDir ?? join(folder, 'data');
    this.schedulers = schedulers;
  }

  /** `dataDir` undefined: a temporary one. */
  static async create(schedulers: number, dataDir?: string, durability: Durability = 'flushed'): Promise<LeveretBroker> {
    return new LeveretBroker(await mkdtemp(join(tmpdir(), 'leveret-chaos-')), schedulers, dataDir, durability);
  }

  get crashes(): number {
    return this.log.crashes;
  }

  get crashesByGroup(): ReadonlyMap<string, number> {
    return this.log.crashesByGroup;
  }

  get threadsLost(): number {
    return this.log.threadsLost;
  }

  get problems(): readonly string[] {
    return [...this.#problems, ...this.log.surprises.map((line) => `the broker logged: ${line}`)];
  }

  async start(): Promise<number | undefined> {
    const startedAtMs = performance.now();
    const config: ChildConfig = { dataDir: this.#dataDir, schedulers: this.schedulers, durability: this.#durability };
    // A group of its own: Ctrl-C is for the run, which ends its broker itself.
    const child = spawn(process.execPath, [fileURLToPath(siblingModule(import.meta.url, './broker-child')), JSON.stringify(config)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#child = child;
    this.#expected = false;
    this.starts++;
    child.stderr.on('data', (chunk: Buffer) => this.log.push(chunk.toString()));
    child.stdin.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      child.on('error', (error) => this.#problems.push(`the broker cannot be run: ${error.message}`));
      child.on('close', (code, signal) => {
        this.url = undefined;
        this.log.end();
        if (!this.#expected) {
          this.deaths++;
          this.#problems.push(`the broker ended by itself with ${signal ?? code}`);
        }
        resolve();
      });
    });
    const url = await this.#said(child);
    if (url === undefined) {
      if (this.#expected) return undefined;
      throw new Error(`the broker does not start: ${this.problems.at(-1) ?? 'it says nothing'}`);
    }
    if (!this.#expected) this.url = url;
    return this.#expected ? undefined : performance.now() - startedAtMs;
  }

  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#expected = true;
    // While it closes it still speaks to its clients, but nobody new needs to try.
    this.url = undefined;
    this.#child?.kill(signal);
  }

  ended(): Promise<void> {
    return this.#ended;
  }

  async close(): Promise<void> {
    const child = this.#child;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      this.signal('SIGTERM');
      const timer = setTimeout(() => {
        this.#problems.push(`the broker has not closed within ${CLOSE_LIMIT_MS / 1000} s`);
        child.kill('SIGKILL');
      }, CLOSE_LIMIT_MS);
      await this.#ended;
      clearTimeout(timer);
      if (child.exitCode !== null && child.exitCode !== 0) this.#problems.push(`the broker's close ended with ${child.exitCode}`);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async loseStore(how: 'end thread' | 'exhaust heap'): Promise<void> {
    const child = this.#child;
    const told = this.log.storeLosses;
    this.log.storeLossOrdered = true;
    this.#expected = true;
    const ordered = await this.order(storeThread(this.schedulers), { type: how });
    this.url = undefined;
    if (!ordered) child?.kill('SIGKILL');
    const timer = setTimeout(() => child?.kill('SIGKILL'), STORE_LOSS_LIMIT_MS);
    await this.#ended;
    clearTimeout(timer);
    this.log.storeLossOrdered = false;
    if (!ordered) this.#problems.push('nobody was there to lose the store');
    else if (child?.signalCode !== null) this.#problems.push(`without its store the broker did not end within ${STORE_LOSS_LIMIT_MS / 1000} s`);
    else if (child.exitCode === 0) this.#problems.push('without its store the broker ended as if all were well');
    else if (this.log.storeLosses === told) this.#problems.push('the broker ended without saying that its store was lost');
  }

  async order(thread: number, fault: Fault): Promise<boolean> {
    const outcome = await askLine(this.#dataDir, CONTROL_SOCKET, writeQuestion('fault', { thread, fault }), ANSWER_LIMIT_MS);
    const reply = outcome.answered ? readReply(outcome.line) : undefined;
    if (reply !== undefined && 'problem' in reply) throw new Error(reply.problem);
    return reply !== undefined;
  }

  async stir(): Promise<void> {
    await askLine(this.#dataDir, CONTROL_SOCKET, writeQuestion('tree'), ANSWER_LIMIT_MS);
    if (this.url !== undefined) await stirTopology(this.url);
  }

  /** The line on standard output; undefined when the process ends before. */
  async #said(child: ChildProcess): Promise<string | undefined> {
    const said = Promise.withResolvers<string | undefined>();
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const end = text.indexOf('\n');
      if (end >= 0) said.resolve(text.slice(0, end));
    });
    const timer = setTimeout(() => said.resolve(undefined), START_LIMIT_MS);
    void this.#ended.then(() => said.resolve(undefined));
    const line = await said.promise;
    clearTimeout(timer);
    return line;
  }
}
