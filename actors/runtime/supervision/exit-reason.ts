/**
 * Why an actor ended, as Erlang's exit reasons are read by a supervisor: `normal` and `shutdown` were meant, `crash` was not.
 * The text is for people (logs, the live tree) and never decides anything.
 */
export type ExitReason = {
  readonly kind: 'normal' | 'shutdown' | 'crash';
  readonly text: string;
  /** Of a crash: starting it again would not help. */
  readonly final?: true;
};

/** One line for logs and tables: `crash: assertion failed`, or the kind alone when there is nothing to add. */
export function formatExit(reason: ExitReason): string {
  return reason.text === '' ? reason.kind : `${reason.kind}: ${reason.text}`;
}
