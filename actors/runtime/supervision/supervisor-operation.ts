import type { ChildRecord } from './child-record.ts';
import type { ExitReason } from './exit-reason.ts';

/** Why an operation is carried out, which decides what happens when it is over. */
export type Purpose =
  | { readonly kind: 'boot' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'end'; readonly reason: ExitReason }
  | { readonly kind: 'start-child'; readonly request: number }
  | { readonly kind: 'restart-child'; readonly request: number }
  | { readonly kind: 'terminate-child'; readonly request: number };

/**
 * Everything an ordered supervisor does to its children has this form: stop these, one after another, then start these, one
 * after another. `next` is how many of the list in hand are done.
 *
 * ```
 *   stops:  [ d, c, b ]   reverse start order, the next only when the one before is down
 *   starts: [ b, c, d ]   start order, the next only when the one before has started; the first failure ends the operation
 * ```
 */
export type Operation = {
  readonly purpose: Purpose;
  readonly stops: readonly ChildRecord[];
  readonly starts: readonly ChildRecord[];
  phase: 'stopping' | 'starting';
  next: number;
};

/** An operation that has not begun. */
export function planOperation(
  purpose: Purpose,
  stops: readonly ChildRecord[],
  starts: readonly ChildRecord[],
): Operation {
  return { purpose, stops, starts, phase: 'stopping', next: 0 };
}

/** What waits while an operation is carried out; it is taken up in the order of arrival. */
export type WaitingEvent =
  | { readonly kind: 'exit'; readonly child: ChildRecord; readonly generation: number; readonly reason: ExitReason }
  | { readonly kind: 'try-again'; readonly id: ChildRecord['spec']['id'] }
  | { readonly kind: 'shutdown' }
  | { readonly kind: 'request'; readonly request: number; readonly carryOut: () => void };
