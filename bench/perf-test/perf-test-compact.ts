/** PerfTest's compact lines: a row of names, and columns below them. */
import { latency, rate, type IntervalFigures, type LineShape } from './perf-test-lines.ts';

const TIME_WIDTH = 10;
const RATE_WIDTH = 13;
const LATENCY_WIDTH = 23;

function columns({ hasProducers, hasConsumers, hasConfirms, isMandatory }: LineShape): { readonly rates: readonly RateColumn[]; readonly latencies: readonly LatencyColumn[] } {
  const confirms = hasProducers && hasConfirms;
  return {
    rates: [...(hasProducers ? [SENT] : []), ...(isMandatory ? [RETURNED] : []), ...(confirms ? [CONFIRMED, NACKED] : []), ...(hasConsumers ? [RECEIVED] : [])],
    latencies: [...(hasConsumers ? [CONSUMER] : []), ...(confirms ? [CONFIRM] : [])],
  };
}

type RateColumn = readonly [string, (figures: IntervalFigures) => number];
type LatencyColumn = readonly [string, (figures: IntervalFigures) => IntervalFigures['consumerLatency']];

const SENT: RateColumn = ['sent', ({ sentPerSecond }) => sentPerSecond];
const RETURNED: RateColumn = ['returned', ({ returnedPerSecond }) => returnedPerSecond];
const CONFIRMED: RateColumn = ['confirmed', ({ confirmedPerSecond }) => confirmedPerSecond];
const NACKED: RateColumn = ['nacked', ({ nackedPerSecond }) => nackedPerSecond];
const RECEIVED: RateColumn = ['received', ({ receivedPerSecond }) => receivedPerSecond];
const CONSUMER: LatencyColumn = ['consumer latency', ({ consumerLatency }) => consumerLatency];
const CONFIRM: LatencyColumn = ['confirm latency', ({ confirmLatency }) => confirmLatency];

export function compactHeader(shape: LineShape): string {
  const { rates, latencies } = columns(shape);
  return ['time'.padEnd(TIME_WIDTH), ...rates.map(([name]) => name.padStart(RATE_WIDTH)), ...latencies.map(([name]) => name.padStart(LATENCY_WIDTH))].join('');
}

/** Once a latency is too long for its column, those behind it follow after one space. */
export function compactLine(shape: LineShape, figures: IntervalFigures): string {
  const { rates, latencies } = columns(shape);
  let line = `${figures.seconds.toFixed(3)}s`.padEnd(TIME_WIDTH) + rates.map(([, read]) => `${rate(read(figures))} msg/s`.padStart(RATE_WIDTH)).join('');
  let isOver = false;
  for (const [, read] of latencies) {
    const text = latency(read(figures), shape.inMilliseconds);
    isOver ||= text.length >= LATENCY_WIDTH;
    line += isOver ? ` ${text}` : text.padStart(LATENCY_WIDTH);
  }
  return line;
}
