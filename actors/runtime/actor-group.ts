import type { Scheduler } from './scheduler.ts';
import { DynamicSupervisor, type DynamicSupervisorOptions } from './supervision/dynamic-supervisor.ts';
import type { ExitReason } from './supervision/exit-reason.ts';
import type { SupervisorSnapshot } from './supervision/child-snapshot.ts';

export type ActorGroupOptions = DynamicSupervisorOptions & {
  readonly name: string;
  /** A child that gave up for good (see `giveUp: 'mark'`). */
  readonly onMarked?: (id: number, reason: ExitReason) => void;
  /** The group has ended; after a crash too many that is the end of the thread. */
  readonly onEnded?: (reason: ExitReason) => void;
};

/** The actors of one kind on one thread, and the supervisor that starts them again. */
export class ActorGroup {
  readonly name: string;
  readonly supervisor: DynamicSupervisor;
  readonly restarts: boolean;
  /** Who gives up stays there, marked. */
  readonly marks: boolean;

  constructor(options: ActorGroupOptions, scheduler: Scheduler) {
    this.name = options.name;
    this.restarts = options.policy.restart !== 'temporary';
    this.marks = options.giveUp === 'mark';
    this.supervisor = new DynamicSupervisor(options, {
      start: (id, _policy, generation) => scheduler.startIncarnation(Number(id), generation),
      stop: (id) => scheduler.stopIncarnation(Number(id), 'shutdown'),
      kill: (id) => scheduler.stopIncarnation(Number(id), 'killed'),
      ready: () => {},
      escalate: (reason) => {
        scheduler.groupEnded(this);
        options.onEnded?.(reason);
      },
      childMarked: (id, reason) => {
        scheduler.markCrashed(Number(id));
        options.onMarked?.(Number(id), reason);
      },
      answer: () => {},
      now: () => scheduler.nowMs(),
      armTimer: (key, ms, epoch) => scheduler.afterMs(ms, () => this.supervisor.timerFired(key, epoch)),
    });
    this.supervisor.start();
  }

  snapshot(): SupervisorSnapshot {
    return this.supervisor.snapshot();
  }

  /** See `DynamicSupervisor.excerpt`. */
  excerpt(childrenMax: number): ReturnType<DynamicSupervisor['excerpt']> {
    return this.supervisor.excerpt(childrenMax);
  }
}
