/** Compares two brokers' figures with a workload's goal. */
import type { Figures } from '../measure.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { thousands } from './figures.ts';

export type Verdict = {
  readonly measure: string;
  readonly rabbitmq: string;
  readonly leveret: string;
  readonly ratio: string;
  readonly goal: string;
  /** undefined: there is no goal, or a figure is missing. */
  readonly passed: boolean | undefined;
};

const NOTHING = '-';

type Pair = { readonly rabbitmq: number | undefined; readonly leveret: number | undefined };

/** One line of the table for each measure of the workload. */
export function judge(scenario: Scenario, rabbitmq: Figures | undefined, leveret: Figures | undefined): Verdict[] {
  const pair = (read: (figures: Figures) => number | undefined): Pair => ({
    rabbitmq: rabbitmq === undefined ? undefined : read(rabbitmq),
    leveret: leveret === undefined ? undefined : read(leveret),
  });
  if (scenario.kind === 'memory') {
    const idle = pair((figures) => (figures.kind === 'memory' ? figures.idleMb : undefined));
    const each = pair((figures) => (figures.kind === 'memory' ? figures.connectionKib : undefined));
    return [
      ceiling('idle RSS', idle, 'MB', scenario.idleAtMostMb),
      ceiling('RSS per connection', each, 'KiB', scenario.connectionAtMostKib),
    ];
  }
  if (scenario.kind === 'latency') {
    const p50 = pair((figures) => (figures.kind === 'load' ? figures.latency?.p50Us : undefined));
    const p99 = pair((figures) => (figures.kind === 'load' ? figures.latency?.p99Us : undefined));
    const lost = leveret?.kind === 'load' && (leveret.latency?.missing ?? 0) > 0;
    return [ratio('p50', p50, 'us', scenario.p50RatioAtMost, false), ratio('p99', p99, 'us', scenario.p99RatioAtMost, false)].map(
      (verdict) => (lost ? { ...verdict, passed: false } : verdict),
    );
  }
  const received = pair((figures) => (figures.kind === 'load' ? figures.receivedPerSecond : undefined));
  return [ratio('received', received, 'msg/s', scenario.ratioAtLeast, true)];
}

function shown(value: number | undefined, unit: string): string {
  if (value === undefined) return NOTHING;
  return `${value < 100 ? value.toFixed(1) : thousands(value)} ${unit}`;
}

/** An absolute limit, which only Leveret must keep. */
function ceiling(measure: string, { rabbitmq, leveret }: Pair, unit: string, limit: number): Verdict {
  return {
    measure,
    rabbitmq: shown(rabbitmq, unit),
    leveret: shown(leveret, unit),
    ratio: rabbitmq === undefined || leveret === undefined ? NOTHING : `${(leveret / rabbitmq).toFixed(2)} x`,
    goal: `at most ${limit} ${unit}`,
    passed: leveret === undefined ? undefined : leveret <= limit,
  };
}

function ratio(measure: string, { rabbitmq, leveret }: Pair, unit: string, limit: number | undefined, atLeast: boolean): Verdict {
  const quotient = rabbitmq === undefined || leveret === undefined ? undefined : leveret / rabbitmq;
  return {
    measure,
    rabbitmq: shown(rabbitmq, unit),
    leveret: shown(leveret, unit),
    ratio: quotient === undefined ? NOTHING : `${quotient.toFixed(2)} x`,
    goal: limit === undefined ? 'shown only' : `${atLeast ? 'at least' : 'at most'} ${limit} x`,
    passed: quotient === undefined || limit === undefined ? undefined : atLeast ? quotient >= limit : quotient <= limit,
  };
}
