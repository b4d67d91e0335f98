/** Processor time of each thread of a process and its children, read from Linux' /proc. */
import { readdirSync, readFileSync } from 'node:fs';
import { processTree, TICKS_PER_SECOND } from './process-usage.ts';

/** Threads of which a program has several for several purposes: each is told apart. Others of one name are added up. */
const TOLD_APART: ReadonlySet<string> = new Set(['WorkerThread']);

/** Seconds since the thread began, by its name. Empty where there is no /proc. */
export function threadSeconds(pid: number): Map<string, number> {
  const seconds = new Map<string, number>();
  for (const process of processTree(pid)) {
    let toldApart = 0;
    for (const { name, value } of threadsOf(process)) {
      const key = TOLD_APART.has(name) ? `${name} ${++toldApart}` : name;
      seconds.set(key, (seconds.get(key) ?? 0) + value);
    }
  }
  return seconds;
}

function threadsOf(pid: number): { readonly name: string; readonly value: number }[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
      try {
        const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
        // The second field, the name, is in parentheses and may hold spaces; user and system time are fields 14 and 15.
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
        return [{ name, value: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND }];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}
