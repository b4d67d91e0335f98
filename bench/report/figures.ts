/** Figures as people read them. */
import type { Figures } from '../measure.ts';

export function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** One line. */
export function describeFigures(figures: Figures): string {
  if (figures.kind === 'memory') return `idle ${figures.idleMb.toFixed(1)} MB, each connection ${figures.connectionKib.toFixed(1)} KiB`;
  const { latency, cpuSecondsPerMillion, othersShare } = figures;
  const parts = [`${thousands(figures.receivedPerSecond)} msg/s received`, `${thousands(figures.sentPerSecond)} sent`];
  parts.push(`${thousands(figures.left)} left in the queue`, `${thousands(figures.behind)} not received yet`);
  if (cpuSecondsPerMillion !== undefined) parts.push(`${cpuSecondsPerMillion.toFixed(2)} s CPU per million`);
  if (othersShare !== undefined) parts.push(`others used ${(100 * othersShare).toFixed(0)}% of the machine`);
  if (latency !== undefined) {
    parts.unshift(`p50 ${latency.p50Us} us, p99 ${latency.p99Us} us, p99.9 ${latency.p999Us} us, max ${thousands(latency.maxUs)} us`);
    parts.push(`${latency.missing} missing`);
  }
  return parts.join('; ');
}
