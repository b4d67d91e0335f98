import type { ChildId } from './child-spec.ts';

/**
 * ```
 *   stopped --> starting --> running --> exited (its exit waits for its turn)
 *      ^            |           |            |
 *      |            v           v            v
 *      +-------- stopping, killed        restarting, or stopped, or forgotten; crashed when it has given up
 * ```
 */
export type ChildState =
  | 'stopped'
  | 'starting'
  | 'running'
  | 'exited'
  | 'restarting'
  | 'reviving'
  | 'stopping'
  | 'killed'
  | 'crashed';

/** What is told about one child, as plain data. `restarts` counts the attempts to start it again that supervision has made. */
export type ChildSnapshot = {
  readonly id: ChildId;
  readonly state: ChildState;
  readonly generation: number;
  readonly restarts: number;
  readonly lastError: string | null;
};

/** What is told about a supervisor, as plain data. */
export type SupervisorSnapshot = {
  readonly state: 'starting' | 'running' | 'stopping' | 'ended';
  readonly restartsInPeriod: number;
  readonly children: readonly ChildSnapshot[];
};
