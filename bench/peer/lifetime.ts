/** One broker over several processes: launched, ended in order, launched again on the same data. */
import { nowNs } from '../client/clock.ts';
import type { BrokerProcess } from './broker-process.ts';
import type { Restart } from './peer.ts';

/** Saving and reading a large backlog takes a broker minutes at worst. */
const RESTART_STEP_LIMIT_MS = 600_000;

export type Launch = {
  readonly spawn: () => BrokerProcess;
  /** What the broker prints when it takes connections. */
  readonly sign: RegExp;
};

export class Lifetime {
  readonly #launch: Launch;
  #process: BrokerProcess;
  #over = false;

  /** Starts the process at once; `ready` tells when it is of use. */
  constructor(launch: Launch) {
    this.#launch = launch;
    this.#process = launch.spawn();
  }

  get process(): BrokerProcess {
    return this.#process;
  }

  async ready(limitMs: number): Promise<void> {
    await this.#process.find(this.#launch.sign, limitMs);
  }

  async restart(): Promise<Restart> {
    const stopNs = nowNs();
    const isOrderly = await this.#process.stop(RESTART_STEP_LIMIT_MS);
    if (!isOrderly) throw new Error(`the broker did not end by itself within ${RESTART_STEP_LIMIT_MS / 1_000} s, or ended by a crash`);
    if (this.#over) throw new Error('the comparison was interrupted');
    const startedNs = nowNs();
    this.#process = this.#launch.spawn();
    await this.ready(RESTART_STEP_LIMIT_MS);
    return { stopSeconds: (startedNs - stopNs) / 1e9, startedNs, readySeconds: (nowNs() - startedNs) / 1e9 };
  }

  /** The end of it: nothing is launched any more. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#process.stop();
  }
}
