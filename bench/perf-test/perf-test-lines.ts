/** PerfTest's lines: one for each interval, and the summary at the end. */
import type { LatencySummary } from '../client/latency.ts';

export type LineShape = {
  readonly id: string;
  readonly hasProducers: boolean;
  readonly hasConsumers: boolean;
  readonly hasConfirms: boolean;
  readonly isMandatory: boolean;
  readonly inMilliseconds: boolean;
};

export type IntervalFigures = {
  readonly seconds: number;
  readonly sentPerSecond: number;
  readonly returnedPerSecond: number;
  readonly confirmedPerSecond: number;
  readonly nackedPerSecond: number;
  readonly receivedPerSecond: number;
  readonly consumerLatency: LatencySummary | undefined;
  readonly confirmLatency: LatencySummary | undefined;
};

export type TotalFigures = {
  readonly sentPerSecond: number;
  readonly receivedPerSecond: number;
  readonly consumerLatency: LatencySummary;
  readonly confirmLatency: LatencySummary;
};

const PERCENTILES = 'min/median/75th/95th/99th';

export function rate(perSecond: number): string {
  if (perSecond === 0) return '0';
  return perSecond < 1 ? perSecond.toFixed(2) : perSecond < 10 ? perSecond.toFixed(1) : String(Math.floor(perSecond));
}

/** min, median, 75th, 95th and 99th, in the unit of the lines. */
export function latencyFigures(summary: LatencySummary | undefined, inMilliseconds: boolean): number[] {
  const { minUs, p50Us, p75Us, p95Us, p99Us } = summary ?? { minUs: 0, p50Us: 0, p75Us: 0, p95Us: 0, p99Us: 0 };
  return [minUs, p50Us, p75Us, p95Us, p99Us].map((us) => Math.round(inMilliseconds ? us / 1_000 : us));
}

export function unit(inMilliseconds: boolean): string {
  return inMilliseconds ? 'ms' : '\u00b5s';
}

export function latency(summary: LatencySummary | undefined, inMilliseconds: boolean): string {
  return `${latencyFigures(summary, inMilliseconds).join('/')} ${unit(inMilliseconds)}`;
}

/** `id: test-1, time 1.000 s, sent: 9 msg/s, received: 9 msg/s, min/median/75th/95th/99th consumer latency: 1/2/3/4/5 us`. */
export function intervalLine(shape: LineShape, figures: IntervalFigures): string {
  const parts = [`id: ${shape.id}`, `time ${figures.seconds.toFixed(3)} s`];
  const add = (label: string, perSecond: number): void => void parts.push(`${label}: ${rate(perSecond)} msg/s`);
  if (shape.hasProducers) add('sent', figures.sentPerSecond);
  if (shape.isMandatory) add('returned', figures.returnedPerSecond);
  if (shape.hasProducers && shape.hasConfirms) {
    add('confirmed', figures.confirmedPerSecond);
    add('nacked', figures.nackedPerSecond);
  }
  if (shape.hasConsumers) add('received', figures.receivedPerSecond);
  const latencies = [
    ...(shape.hasConsumers ? [`consumer latency: ${latency(figures.consumerLatency, shape.inMilliseconds)}`] : []),
    ...(shape.hasProducers && shape.hasConfirms ? [`confirm latency: ${latency(figures.confirmLatency, shape.inMilliseconds)}`] : []),
  ];
  if (latencies.length > 0) parts.push(`${PERCENTILES} ${latencies.join(', ')}`);
  return parts.join(', ');
}

/** With the run's name, or without. */
export function summaryLines(shape: LineShape, figures: TotalFigures, isNamed = true): string[] {
  const lines = [`sending rate avg: ${rate(figures.sentPerSecond)} msg/s`, `receiving rate avg: ${rate(figures.receivedPerSecond)} msg/s`];
  if (shape.hasConsumers) lines.push(`consumer latency ${PERCENTILES} ${latency(figures.consumerLatency, shape.inMilliseconds)}`);
  if (shape.hasProducers && shape.hasConfirms) lines.push(`confirm latency ${PERCENTILES} ${latency(figures.confirmLatency, shape.inMilliseconds)}`);
  return isNamed ? lines.map((line) => `id: ${shape.id}, ${line}`) : lines;
}

/** The lines before the first figures. */
export function startLines(id: string, load: { readonly producers: number; readonly consumers: number; readonly producerChannels?: number; readonly consumerChannels?: number }): string[] {
  const lines = (what: string, count: number, channels: number): string[] =>
    Array.from({ length: count }, (_, index) => [
      `id: ${id}, starting ${what} #${index}`,
      ...Array.from({ length: channels }, (_unused, channel) => `id: ${id}, starting ${what} #${index}, channel #${channel}`),
    ]).flat();
  return [...lines('consumer', load.consumers, load.consumerChannels ?? 1), ...lines('producer', load.producers, load.producerChannels ?? 1)];
}

/** `test-120501-042`: the time of day, as PerfTest names its runs. */
export function runId(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `test-${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}-${String(date.getMilliseconds()).padStart(3, '0')}`;
}
