/** A consumer that is slow on purpose: it rests after each chunk as long as its messages would have taken, then settles and reads on. */
import type { Step } from '../scenario/load.ts';
import { nowNs } from './clock.ts';
import type { Connection } from './connection.ts';
import { StepClock } from './step-clock.ts';

export type SlownessOptions = {
  readonly consumerRatePerSecond?: number | undefined;
  readonly consumerLatencyUs?: number | undefined;
  readonly latencySteps?: readonly Step[] | undefined;
};

export class Slowness {
  /** What one message costs at a time since the start, ns. */
  readonly #costNs: (sinceNs: number) => number;
  readonly #startNs = nowNs();
  #freeNs = nowNs();
  #seen = 0;
  #resting = false;

  /** undefined: it takes messages as fast as they come. */
  static of({ consumerRatePerSecond = 0, consumerLatencyUs = 0, latencySteps = [] }: SlownessOptions): Slowness | undefined {
    if (consumerRatePerSecond === 0 && consumerLatencyUs === 0 && latencySteps.length === 0) return undefined;
    const steps = new StepClock(latencySteps);
    const leastNs = consumerRatePerSecond === 0 ? 0 : 1e9 / consumerRatePerSecond;
    return new Slowness((sinceNs) => Math.max(leastNs, 1e3 * (latencySteps.length === 0 ? consumerLatencyUs : steps.valueAt(sinceNs))));
  }

  private constructor(costNs: (sinceNs: number) => number) {
    this.#costNs = costNs;
  }

  /** So many messages came: how long it rests now, ms. */
  restMsAfter(messages: number): number {
    const timeNs = nowNs();
    this.#freeNs = Math.max(this.#freeNs, timeNs) + messages * this.#costNs(timeNs - this.#startNs);
    return (this.#freeNs - timeNs) / 1e6;
  }

  /** After each chunk; `done` settles what it brought. */
  pass(connection: Connection, done: () => void): void {
    const { deliveries } = connection.scanner;
    const restMs = this.restMsAfter(deliveries - this.#seen);
    this.#seen = deliveries;
    if (restMs < 1) return done();
    connection.socket.pause();
    if (this.#resting) return;
    this.#resting = true;
    const wake = (): void => {
      const leftMs = (this.#freeNs - nowNs()) / 1e6;
      if (leftMs >= 1) return void setTimeout(wake, leftMs);
      this.#resting = false;
      done();
      connection.socket.resume();
    };
    setTimeout(wake, restMs);
  }
}
