/** How long a publisher waits who waits for each confirm, and how much of it is the device. */
import type { Timing } from '../client/conduct.ts';
import { createHistogram, recordLatency, summarizeLatency, type LatencySummary } from '../client/latency.ts';
import { publishOneByOne } from '../client/single-confirms.ts';
import type { ConfirmScenario } from '../scenario/scenario.ts';
import { FlushMeter } from './flush-meter.ts';
import { MachineWatch } from './machine-watch.ts';
import { withDurableQueue } from './queue-of-its-own.ts';
import type { Target } from './target.ts';

export type ConfirmFigures = {
  readonly kind: 'confirm';
  /** From the publish to its confirm. */
  readonly confirm: LatencySummary;
  /** fdatasync after a write of 4 KiB in the same file system, in turns with the publishes; undefined: the folder is not known. */
  readonly flush: LatencySummary | undefined;
  readonly othersShare?: number;
};

/** One after the other, never at the same time: each has the device for itself, and both see the same hour of it. */
export function measureConfirm({ bodyBytes }: ConfirmScenario, { url, pid, folder }: Target, timing: Timing): Promise<ConfirmFigures> {
  return withDurableQueue(url, async (queue) => {
    const [confirms, flushes] = [createHistogram(), createHistogram()];
    const meter = folder === undefined ? undefined : new FlushMeter(folder);
    const between = (counted: boolean): void => {
      const flushNs = meter?.flush();
      if (counted && flushNs !== undefined) recordLatency(flushes, flushNs);
    };
    try {
      const watch = pid === undefined ? undefined : new MachineWatch(pid);
      await publishOneByOne({ url, queue, bodyBytes, timing, histogram: confirms, between });
      watch?.close();
      return {
        kind: 'confirm',
        confirm: summarizeLatency(confirms),
        flush: meter === undefined ? undefined : summarizeLatency(flushes),
        ...(watch === undefined ? {} : { othersShare: watch.othersShare }),
      };
    } finally {
      meter?.close();
    }
  });
}
