/** Writes down how a load goes: what both sides say, and what the broker uses meanwhile. */
import { nowNs } from '../client/clock.ts';
import type { Sample, Window } from '../client/orders.ts';
import { processUsage } from '../peer/process-usage.ts';
import { threadSeconds } from '../peer/thread-times.ts';
import { commitPercentileUs, type Probe, type ProbeReading } from './probe.ts';
import type { NamedSeries, Series } from './run-result.ts';

/** Threads that are shown; the others of the broker hardly work. */
const SHOWN_THREADS = 6;
/** Below this share of a processor at its busiest a thread is not shown. */
const LEAST_SHARE = 0.02;

type Timed = { readonly atNs: number };
type Look = Timed & { readonly rssBytes: number; readonly threads: ReadonlyMap<string, number> };
/** Answers come when they come: they have times of their own. */
type Answer = Timed & { readonly reading: ProbeReading };

export class Recorder {
  readonly #pid: number | undefined;
  readonly #probe: Probe | undefined;
  readonly #sent: Sample[] = [];
  readonly #received: Sample[] = [];
  readonly #looks: Look[] = [];
  readonly #answers: Answer[] = [];
  #window: Window = { startNs: nowNs(), fromNs: nowNs(), toNs: nowNs() };
  #timer: NodeJS.Timeout | undefined;

  constructor(pid: number | undefined, probe: Probe | undefined) {
    this.#pid = pid;
    this.#probe = probe;
  }

  start(everyMs: number): void {
    this.#window = { startNs: nowNs(), fromNs: nowNs(), toNs: Infinity };
    this.#timer = setInterval(() => void this.#look(), everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  started(window: Window): void {
    this.#window = window;
  }

  sampled(role: 'sent' | 'received', sample: Sample): void {
    (role === 'sent' ? this.#sent : this.#received).push(sample);
  }

  /** The latest figures, for whoever looks on. */
  get live(): { readonly sentPerSecond: number; readonly receivedPerSecond: number; readonly latest: Sample | undefined } {
    return { sentPerSecond: lastRate(this.#sent), receivedPerSecond: lastRate(this.#received), latest: this.#received.at(-1) };
  }

  /** A workload without sides that tell how far they are has the broker's figures alone. undefined: there is nothing to show. */
  series(): Series | undefined {
    const { startNs, fromNs, toNs } = this.#window;
    const sent = this.#sent.filter(({ atNs }) => atNs >= startNs);
    const looks = this.#looks.filter(({ atNs }) => atNs >= startNs);
    const answers = this.#answers.filter(({ atNs }) => atNs >= startNs);
    const times = (sent.length > 1 ? sent : looks).slice(1).map(({ atNs }) => atNs);
    const last = times.at(-1);
    if (last === undefined) return undefined;
    return {
      atSeconds: times.map((atNs) => rounded((atNs - startNs) / 1e9, 3)),
      window: [rounded((fromNs - startNs) / 1e9, 3), rounded((Math.min(toNs, last) - startNs) / 1e9, 3)],
      sentPerSecond: times.map((atNs) => rateAt(sent, atNs)),
      receivedPerSecond: times.map((atNs) => rateAt(this.#received, atNs)),
      rssMb: times.map((atNs) => (this.#pid === undefined ? null : lookAt(looks, atNs, ({ rssBytes }) => rounded(rssBytes / 1e6, 1)))),
      cpuShares: busiest([...new Set(looks.flatMap(({ threads }) => [...threads.keys()]))].map((name) => ({ name, values: times.map((atNs) => cpuShare(looks, atNs, name)) }))),
      utilisations: [...new Set(answers.flatMap(({ reading }) => reading.threads.map((thread) => thread.name)))].map((name) => ({
        name,
        values: times.map((atNs) => utilisation(answers, atNs, name)),
      })),
      commitsPerSecond: times.map((atNs) => between(answers, atNs, (before, after, seconds) => rounded((after.commits - before.commits) / seconds, 1))),
      commitP50Us: times.map((atNs) => between(answers, atNs, (before, after) => commitPercentileUs(before.commitBuckets, after.commitBuckets, 0.5))),
      commitP99Us: times.map((atNs) => between(answers, atNs, (before, after) => commitPercentileUs(before.commitBuckets, after.commitBuckets, 0.99))),
    };
  }

  async #look(): Promise<void> {
    if (this.#pid !== undefined) this.#looks.push({ atNs: nowNs(), rssBytes: processUsage(this.#pid).rssBytes, threads: threadSeconds(this.#pid) });
    const reading = await this.#probe?.();
    if (reading !== undefined) this.#answers.push({ atNs: nowNs(), reading });
  }
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function rate(before: Sample, after: Sample): number {
  return Math.round((after.messages - before.messages) / ((after.atNs - before.atNs) / 1e9));
}

function lastRate(samples: readonly Sample[]): number {
  const [before, after] = samples.slice(-2);
  return before === undefined || after === undefined ? 0 : rate(before, after);
}

/** The rate between the last two samples before a time. */
function rateAt(samples: readonly Sample[], atNs: number): number | null {
  const index = samples.findLastIndex((sample) => sample.atNs <= atNs);
  const [before, after] = [samples[index - 1], samples[index]];
  return before === undefined || after === undefined ? null : rate(before, after);
}

function lookAt(looks: readonly Look[], atNs: number, read: (look: Look) => number): number | null {
  const look = looks.findLast((one) => one.atNs <= atNs);
  return look === undefined ? null : read(look);
}

/** The last two before a time. */
function pairAt<One extends Timed>(list: readonly One[], atNs: number): readonly [One, One] | undefined {
  const index = list.findLastIndex((one) => one.atNs <= atNs);
  const [before, after] = [list[index - 1], list[index]];
  return before === undefined || after === undefined ? undefined : [before, after];
}

function cpuShare(looks: readonly Look[], atNs: number, name: string): number | null {
  const pair = pairAt(looks, atNs);
  if (pair === undefined) return null;
  const [before, after] = pair.map(({ threads }) => threads.get(name));
  return before === undefined || after === undefined ? null : rounded((after - before) / ((pair[1].atNs - pair[0].atNs) / 1e9), 3);
}

function between(answers: readonly Answer[], atNs: number, read: (before: ProbeReading, after: ProbeReading, seconds: number) => number | null): number | null {
  const pair = pairAt(answers, atNs);
  return pair === undefined ? null : read(pair[0].reading, pair[1].reading, (pair[1].atNs - pair[0].atNs) / 1e9);
}

function utilisation(answers: readonly Answer[], atNs: number, name: string): number | null {
  return between(answers, atNs, (before, after) => {
    const [one, other] = [before, after].map(({ threads }) => threads.find((thread) => thread.name === name));
    if (one === undefined || other === undefined) return null;
    const activeMs = other.activeMs - one.activeMs;
    const totalMs = activeMs + other.idleMs - one.idleMs;
    return totalMs <= 0 ? null : rounded(activeMs / totalMs, 3);
  });
}

function busiest(series: readonly NamedSeries[]): NamedSeries[] {
  const peak = ({ values }: NamedSeries): number => Math.max(0, ...values.map((value) => value ?? 0));
  return series.filter((one) => peak(one) >= LEAST_SHARE).sort((left, right) => peak(right) - peak(left)).slice(0, SHOWN_THREADS);
}
