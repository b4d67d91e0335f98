/** What the broker and everything else on the machine used of the processors between two moments. */
import { availableParallelism } from 'node:os';
import { nowNs } from '../client/clock.ts';
import { machineCpuSeconds, ownUsage, processUsage } from '../peer/process-usage.ts';

type Reading = {
  readonly timeNs: number;
  readonly brokerSeconds: number;
  readonly ownSeconds: number;
  readonly machineSeconds: number;
};

function read(pid: number): Reading {
  return {
    timeNs: nowNs(),
    brokerSeconds: processUsage(pid).cpuSeconds,
    ownSeconds: ownUsage(pid).cpuSeconds,
    machineSeconds: machineCpuSeconds(),
  };
}

export class MachineWatch {
  readonly #pid: number;
  #opened: Reading;
  #closed: Reading;

  /** `pid`: the broker. It must live until the watch closes: the time of a process that has ended cannot be read. */
  constructor(pid: number) {
    this.#pid = pid;
    this.#opened = read(pid);
    this.#closed = this.#opened;
  }

  open(): void {
    this.#opened = read(this.#pid);
  }

  close(): void {
    this.#closed = read(this.#pid);
  }

  /** Processor time of the broker, s. */
  get brokerSeconds(): number {
    return this.#closed.brokerSeconds - this.#opened.brokerSeconds;
  }

  /** The share of the machine that processes outside the measurement used. */
  get othersShare(): number {
    const machineSeconds = ((this.#closed.timeNs - this.#opened.timeNs) / 1e9) * availableParallelism();
    const othersSeconds = this.#closed.machineSeconds - this.#opened.machineSeconds - (this.#closed.ownSeconds - this.#opened.ownSeconds);
    return Math.max(0, othersSeconds / machineSeconds);
  }
}
