/** Memory and processor time of a process and its children, read from Linux' /proc. */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: the unit of times in /proc/pid/stat, fixed at 100 on every Linux that Node runs on. */
export const TICKS_PER_SECOND = 100;

export type ProcessUsage = { readonly rssBytes: number; readonly cpuSeconds: number };

export function processTree(pid: number): number[] {
  const children: number[] = [];
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const text = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim();
      if (text !== '') children.push(...text.split(' ').map(Number));
    }
  } catch {
    // It ended meanwhile: what it had counts as nothing.
  }
  return [pid, ...children.flatMap(processTree)];
}

function usageOf(pid: number): ProcessUsage {
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the name, is in parentheses and may hold spaces; user and system time are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { rssBytes: Number(kib ?? 0) * 1024, cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND };
  } catch {
    return { rssBytes: 0, cpuSeconds: 0 };
  }
}

/** A process and all its children. */
export function processUsage(pid: number): ProcessUsage {
  return usageOfAll(processTree(pid));
}

/** Everything that takes part in a measurement: this process, its children, and a broker that is not among them. */
export function ownUsage(brokerPid: number): ProcessUsage {
  return usageOfAll([...new Set([...processTree(process.pid), ...processTree(brokerPid)])]);
}

/**
 * What all processes of the machine have used, and what the hypervisor took away. Interrupts are left out: the loopback
 * device's work is counted there, and it belongs to the measurement.
 */
export function machineCpuSeconds(): number {
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = readFileSync('/proc/stat', 'utf8').split(/\s+/).slice(1, 9).map(Number);
  return (user + nice + system + steal) / TICKS_PER_SECOND;
}

function usageOfAll(pids: readonly number[]): ProcessUsage {
  return pids
    .map(usageOf)
    .reduce((sum, usage) => ({ rssBytes: sum.rssBytes + usage.rssBytes, cpuSeconds: sum.cpuSeconds + usage.cpuSeconds }));
}
