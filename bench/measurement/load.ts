/** Throughput and latency of one load. */
import { conduct, type LoadResult, type Timing, type WindowWatch } from '../client/conduct.ts';
import type { Load } from '../scenario/load.ts';
import { MachineWatch } from './machine-watch.ts';
import type { Target } from './target.ts';

export type LoadFigures = LoadResult & {
  readonly kind: 'load';
  /** Processor time of the broker per million messages received; where nobody receives, confirmed. */
  readonly cpuSecondsPerMillion?: number;
  /** The share of the machine that processes outside the measurement used: above a few per cent, the figures say little. */
  readonly othersShare?: number;
};

/** Whoever looks on while the load runs. */
export type LoadWatch = Pick<WindowWatch, 'sampleMs' | 'sampled' | 'started'>;

export async function measureLoad(load: Load, { url, pid }: Target, timing: Timing, looking?: LoadWatch): Promise<LoadFigures> {
  if (pid === undefined) {
    return { kind: 'load', ...(await conduct(url, load, timing, looking && { ...looking, opened: () => undefined, closed: () => undefined })) };
  }
  const watch = new MachineWatch(pid);
  const result = await conduct(url, load, timing, { ...looking, opened: () => watch.open(), closed: () => watch.close() });
  const messages = load.consumers === 0 ? result.confirmed : result.received;
  return {
    kind: 'load',
    ...result,
    ...(messages === 0 ? {} : { cpuSecondsPerMillion: watch.brokerSeconds / (messages / 1e6) }),
    othersShare: watch.othersShare,
  };
}
