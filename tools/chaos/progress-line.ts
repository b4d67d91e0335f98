/** The line that a terminal shows while a run goes on. */
import type { ChaosProgress } from './run-chaos.ts';

export type Goals = { readonly crashes: number; readonly threads: number; readonly kills: number };

export function progressLine(progress: ChaosProgress, goals: Goals): string {
  const of = (done: number, goal: number): string => (goal === 0 ? String(done) : `${done}/${goal}`);
  const times = progress.recovery.summary();
  return [
    `${(progress.elapsedMs / 1000).toFixed(0).padStart(4)} s`,
    ...(progress.phase === 'draining' ? ['draining'] : []),
    `crashes ${of(progress.crashes, goals.crashes)}`,
    `threads ${of(progress.threadsLost, goals.threads)}`,
    `kill -9 ${of(progress.kills, goals.kills)}`,
    ...(times === undefined ? [] : [`recovery p50 ${times.p50Ms} p99 ${times.p99Ms} max ${times.maxMs} ms`]),
    `confirmed ${progress.acknowledged.toLocaleString('en-US')}`,
    `lost so far ${progress.missing}`,
  ].join('  ');
}
