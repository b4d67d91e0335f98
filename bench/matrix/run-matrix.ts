/** Runs the workloads of `leveret bench` on one broker, one after the other. */
import { callAt } from '../client/clock.ts';
import type { LatencySummary } from '../client/latency.ts';
import type { Window } from '../client/orders.ts';
import { measureScenario, type Figures } from '../measure.ts';
import type { Target } from '../measurement/target.ts';
import { ceilingLoads, expectedSeconds, type Cell } from './cells.ts';
import { clientCeiling } from './ceiling.ts';
import { describeMachine } from './machine.ts';
import type { Probe } from './probe.ts';
import { Recorder } from './recorder.ts';
import { RESULT_FORMAT, RESULT_VERSION, type BenchRun, type CellResult } from './run-result.ts';

/** Samples of a measurement: enough for a line, few enough not to disturb. */
const SAMPLES = 40;
const SAMPLE_MS_LEAST = 100;
const SAMPLE_MS_MOST = 500;
/** Each look at the broker costs it and the client a millisecond or so: more often than this it would be in the p99 that it looks at. */
const LATENCY_SAMPLE_MS = 1_000;
/** A window that is no longer has few samples already, and figures that say little. */
const SHORT_WINDOW_SECONDS = 1;
/** Against a server that does nothing the figures are steady at once. */
const CEILING_TIMING = { warmupSeconds: 0.5, windowSeconds: 1 };
const QUICK_CEILING_TIMING = { warmupSeconds: 0.2, windowSeconds: 0.4 };

export type Broker = {
  readonly label: string;
  readonly described: Readonly<Record<string, string>>;
  readonly target: Target;
  readonly probe?: Probe | undefined;
  readonly profile?: Profile | undefined;
};

/** Profiles the broker for so long; answers the page with its flame graph, relative to the report. Rejects with a sentence. */
export type Profile = (cell: string, seconds: number) => Promise<string>;

export type MatrixOptions = { readonly cells: readonly Cell[]; readonly isQuick: boolean; readonly withCeilings: boolean; readonly command: string; readonly signal: AbortSignal };

/** How far a run is. */
export type MatrixProgress = {
  readonly label: string;
  readonly cell: string;
  readonly number: number;
  readonly count: number;
  /** Of the whole run, 0 to 1. */
  readonly share: number;
  readonly leftSeconds: number;
  readonly sentPerSecond: number;
  readonly receivedPerSecond: number;
  readonly latency: LatencySummary | undefined;
};

/** A workload that fails is part of the result; nothing rejects. What was not begun when the signal came is left out. */
export async function runMatrix(broker: Broker, options: MatrixOptions, watch: (progress: MatrixProgress) => void): Promise<BenchRun> {
  const { cells, signal } = options;
  const startedAt = new Date().toISOString();
  const machine = describeMachine();
  const totalSeconds = cells.reduce((sum, cell) => sum + expectedSeconds(cell), 0);
  const results: CellResult[] = [];
  let doneSeconds = 0;
  for (const [index, cell] of cells.entries()) {
    if (signal.aborted) break;
    const beganMs = performance.now();
    const show = ({ live }: Recorder): void => {
      const spentSeconds = Math.min(expectedSeconds(cell), (performance.now() - beganMs) / 1_000);
      const latency = live.latest?.latency;
      watch({
        label: broker.label,
        cell: cell.name,
        number: index + 1,
        count: cells.length,
        share: Math.min(1, (doneSeconds + spentSeconds) / totalSeconds),
        leftSeconds: Math.max(0, totalSeconds - doneSeconds - spentSeconds),
        sentPerSecond: live.sentPerSecond,
        receivedPerSecond: live.receivedPerSecond,
        latency: latency === undefined || latency.count === 0 ? undefined : latency,
      });
    };
    results.push(await runCell(cell, broker, show, signal));
    doneSeconds += expectedSeconds(cell);
  }
  return {
    format: RESULT_FORMAT,
    version: RESULT_VERSION,
    label: broker.label,
    startedAt,
    command: options.command,
    broker: broker.described,
    machine,
    cells: results,
    clientCeilings: options.withCeilings && !signal.aborted ? await ceilings(cells, options.isQuick) : [],
  };
}

function sampleMsOf({ kind, warmupSeconds, windowSeconds }: Cell): number {
  if (kind === 'backlog') return SAMPLE_MS_MOST;
  if (kind === 'latency' && windowSeconds > SHORT_WINDOW_SECONDS) return LATENCY_SAMPLE_MS;
  return Math.min(SAMPLE_MS_MOST, Math.max(SAMPLE_MS_LEAST, ((warmupSeconds + windowSeconds) * 1_000) / SAMPLES));
}

async function runCell(cell: Cell, { target, probe, profile }: Broker, show: (recorder: Recorder) => void, signal: AbortSignal): Promise<CellResult> {
  const recorder = new Recorder(target.pid, probe);
  const sampleMs = sampleMsOf(cell);
  recorder.start(sampleMs);
  const shown = setInterval(() => show(recorder), SAMPLE_MS_MOST);
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(new Error('interrupted'));
    signal.addEventListener('abort', () => reject(new Error('interrupted')), { once: true });
  });
  let profiled: Promise<CellResult['flame']> = Promise.resolve(undefined);
  const base = { name: cell.name, title: cell.title, kind: cell.kind, ...(cell.kind === 'backlog' ? {} : { load: cell.load }) };
  try {
    show(recorder);
    const timing = { warmupSeconds: cell.warmupSeconds, windowSeconds: cell.windowSeconds };
    const looking = {
      sampleMs,
      sampled: recorder.sampled.bind(recorder),
      started: (window: Window) => {
        recorder.started(window);
        if (profile !== undefined) callAt(window.fromNs, () => void (profiled = profileCell(profile, cell)));
      },
    };
    const figures: Figures = await Promise.race([measureScenario(cell, target, timing, looking), aborted]);
    const series = recorder.series();
    const flame = await profiled;
    return { ...base, figures, ...(series === undefined ? {} : { series }), ...(flame === undefined ? {} : { flame }) };
  } catch (error) {
    return { ...base, failed: error instanceof Error ? error.message : String(error) };
  } finally {
    clearInterval(shown);
    recorder.stop();
  }
}

async function profileCell(profile: Profile, { name, windowSeconds }: Cell): Promise<CellResult['flame']> {
  try {
    return { page: await profile(name, windowSeconds) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

async function ceilings(cells: readonly Cell[], isQuick: boolean): Promise<BenchRun['clientCeilings']> {
  const found: { bodyBytes: number; perSecond: number }[] = [];
  for (const load of ceilingLoads(cells)) {
    try {
      found.push({ bodyBytes: load.bodyBytes, perSecond: Math.round(await clientCeiling(load, isQuick ? QUICK_CEILING_TIMING : CEILING_TIMING)) });
    } catch {
      // Without a ceiling the figure stands alone.
    }
  }
  return found;
}

