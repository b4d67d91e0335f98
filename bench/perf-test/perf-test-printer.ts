/** The figures of an interval, from what both sides tell. */
import type { Sample } from '../client/orders.ts';
import type { IntervalFigures } from './perf-test-lines.ts';

/** Puts the samples of both sides together: a line when both have told of the same interval. */
export class Printer {
  readonly #startNs: number;
  readonly #print: (figures: IntervalFigures) => void;
  readonly #waiting: Record<'sent' | 'received', Sample[]> = { sent: [], received: [] };
  readonly #last: Record<'sent' | 'received', Sample | undefined> = { sent: undefined, received: undefined };

  constructor(startNs: number, print: (figures: IntervalFigures) => void) {
    this.#startNs = startNs;
    this.#print = print;
  }

  take(role: 'sent' | 'received', sample: Sample): void {
    this.#waiting[role].push(sample);
    const [sent, received] = [this.#waiting.sent[0], this.#waiting.received[0]];
    if (sent === undefined || received === undefined) return;
    this.#waiting.sent.shift();
    this.#waiting.received.shift();
    const [sentBefore, receivedBefore] = [this.#last.sent, this.#last.received];
    this.#last.sent = sent;
    this.#last.received = received;
    // The first sample is the start: nothing lies before it.
    if (sentBefore === undefined || receivedBefore === undefined) return;
    const perSecond = (before: Sample, after: Sample, read: (one: Sample) => number): number => (read(after) - read(before)) / ((after.atNs - before.atNs) / 1e9);
    this.#print({
      seconds: (sent.atNs - this.#startNs) / 1e9,
      sentPerSecond: perSecond(sentBefore, sent, ({ messages }) => messages),
      returnedPerSecond: perSecond(sentBefore, sent, ({ returned }) => returned),
      confirmedPerSecond: perSecond(sentBefore, sent, ({ confirmed }) => confirmed),
      nackedPerSecond: perSecond(sentBefore, sent, ({ refused }) => refused),
      receivedPerSecond: perSecond(receivedBefore, received, ({ messages }) => messages),
      consumerLatency: received.latency,
      confirmLatency: sent.latency,
    });
  }
}
