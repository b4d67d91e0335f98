/** What a run found: plain data for JSON, and a table for people. */
import type { FaultTally } from './fault-drivers.ts';
import type { Verdict } from './message-ledger.ts';
import type { TimeSummary } from './recovery-times.ts';

export type ChaosReport = {
  /** Nothing lost, unexpected, duplicated or disordered, and no problem beside them. */
  readonly passed: boolean;
  /** Replays the plan. */
  readonly seed: number;
  readonly broker: string;
  /** Of the checkout that ran; undefined outside of one. */
  readonly commit?: string;
  readonly node: string;
  readonly startedAt: string;
  /** From the start of traffic to the end of draining. */
  readonly durationMs: number;
  readonly verdict: Verdict;
  /** Messages that stood in the queues and would not come. */
  readonly left: number;
  readonly faults: FaultTally & { readonly crashes: Readonly<Record<string, number>>; readonly threadsLost: number };
  readonly recovery: {
    /** From the last start of the process to the first confirm. */
    readonly afterStart?: TimeSummary;
    /** From a publisher's loss of its connection to its next confirm. */
    readonly afterLoss?: TimeSummary;
  };
  /** The first violations in words. */
  readonly examples: readonly string[];
  /** What no counter counts: the broker ended by itself, a publish was never answered. */
  readonly problems: readonly string[];
};

export function hasPassed({ lost, unexpected, duplicated, disordered }: Verdict, left: number, problems: readonly string[]): boolean {
  return lost + unexpected + duplicated + disordered + left + problems.length === 0;
}

export function formatReport(report: ChaosReport): string {
  const { verdict, faults, recovery } = report;
  const crashes = Object.entries(faults.crashes).map(([group, count]) => `${count} ${group}`);
  const { running, recovering, stopping, store } = faults.kills;
  const kills = `${running} serving, ${recovering} recovering, ${stopping} closing`;
  const rows: readonly (readonly [string, string])[] = [
    ['broker', `${report.broker}${report.commit === undefined ? '' : ` (${report.commit})`}, Node ${report.node}`],
    ['seed', String(report.seed)],
    ['duration', `${(report.durationMs / 1000).toFixed(1)} s`],
    ['actor crashes', crashes.length === 0 ? '0' : `${sum(Object.values(faults.crashes))} (${crashes.join(', ')})`],
    ['threads', `${faults.threadsLost} lost, ${faults.stalls} stalled`],
    ['kill -9', `${running + recovering + stopping} (${kills})`],
    ['stores lost', String(store)],
    ...(faults.skipped === 0 ? [] : [['not carried out', `${faults.skipped} orders`] as const]),
    ['recovery after start', formatTimes(recovery.afterStart)],
    ['recovery after loss', formatTimes(recovery.afterLoss)],
    ...Object.entries(verdict).map(([counter, count]) => [counter, count.toLocaleString('en-US')] as const),
    ...(report.left === 0 ? [] : [['left in queues', String(report.left)] as const]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}${value}`);
  const details = [...report.examples, ...report.problems].map((text) => `  ! ${text}`);
  return [...lines, ...details, report.passed ? 'passed' : `FAILED; --seed ${report.seed} makes the same plan`, ''].join('\n');
}

function formatTimes(times: TimeSummary | undefined): string {
  return times === undefined ? '-' : `p50 ${times.p50Ms} ms, p99 ${times.p99Ms} ms, max ${times.maxMs} ms (${times.count})`;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
