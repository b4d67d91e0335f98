/** Turns a string of bytes into a supervisor, its reference and their history, for each kind of supervisor. */
import fc from 'fast-check';
import type { DynamicSupervisor, DynamicSupervisorOptions } from '../../../actors/runtime/supervision/dynamic-supervisor.ts';
import type { RestartIntensity } from '../../../actors/runtime/supervision/restart-window.ts';
import type { Strategy } from '../../../actors/runtime/supervision/strategy.ts';
import type { Supervisor, SupervisorOptions } from '../../../actors/runtime/supervision/supervisor.ts';
import type { SupervisorPort } from '../../../actors/runtime/supervision/supervisor-port.ts';
import { DynamicSupervisorModel } from './dynamic-supervisor-model.ts';
import { OtpSupervisorModel } from './otp-supervisor-model.ts';
import { Choices, chooseSpec, NAMES, playHistory, type Supervised } from './supervisor-history.ts';

/** Up to a hundred steps; no bias to small bytes, which would only mean the same few steps again and again. */
export const HISTORY_BYTES = fc.noBias(fc.uint8Array({ minLength: 40, maxLength: 440, size: 'max' }));

/** Plays one history and answers its effects; throws when supervisor and reference disagree. */
export type HistoryPlayer = (history: Uint8Array) => readonly string[];

type SupervisorClass = new (options: SupervisorOptions, port: SupervisorPort) => Supervisor;
type DynamicClass = new (options: DynamicSupervisorOptions, port: SupervisorPort) => DynamicSupervisor;

export function playOrdered(strategy: Strategy, subject: SupervisorClass): HistoryPlayer {
  return (history) => {
    const choices = new Choices(history);
    const intensity = chooseIntensity(choices);
    const children = NAMES.slice(0, choices.below(6)).map((id) => chooseSpec(choices, id));
    const options = { strategy, intensity, children };
    return playHistory(choices, (port) => new subject(options, port), (port) => new OtpSupervisorModel(options, port));
  };
}

export function playDynamic(subject: DynamicClass): HistoryPlayer {
  return (history) => {
    const choices = new Choices(history);
    const { restart, shutdown, kind } = chooseSpec(choices, 'any');
    const giveUp = choices.of(['mark', 'escalate'] as const) ?? 'mark';
    const options = { policy: { restart, shutdown, kind }, giveUp, intensity: chooseIntensity(choices), childrenMax: 4 };
    return playHistory(
      choices,
      (port) => withoutSpecs(new subject(options, port)),
      (port) => withoutSpecs(new DynamicSupervisorModel(options, port)),
    );
  };
}

function chooseIntensity(choices: Choices): RestartIntensity {
  return { restarts: choices.of([1, 3, 5, 2, 5, 0, 3, 5]) ?? 1, periodMs: choices.of([1000, 300]) ?? 300 };
}

type Dynamic = Omit<Supervised, 'startChild' | 'deleteChild'> & Pick<DynamicSupervisor, 'startChild'>;

/** Lets dynamic children, which have no specification of their own, be played the same histories. */
function withoutSpecs(dynamic: Dynamic): Supervised {
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

/** Counts what was seen: histories, and effects by their first word. */
export class EffectTally {
  histories = 0;
  readonly #counts = new Map<string, number>();

  add(effects: readonly string[]): void {
    this.histories += 1;
    for (const effect of effects) {
      const word = effect.slice(0, effect.includes(' ') ? effect.indexOf(' ') : effect.length);
      this.#counts.set(word, this.count(word) + 1);
    }
  }

  count(word: string): number {
    return this.#counts.get(word) ?? 0;
  }
}
