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
  return readable(() => readdirSync(`/proc/${pid}/task`), []).flatMap((thread) => {
    const folder = `/proc/${pid}/task/${thread}`;
    // A thread that has ended meanwhile counts as nothing.
    return readable(() => [{ name: readFileSync(`${folder}/comm`, 'utf8').trim(), value: secondsOf(folder) }], []);
  });
}

/** To the nanosecond where the kernel counts it so, else in hundredths, which are too coarse for a short time. */
function secondsOf(folder: string): number {
  const exactNs = readable(() => Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]), 0);
  if (exactNs > 0) return exactNs / 1e9;
  const stat = readFileSync(`${folder}/stat`, 'utf8');
  // The second field, the name, is in parentheses and may hold spaces; user and system time are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function readable<Value>(read: () => Value, otherwise: Value): Value {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
