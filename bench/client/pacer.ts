/**
 * An open-loop schedule: message k is due at start + k / rate, whatever the broker does. A message that leaves late keeps the
 * time at which it was due, so a stalled broker is charged for every message that it held up.
 */
import type { Step } from '../scenario/load.ts';
import { nowNs } from './clock.ts';
import { StepClock } from './step-clock.ts';
import { shortenTimerSlack } from './timer-slack.ts';

export class Pacer {
  readonly #startNs: number;
  #endNs: number;
  readonly #rates: StepClock;
  /** With one rate due times are multiplied, not added up: after a million messages a sum would have drifted. */
  readonly #fixedIntervalNs: number | undefined;
  #next = 0;
  #dueNs: number;

  /** `rate`: messages a second, or rates that follow each other in time. */
  constructor(startNs: number, endNs: number, rate: number | readonly Step[]) {
    this.#startNs = startNs;
    this.#endNs = endNs;
    this.#fixedIntervalNs = typeof rate === 'number' ? 1e9 / rate : undefined;
    this.#rates = new StepClock(typeof rate === 'number' ? [] : rate);
    this.#dueNs = this.#fixedIntervalNs === undefined ? this.#rates.positiveFrom(0) : 0;
  }

  /** When the next message is due, ns; undefined when the schedule is over. */
  get nextNs(): number | undefined {
    const dueNs = this.#startNs + this.#dueNs;
    return dueNs < this.#endNs ? dueNs : undefined;
  }

  /** Nothing more is due. */
  stop(): void {
    this.#endNs = -Infinity;
  }

  /** Between the next message and the one before, ns. */
  get intervalNs(): number {
    return this.#fixedIntervalNs ?? 1e9 / this.#rates.valueAt(this.#dueNs);
  }

  /** Takes all messages that are due at `timeNs`: their due times, at most `limit` of them. */
  take(timeNs: number, limit: number): number[] {
    const due: number[] = [];
    for (let next = this.nextNs; next !== undefined && next <= timeNs && due.length < limit; next = this.nextNs) {
      due.push(next);
      this.#advance();
    }
    return due;
  }

  #advance(): void {
    this.#next += 1;
    if (this.#fixedIntervalNs !== undefined) this.#dueNs = this.#next * this.#fixedIntervalNs;
    else this.#dueNs = this.#rates.positiveFrom(this.#dueNs + 1e9 / this.#rates.valueAt(this.#dueNs));
  }
}

/**
 * A core that has slept for long wakes later than the kernel's timer: with time to spare more is waited for awake, up to a quarter of the time
 * between two messages. All of it would take a core from the broker that shares the machine.
 */
const AWAKE_NS_MAX = 120_000;
const AWAKE_SHARE = 0.25;

/** Blocked for longer, the thread would leave its event loop alone for too long. */
const SLEEP_LIMIT_NS = 20_000_000;

/**
 * The sleep of a thread that has to be on time. Timers of the event loop would be late by up to a millisecond, which would be counted as the
 * broker's latency.
 */
export class Sleep {
  readonly #word = new Int32Array(new SharedArrayBuffer(4));
  /** A sleep ends late by so much at least. */
  readonly #wakeNs = shortenTimerSlack();

  /**
   * Blocks the thread until shortly before `timeNs`, or for a while: true when the time is near. `spinUntil` waits for the rest.
   * `intervalNs`: between two messages.
   */
  untilNear(timeNs: number, intervalNs: number): boolean {
    const awakeNs = Math.max(this.#wakeNs, Math.min(AWAKE_NS_MAX, AWAKE_SHARE * intervalNs));
    const sleepNs = timeNs - nowNs() - awakeNs;
    if (sleepNs > 0) Atomics.wait(this.#word, 0, 0, Math.min(sleepNs, SLEEP_LIMIT_NS) / 1e6);
    return sleepNs <= SLEEP_LIMIT_NS;
  }
}

export function spinUntil(timeNs: number): void {
  while (nowNs() < timeNs);
}
