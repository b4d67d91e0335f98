/** One measure of both brokers against one limit. */
import { thousands } from './figures.ts';

/** A row of the table, without the workload. */
export type Outcome = {
  readonly measure: string;
  readonly rabbitmq: string;
  readonly leveret: string;
  readonly ratio: string;
  readonly goal: string;
  /** undefined: there is no goal, or a figure is missing. */
  readonly passed: boolean | undefined;
};

export type Pair = { readonly rabbitmq: number | undefined; readonly leveret: number | undefined };

const NOTHING = '-';
const WITHOUT_GOAL = 'shown only';

/** About three digits; counts as they are. */
function shown(value: number | undefined, unit: string): string {
  if (value === undefined) return NOTHING;
  const size = Math.abs(value);
  const isWhole = Number.isInteger(value) || size >= 100;
  return `${isWhole ? thousands(value) : value.toFixed(size < 10 ? 2 : 1)} ${unit}`;
}

/** An absolute limit, which only Leveret must keep. */
export function ceiling(measure: string, { rabbitmq, leveret }: Pair, unit: string, limit: number): Outcome {
  return {
    ...sight(measure, { rabbitmq, leveret }, unit),
    goal: `at most ${limit} ${unit}`,
    passed: leveret === undefined ? undefined : leveret <= limit,
  };
}

/** A limit to what Leveret reaches beside RabbitMQ; undefined: shown only. */
export function ratio(measure: string, { rabbitmq, leveret }: Pair, unit: string, limit: number | undefined, atLeast: boolean): Outcome {
  const seen = sight(measure, { rabbitmq, leveret }, unit);
  if (limit === undefined) return seen;
  const quotient = rabbitmq === undefined || leveret === undefined ? undefined : leveret / rabbitmq;
  return {
    ...seen,
    goal: `${atLeast ? 'at least' : 'at most'} ${limit} x`,
    passed: quotient === undefined ? undefined : atLeast ? quotient >= limit : quotient <= limit,
  };
}

/** Both figures and their ratio, without a goal. */
export function sight(measure: string, { rabbitmq, leveret }: Pair, unit: string): Outcome {
  return {
    measure,
    rabbitmq: shown(rabbitmq, unit),
    leveret: shown(leveret, unit),
    ratio: rabbitmq === undefined || leveret === undefined ? NOTHING : `${(leveret / rabbitmq).toFixed(2)} x`,
    goal: WITHOUT_GOAL,
    passed: undefined,
  };
}
