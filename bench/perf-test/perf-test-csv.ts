/** PerfTest's file of figures: one line for each interval, an empty field where the run has no such figure. */
import { latencyFigures, rate, unit, type IntervalFigures, type LineShape } from './perf-test-lines.ts';

const PERCENTILE_COUNT = 5;

export function csvHeader({ inMilliseconds }: LineShape): string {
  const latencies = (what: string): string[] => ['min', 'median', '75th p.', '95th p.', '99th p.'].map((name) => `${name} ${what} latency (${unit(inMilliseconds)})`);
  const rates = ['published', 'returned', 'confirmed', 'nacked', 'received'].map((name) => `${name} (msg/s)`);
  return ['id', 'time (s)', ...rates, ...latencies('consumer'), ...latencies('confirm')].join(',');
}

export function csvLine(shape: LineShape, figures: IntervalFigures): string {
  const { hasProducers, hasConsumers, hasConfirms, isMandatory } = shape;
  const shown = (perSecond: number, isThere: boolean): string => (isThere ? rate(perSecond) : '');
  const latencies = (summary: IntervalFigures['consumerLatency'], isThere: boolean): (number | string)[] =>
    isThere ? latencyFigures(summary, shape.inMilliseconds) : new Array<string>(PERCENTILE_COUNT).fill('');
  return [
    shape.id,
    figures.seconds.toFixed(3),
    shown(figures.sentPerSecond, hasProducers),
    shown(figures.returnedPerSecond, hasProducers && isMandatory),
    shown(figures.confirmedPerSecond, hasProducers && hasConfirms),
    shown(figures.nackedPerSecond, hasProducers && hasConfirms),
    shown(figures.receivedPerSecond, hasConsumers),
    ...latencies(figures.consumerLatency, hasConsumers),
    ...latencies(figures.confirmLatency, hasProducers && hasConfirms),
  ].join(',');
}
