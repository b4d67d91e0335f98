/** Throughput and latency of one load. */
import { conduct, type LoadResult, type Timing } from '../client/conduct.ts';
import type { Load } from '../scenario/scenario.ts';
import { MachineWatch } from './machine-watch.ts';
import type { Target } from './target.ts';

export type LoadFigures = LoadResult & {
  readonly kind: 'load';
  /** Processor time of the broker per million messages received. */
  readonly cpuSecondsPerMillion?: number;
  /** The share of the machine that processes outside the measurement used: above a few per cent, the figures say little. */
  readonly othersShare?: number;
};

export async function measureLoad(load: Load, { url, pid }: Target, timing: Timing): Promise<LoadFigures> {
  if (pid === undefined) return { kind: 'load', ...(await conduct(url, load, timing)) };
  const watch = new MachineWatch(pid);
  const result = await conduct(url, load, timing, { opened: () => watch.open(), closed: () => watch.close() });
  return {
    kind: 'load',
    ...result,
    cpuSecondsPerMillion: watch.brokerSeconds / (result.received / 1e6),
    othersShare: watch.othersShare,
  };
}
