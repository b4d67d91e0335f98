/** Measures one workload on one broker. */
import type { Timing } from './client/conduct.ts';
import { measureBacklog, type BacklogFigures } from './measurement/backlog.ts';
import { measureConfirm, type ConfirmFigures } from './measurement/confirm.ts';
import { measureDeadLetters, type DeadLetterFigures } from './measurement/dead-letters.ts';
import { measureExpiring, type ExpiringFigures } from './measurement/expiring.ts';
import { measureLoad, type LoadFigures, type LoadWatch } from './measurement/load.ts';
import { measureMemory, type MemoryFigures } from './measurement/memory.ts';
import { measureRestart, type RestartFigures } from './measurement/restart.ts';
import type { Target } from './measurement/target.ts';
import type { LatencyScenario, Scenario } from './scenario/scenario.ts';

export type Figures = LoadFigures | MemoryFigures | BacklogFigures | ConfirmFigures | RestartFigures | ExpiringFigures | DeadLetterFigures;

/** Rejects when the broker refuses, fails or takes longer than any broker should: each measurement has its time limits. */
export async function measureScenario(scenario: Scenario, target: Target, timing: Timing, watch?: LoadWatch): Promise<Figures> {
  switch (scenario.kind) {
    case 'memory':
      return measureMemory(scenario, target);
    case 'backlog':
      return measureBacklog(scenario, target);
    case 'confirm':
      return measureConfirm(scenario, target, settled(scenario, timing));
    case 'restart':
      return measureRestart(scenario, target);
    case 'expiring':
      return measureExpiring(scenario, target);
    case 'dead-letter':
      return measureDeadLetters(scenario, target);
    case 'throughput':
      return measureLoad(scenario.load, target, timing, watch);
    case 'latency':
      return measureLoad(scenario.load, target, latencyTiming(scenario, timing), watch);
  }
}

export function latencyTiming({ heatSeconds, settleSeconds }: LatencyScenario, { warmupSeconds, windowSeconds }: Timing): Timing {
  const timing = settled({ settleSeconds }, { warmupSeconds, windowSeconds });
  return warmupSeconds === 0 ? timing : { heatSeconds, ...timing };
}

/** A warm-up that was asked to be longer is longer; one of 0 s leaves it out, for tests of the tool. */
function settled({ settleSeconds }: { readonly settleSeconds: number }, { warmupSeconds, windowSeconds }: Timing): Timing {
  return { warmupSeconds: warmupSeconds === 0 ? 0 : Math.max(warmupSeconds, settleSeconds), windowSeconds };
}

/** The share of the machine that processes outside the measurement used; undefined: not known. */
export function othersShareOf(figures: Figures): number | undefined {
  return figures.kind === 'memory' || figures.kind === 'restart' ? undefined : figures.othersShare;
}
