/** Figures as people read them. */
import { othersShareOf, type Figures } from '../measure.ts';
import type { LatencySummary } from '../client/latency.ts';
import type { ConfirmFigures } from '../measurement/confirm.ts';
import type { LoadFigures } from '../measurement/load.ts';
import type { RestartFigures } from '../measurement/restart.ts';

export function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** One line. */
export function describeFigures(figures: Figures): string {
  const othersShare = othersShareOf(figures);
  const parts = partsOf(figures);
  if (othersShare !== undefined) parts.push(`others used ${(100 * othersShare).toFixed(0)}% of the machine`);
  return parts.join('; ');
}

function partsOf(figures: Figures): string[] {
  switch (figures.kind) {
    case 'memory':
      return [`idle ${figures.idleMb.toFixed(1)} MB, each connection ${figures.connectionKib.toFixed(1)} KiB`];
    case 'load':
      return loadParts(figures);
    case 'backlog': {
      const { messages, publishedPerSecond, filledMb, deliveredPerSecond } = figures;
      const drained = deliveredPerSecond === undefined ? 'the queue was empty' : `drained at ${thousands(deliveredPerSecond)} msg/s`;
      const memory = filledMb === undefined ? [] : [`RSS ${thousands(filledMb)} MB when full`];
      return [`${thousands(messages)} published at ${thousands(publishedPerSecond)} msg/s`, ...memory, drained];
    }
    case 'confirm':
      return confirmParts(figures);
    case 'expiring':
      return [`${thousands(figures.messages)} expired at ${thousands(figures.clearedPerSecond)} msg/s`];
    case 'dead-letter':
      return [`${thousands(figures.messages)} dead letters arrived at ${thousands(figures.arrivedPerSecond)} msg/s`];
    case 'restart':
      return restartParts(figures);
  }
}

function percentiles({ p50Us, p99Us, p999Us, maxUs }: LatencySummary): string {
  return `p50 ${p50Us} us, p99 ${p99Us} us, p99.9 ${p999Us} us, max ${thousands(maxUs)} us`;
}

function loadParts({ receivedPerSecond, sentPerSecond, confirmedPerSecond, left, behind, latency, cpuSecondsPerMillion }: LoadFigures): string[] {
  const parts = latency === undefined ? [] : [percentiles(latency)];
  parts.push(`${thousands(receivedPerSecond)} msg/s received`, `${thousands(sentPerSecond)} sent`);
  if (confirmedPerSecond > 0) parts.push(`${thousands(confirmedPerSecond)} confirmed`);
  parts.push(`${thousands(left)} left in the queue`, `${thousands(behind)} not received yet`);
  if (cpuSecondsPerMillion !== undefined) parts.push(`${cpuSecondsPerMillion.toFixed(2)} s CPU per million`);
  if (latency !== undefined) parts.push(`${latency.missing} missing`);
  return parts;
}

function confirmParts({ confirm, flush }: ConfirmFigures): string[] {
  const parts = [`${thousands(confirm.count)} confirms: ${percentiles(confirm)}`];
  if (flush === undefined) return parts;
  const aboveMs = (above: (summary: LatencySummary) => number): string => ((above(confirm) - above(flush)) / 1_000).toFixed(3);
  parts.push(`fdatasync: ${percentiles(flush)}`);
  if (confirm.p50Us < flush.p50Us) parts.push('sooner than the device: confirmed without a flush');
  parts.push(`above it: p50 ${aboveMs(({ p50Us }) => p50Us)} ms, p99 ${aboveMs(({ p99Us }) => p99Us)} ms`);
  return parts;
}

function restartParts(figures: RestartFigures): string[] {
  const { messages, recovered, stopSeconds, readySeconds, firstDeliverySeconds, filledMb, restartedMb } = figures;
  const back = recovered === 0 ? 'the queue was empty after the restart' : `${thousands(recovered)} of ${thousands(messages)} came back`;
  const parts = [back, `stopped in ${stopSeconds.toFixed(2)} s`, `ready after ${readySeconds.toFixed(2)} s`];
  if (firstDeliverySeconds !== undefined) parts.push(`first delivery after ${firstDeliverySeconds.toFixed(2)} s`);
  parts.push(`RSS ${thousands(filledMb)} MB when full, ${thousands(restartedMb)} MB after the restart`);
  return parts;
}
