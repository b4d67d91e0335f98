/** The line that a terminal shows while a run goes on. */
import { thousands } from '../report/figures.ts';
import type { MatrixProgress } from './run-matrix.ts';

const BAR_WIDTH = 20;

/** `[########............] 6/17 manual-1kib  1,234,567 sent  1,234,000 received msg/s  p50 90 us p99 400 us  1:20 left`, cut to the width. */
export function progressLine(progress: MatrixProgress, width: number): string {
  const filled = Math.round(progress.share * BAR_WIDTH);
  const left = Math.round(progress.leftSeconds);
  const { latency } = progress;
  const parts = [
    `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${progress.number}/${progress.count} ${progress.label}, ${progress.cell}`,
    ...(progress.sentPerSecond > 0 ? [`${thousands(progress.sentPerSecond)} sent`] : []),
    ...(progress.receivedPerSecond > 0 ? [`${thousands(progress.receivedPerSecond)} received msg/s`] : []),
    ...(latency === undefined ? [] : [`p50 ${thousands(latency.p50Us)} us p99 ${thousands(latency.p99Us)} us`]),
    `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')} left`,
  ];
  return parts.join('  ').slice(0, Math.max(0, width - 1));
}
