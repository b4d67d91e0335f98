/** Measures one workload on one broker. */
import type { Timing } from './client/conduct.ts';
import { measureBacklog, type BacklogFigures } from './measurement/backlog.ts';
import { measureConfirm, type ConfirmFigures } from './measurement/confirm.ts';
import { measureLoad, type LoadFigures } from './measurement/load.ts';
import { measureMemory, type MemoryFigures } from './measurement/memory.ts';
import { measureRestart, type RestartFigures } from './measurement/restart.ts';
import type { Target } from './measurement/target.ts';
import type { Scenario } from './scenario/scenario.ts';

export type Figures = LoadFigures | MemoryFigures | BacklogFigures | ConfirmFigures | RestartFigures;

/** Rejects when the broker refuses, fails or takes longer than any broker should: each measurement has its time limits. */
export async function measureScenario(scenario: Scenario, target: Target, timing: Timing): Promise<Figures> {
  switch (scenario.kind) {
    case 'memory':
      return measureMemory(scenario, target);
    case 'backlog':
      return measureBacklog(scenario, target);
    case 'confirm':
      return measureConfirm(scenario, target, timing);
    case 'restart':
      return measureRestart(scenario, target);
    case 'throughput':
    case 'latency':
      return measureLoad(scenario.load, target, timing);
  }
}

/** The share of the machine that processes outside the measurement used; undefined: not known. */
export function othersShareOf(figures: Figures): number | undefined {
  return figures.kind === 'memory' || figures.kind === 'restart' ? undefined : figures.othersShare;
}
