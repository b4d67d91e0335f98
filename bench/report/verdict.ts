/** Compares two brokers' figures with a workload's goals. */
import type { Figures } from '../measure.ts';
import type { BacklogScenario, ConfirmScenario, LatencyScenario, MemoryScenario, RestartScenario, Scenario, ThroughputScenario } from '../scenario/scenario.ts';
import { ceiling, ratio, sight, type Outcome, type Pair } from './goal.ts';

/** One line of the table. */
export type Verdict = Outcome & { readonly workload: string };

type Kind = Figures['kind'];
type FiguresOf<Of extends Kind> = Extract<Figures, { kind: Of }>;

/** What both brokers reached. Figures of another kind than the workload's do not occur and count as missing. */
class Sides {
  readonly #rabbitmq: Figures | undefined;
  readonly #leveret: Figures | undefined;

  constructor(rabbitmq: Figures | undefined, leveret: Figures | undefined) {
    this.#rabbitmq = rabbitmq;
    this.#leveret = leveret;
  }

  pair<Of extends Kind>(kind: Of, read: (figures: FiguresOf<Of>) => number | undefined): Pair {
    const figure = (figures: Figures | undefined): number | undefined =>
      figures?.kind === kind ? read(figures as FiguresOf<Of>) : undefined;
    return { rabbitmq: figure(this.#rabbitmq), leveret: figure(this.#leveret) };
  }
}

/** One line of the table for each measure of the workload. */
export function judge(scenario: Scenario, rabbitmq: Figures | undefined, leveret: Figures | undefined): Verdict[] {
  const sides = new Sides(rabbitmq, leveret);
  const named = (outcomes: readonly Outcome[]): Verdict[] => outcomes.map((outcome) => ({ workload: scenario.name, ...outcome }));
  switch (scenario.kind) {
    case 'throughput':
      return named(judgeThroughput(scenario, sides));
    case 'expiring':
      return named([ratio('expired', sides.pair('expiring', ({ clearedPerSecond }) => clearedPerSecond), 'msg/s', scenario.ratioAtLeast, true)]);
    case 'dead-letter':
      return named([ratio('arrived', sides.pair('dead-letter', ({ arrivedPerSecond }) => arrivedPerSecond), 'msg/s', scenario.ratioAtLeast, true)]);
    case 'latency':
      return named(judgeLatency(scenario, sides));
    case 'memory':
      return named(judgeMemory(scenario, sides));
    case 'backlog':
      return judgeBacklog(scenario, sides);
    case 'confirm':
      return named(judgeConfirm(scenario, sides));
    case 'restart':
      return named(judgeRestart(scenario, sides));
  }
}

function judgeThroughput({ measure = 'received', ratioAtLeast, cpuRatioAtMost }: ThroughputScenario, sides: Sides): Outcome[] {
  const perSecond = sides.pair('load', (load) => (measure === 'received' ? load.receivedPerSecond : load.confirmedPerSecond));
  const cpu = sides.pair('load', ({ cpuSecondsPerMillion }) => cpuSecondsPerMillion);
  return [ratio(measure, perSecond, 'msg/s', ratioAtLeast, true), ratio('CPU per million', cpu, 's', cpuRatioAtMost, false)];
}

function judgeLatency({ p50RatioAtMost, p99RatioAtMost }: LatencyScenario, sides: Sides): Outcome[] {
  const outcomes = [
    ratio('p50', sides.pair('load', ({ latency }) => latency?.p50Us), 'us', p50RatioAtMost, false),
    ratio('p99', sides.pair('load', ({ latency }) => latency?.p99Us), 'us', p99RatioAtMost, false),
  ];
  const missing = sides.pair('load', ({ latency }) => latency?.missing).leveret ?? 0;
  return missing === 0 ? outcomes : outcomes.map((outcome) => ({ ...outcome, passed: false }));
}

function judgeMemory({ idleAtMostMb, connectionAtMostKib }: MemoryScenario, sides: Sides): Outcome[] {
  return [
    ceiling('idle RSS', sides.pair('memory', ({ idleMb }) => idleMb), 'MB', idleAtMostMb),
    ceiling('RSS per connection', sides.pair('memory', ({ connectionKib }) => connectionKib), 'KiB', connectionAtMostKib),
  ];
}

function judgeBacklog({ name, drainName, fillRatioAtLeast, drainRatioAtLeast }: BacklogScenario, sides: Sides): Verdict[] {
  const published = sides.pair('backlog', ({ publishedPerSecond }) => publishedPerSecond);
  // An empty queue drains at no speed at all.
  const delivered = sides.pair('backlog', ({ deliveredPerSecond }) => deliveredPerSecond ?? 0);
  return [
    { workload: name, ...ratio('confirmed', published, 'msg/s', fillRatioAtLeast, true) },
    { workload: name, ...sight('RSS when full', sides.pair('backlog', ({ filledMb }) => filledMb), 'MB') },
    { workload: drainName, ...ratio('delivered', delivered, 'msg/s', drainRatioAtLeast, true) },
  ];
}

/** A confirm that comes sooner than the device could promise nothing: then there is nothing to judge. */
function judgeConfirm({ aboveFlushAtMostMs }: ConfirmScenario, sides: Sides): Outcome[] {
  const soonest = sides.pair('confirm', ({ confirm, flush }) => (flush === undefined ? undefined : confirm.p50Us - flush.p50Us)).leveret;
  const isFlushed = soonest !== undefined && soonest >= 0;
  return (['p50', 'p99'] as const).flatMap((name) => {
    const key = `${name}Us` as const;
    const above = sides.pair('confirm', ({ confirm, flush }) => (flush === undefined ? undefined : (confirm[key] - flush[key]) / 1_000));
    // A quotient of two differences, of which one may be negative, says nothing.
    const difference: Outcome = { ...ceiling(`${name} above it`, above, 'ms', aboveFlushAtMostMs), ratio: '-' };
    return [
      sight(`${name} to the confirm`, sides.pair('confirm', ({ confirm }) => confirm[key]), 'us'),
      sight(`${name} of fdatasync`, sides.pair('confirm', ({ flush }) => flush?.[key]), 'us'),
      isFlushed ? difference : { ...difference, passed: undefined },
    ];
  });
}

function judgeRestart({ firstDeliveryAtMostSeconds: limit }: RestartScenario, sides: Sides): Outcome[] {
  const first = sides.pair('restart', ({ firstDeliverySeconds }) => firstDeliverySeconds);
  const lost = sides.pair('restart', ({ messages, recovered }) => messages - recovered);
  return [
    limit === undefined ? sight('to first delivery', first, 's') : ceiling('to first delivery', first, 's', limit),
    { ...ceiling('lost by the restart', lost, 'msg', 0), ratio: '-' },
    sight('RSS when full', sides.pair('restart', ({ filledMb }) => filledMb), 'MB'),
    sight('RSS restarted', sides.pair('restart', ({ restartedMb }) => restartedMb), 'MB'),
  ];
}
