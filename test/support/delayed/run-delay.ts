/** How long the threads of a process ran, and how long they waited for a processor although they could have run. */
import { readFileSync, readdirSync } from 'node:fs';

export type RunTimes = { readonly ranMs: number; readonly waitedMs: number };

/** Of threads that are there. `/proc/PID/task/TID/schedstat`: | ran ns | waited ns | slices | */
export function runTimes(pid: number): RunTimes {
  let ranMs = 0;
  let waitedMs = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [ran, waited] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ').map(Number) as [number, number];
    ranMs += ran / 1e6;
    waitedMs += waited / 1e6;
  }
  return { ranMs, waitedMs };
}
