import type { DynamicSupervisor, DynamicSupervisorOptions } from '../../../actors/runtime/supervision/dynamic-supervisor.ts';
import type { SupervisorOptions } from '../../../actors/runtime/supervision/supervisor.ts';
import type { RestartIntensity } from '../../../actors/runtime/supervision/restart-window.ts';
import type { Strategy } from '../../../actors/runtime/supervision/strategy.ts';
import { chooseSpec, NAMES, type Choices, type Maker } from './supervisor-history.ts';

export const STRATEGIES: readonly Strategy[] = ['one-for-one', 'rest-for-one', 'one-for-all'];

function chooseIntensity(choices: Choices): RestartIntensity {
  return { restarts: choices.of([1, 3, 0, 2, 5]) ?? 1, periodMs: choices.of([1000, 300]) ?? 300 };
}

/** An ordered supervisor of no to five children. */
export function chooseOrdered(choices: Choices, strategy: Strategy): SupervisorOptions {
  const intensity = chooseIntensity(choices);
  const children = NAMES.slice(0, choices.below(6)).map((id) => chooseSpec(choices, id));
  return { strategy, intensity, children };
}

/** A dynamic supervisor of at most four children. */
export function chooseDynamic(choices: Choices): DynamicSupervisorOptions {
  const { restart, shutdown, kind } = chooseSpec(choices, 'any');
  const giveUp = choices.of(['mark', 'escalate'] as const) ?? 'mark';
  return { policy: { restart, shutdown, kind }, giveUp, intensity: chooseIntensity(choices), childrenMax: 4 };
}

/** What a dynamic supervisor needs to be played the same histories: its children have no specification of their own. */
export type DynamicSubject = Pick<
  DynamicSupervisor,
  'start' | 'shutdown' | 'started' | 'startFailed' | 'exited' | 'timerFired' | 'startChild' | 'terminateChild' | 'restartChild'
>;

export function asSupervised(dynamic: DynamicSubject): ReturnType<Maker> {
  return {
    start: () => dynamic.start(),
    shutdown: () => dynamic.shutdown(),
    started: (id, generation) => dynamic.started(id, generation),
    startFailed: (id, generation, reason) => dynamic.startFailed(id, generation, reason),
    exited: (id, generation, reason) => dynamic.exited(id, generation, reason),
    timerFired: (key, epoch) => dynamic.timerFired(key, epoch),
    startChild: (request, spec) => dynamic.startChild(request, spec.id),
    terminateChild: (request, id) => dynamic.terminateChild(request, id),
    restartChild: (request, id) => dynamic.restartChild(request, id),
    deleteChild: () => undefined,
  };
}
