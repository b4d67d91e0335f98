/**
 * A broker inside this process as the broker of a run: hurt through its node, with its clients' connections as real as any. It is its
 * owner's: the run neither starts nor closes it, and there is no kill -9 for a part of a process.
 */
import type { EmbeddedNode } from '../../src/main/embedded-node.ts';
import type { Fault } from '../../src/main/fault-schedule.ts';
import { packageVersion } from '../../src/main/package-version.ts';
import { BrokerLog } from './broker-log.ts';
import type { FaultyBroker } from './managed-broker.ts';
import { stirTopology } from './stir.ts';

export class EmbeddedBroker implements FaultyBroker {
  readonly name = `leveret ${packageVersion()}, embedded`;
  readonly url: string;
  readonly schedulers: number;
  readonly starts = 1;
  readonly deaths = 0;
  readonly #embedded: EmbeddedNode;
  readonly #log = new BrokerLog();
  readonly #hear = (line: string): void => this.#log.push(line);

  /** `url` with the credentials of a user. */
  constructor(url: string, embedded: EmbeddedNode) {
    this.url = url;
    this.schedulers = embedded.node.schedulers;
    this.#embedded = embedded;
  }

  get crashes(): number {
    return this.#log.crashes;
  }

  get crashesByGroup(): ReadonlyMap<string, number> {
    return this.#log.crashesByGroup;
  }

  get threadsLost(): number {
    return this.#log.threadsLost;
  }

  get problems(): readonly string[] {
    return this.#log.surprises.map((line) => `the broker logged: ${line}`);
  }

  start(): Promise<number> {
    this.#embedded.watchers.add(this.#hear);
    return Promise.resolve(0);
  }

  signal(): void {
    throw new Error('a broker inside this process cannot be killed');
  }

  loseStore(): Promise<void> {
    return Promise.reject(new Error('without its store a broker ends, and this one is a part of the process'));
  }

  ended(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#embedded.watchers.delete(this.#hear);
    return Promise.resolve();
  }

  order(thread: number, fault: Fault): Promise<boolean> {
    this.#embedded.node.fault(thread, fault);
    return Promise.resolve(true);
  }

  async stir(): Promise<void> {
    await this.#embedded.node.liveTree();
    await stirTopology(this.url);
  }
}
