import type { ChildId, ChildPolicy } from './child-spec.ts';
import type { ExitReason } from './exit-reason.ts';

/** Requests that may wait for an answer at one supervisor; the next one is refused as `busy`. */
export const REQUESTS_WAITING_MAX = 1024;

/** Why a request was not carried out. The words are those of Erlang/OTP `supervisor`, with `busy`, `full` and `ended` added. */
export type Refusal =
  | 'not-found'
  | 'running'
  | 'restarting'
  | 'already-present'
  | 'already-started'
  | 'busy'
  | 'full'
  | 'ended';

/** The answer to a request about a child. */
export type RequestOutcome =
  | { readonly kind: 'done'; readonly generation: number }
  | { readonly kind: 'refused'; readonly why: Refusal }
  | { readonly kind: 'start-failed'; readonly reason: ExitReason };

/**
 * What a supervisor does to the world. The world answers through the methods of the supervisor: each `start` with exactly one
 * `started` or `startFailed` (a start that hangs is the edge's to time out), each incarnation that was started with one
 * `exited`, each `armTimer` with one `timerFired`. Answers may come at once or never mind how late; those about an incarnation
 * that is no longer the current one are ignored.
 */
export type SupervisorPort = {
  /** Begin an incarnation. */
  start(id: ChildId, policy: ChildPolicy, generation: number): void;
  /** Ask an incarnation to end. `timeoutMs` tells it how long it has; the supervisor keeps the clock itself. */
  stop(id: ChildId, generation: number, timeoutMs: number): void;
  /** End an incarnation without asking. */
  kill(id: ChildId, generation: number): void;
  /** All children stand: the supervisor itself has started. Comes at most once, and never after `escalate`. */
  ready(): void;
  /** The supervisor has ended, and so have all its children. Before `ready` it means that it failed to start. */
  escalate(reason: ExitReason): void;
  /** A child has used up its own restarts and stays down, visible, until it is restarted by hand. */
  childMarked(id: ChildId, reason: ExitReason): void;
  /** The answer to the request with this number. */
  answer(request: number, outcome: RequestOutcome): void;
  /** Monotonic time, milliseconds. */
  now(): number;
  /** Call `timerFired(key, epoch)` after `ms`. Timers are never cancelled: a late one carries an old epoch. */
  armTimer(key: ChildId, ms: number, epoch: number): void;
};
