import type { ExitReason } from './exit-reason.ts';

/** The name of a child, unique among its siblings. It outlives the incarnations, which differ in their generation. */
export type ChildId = string | number;

/**
 * `permanent` is always started again, `transient` only after a crash, `temporary` never; a temporary child is forgotten as
 * soon as it ends. Source: Erlang/OTP, "Supervisor Behaviour", restart.
 */
export type RestartType = 'permanent' | 'transient' | 'temporary';

/**
 * How a child is stopped. A number: it is asked and has that many milliseconds, then it is killed. `infinity`: it is asked and
 * awaited (for supervisors, whose own children need their time). `brutal`: it is killed without being asked.
 */
export type ShutdownLimit = number | 'brutal' | 'infinity';

/** What a supervisor needs to know about a child apart from its name. */
export type ChildPolicy = {
  readonly restart: RestartType;
  readonly shutdown: ShutdownLimit;
  readonly kind: 'worker' | 'supervisor';
};

/** One child of a supervisor. */
export type ChildSpec = ChildPolicy & { readonly id: ChildId };

/** Whether an exit asks for a new incarnation. Every exit of a permanent child does, a meant one included. */
export function restartDue(restart: RestartType, exit: ExitReason): boolean {
  switch (restart) {
    case 'permanent':
      return true;
    case 'transient':
      return exit.kind === 'crash';
    case 'temporary':
      return false;
  }
}

/** The time a child has between being asked to stop and being killed, milliseconds; 0 when it is not asked at all. */
export function stopTimeoutMs(shutdown: ShutdownLimit): number {
  if (shutdown === 'brutal') return 0;
  return shutdown === 'infinity' ? Number.POSITIVE_INFINITY : shutdown;
}
