/** What one run of `leveret bench` found out, as it stands in JSON files and in the page. */
import type { Figures } from '../measure.ts';
import type { Load } from '../scenario/load.ts';

export const RESULT_FORMAT = 'leveret-bench';
export const RESULT_VERSION = 1;

/** Figures by time. All lists have the length of `atSeconds`; null: not known at that time. */
export type Series = {
  /** Since the load began, s. */
  readonly atSeconds: readonly number[];
  /** The window that counts, s. */
  readonly window: readonly [fromSeconds: number, toSeconds: number];
  readonly sentPerSecond: readonly (number | null)[];
  readonly receivedPerSecond: readonly (number | null)[];
  readonly rssMb: readonly (number | null)[];
  /** Processor time of the broker's threads, as a share of one processor. */
  readonly cpuShares: readonly NamedSeries[];
  /** Share of its time in which the event loop of a thread had work; only of a Leveret that is asked on its control socket. */
  readonly utilisations: readonly NamedSeries[];
  readonly commitsPerSecond: readonly (number | null)[];
  /** How long commits took until the device had them, us. */
  readonly commitP50Us: readonly (number | null)[];
  readonly commitP99Us: readonly (number | null)[];
};

export type NamedSeries = { readonly name: string; readonly values: readonly (number | null)[] };

export type CellResult = {
  readonly name: string;
  readonly title: string;
  readonly kind: string;
  readonly load?: Load;
  /** Absent: it failed, and `failed` says why. */
  readonly figures?: Figures;
  readonly failed?: string;
  readonly series?: Series;
  /** The page with its flame graph, relative to the report; or why there is none. */
  readonly flame?: { readonly page: string } | { readonly problem: string };
};

export type BenchRun = {
  readonly format: typeof RESULT_FORMAT;
  readonly version: typeof RESULT_VERSION;
  /** `Leveret 0.1.0 (flushed)`. */
  readonly label: string;
  readonly startedAt: string;
  /** The command line that makes it again. */
  readonly command: string;
  readonly broker: Readonly<Record<string, string>>;
  readonly machine: Readonly<Record<string, string>>;
  readonly cells: readonly CellResult[];
  /** Messages a second that the client's two processes exchange with a server that does nothing, by body size. */
  readonly clientCeilings: readonly { readonly bodyBytes: number; readonly perSecond: number }[];
};

export type RunFile = { readonly runs: readonly BenchRun[] };

/** Throws a TypeError, a sentence without the file's name. */
export function readRunFile(text: string): BenchRun[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TypeError('it is not JSON');
  }
  const runs: unknown = typeof value === 'object' && value !== null && 'runs' in value ? value.runs : undefined;
  const isRun = (run: unknown): run is BenchRun =>
    typeof run === 'object' && run !== null && 'format' in run && run.format === RESULT_FORMAT && 'version' in run && run.version === RESULT_VERSION;
  if (!Array.isArray(runs) || !runs.every(isRun)) throw new TypeError(`it holds no runs of leveret bench, version ${RESULT_VERSION}`);
  return runs;
}
