/** The measures of a workload, as the table and the page show them: for one run, or beside each other. */
import type { Figures } from '../measure.ts';
import { thousands } from '../report/figures.ts';
import type { BenchRun, CellResult } from './run-result.ts';

export type Measure = {
  readonly name: string;
  readonly unit: string;
  readonly digits: number;
  /** More of it is better. */
  readonly isGain: boolean;
  readonly value: number;
};

function measure(name: string, unit: string, value: number | undefined, isGain: boolean, digits = 0): Measure[] {
  return value === undefined || !Number.isFinite(value) ? [] : [{ name, unit, digits, isGain, value }];
}

/** What of the figures is worth a line. */
export function measuresOf(figures: Figures): Measure[] {
  switch (figures.kind) {
    case 'load': {
      const { latency, cpuSecondsPerMillion, receivedPerSecond, confirmedPerSecond } = figures;
      return [
        ...(latency === undefined ? measure('received', 'msg/s', receivedPerSecond, true) : []),
        ...(latency === undefined && confirmedPerSecond > 0 ? measure('confirmed', 'msg/s', confirmedPerSecond, true) : []),
        ...(latency === undefined
          ? []
          : [
              ...measure('p50', 'us', latency.p50Us, false),
              ...measure('p99', 'us', latency.p99Us, false),
              ...measure('p99.9', 'us', latency.p999Us, false),
              ...measure('max', 'us', latency.maxUs, false),
              ...measure('missing', 'msg', latency.missing, false),
            ]),
        ...measure('CPU per million', 's', cpuSecondsPerMillion, false, 2),
      ];
    }
    case 'backlog':
      return [
        ...measure('filled', 'msg/s', figures.publishedPerSecond, true),
        ...measure('RSS when full', 'MB', figures.filledMb, false),
        ...measure('drained', 'msg/s', figures.deliveredPerSecond, true),
      ];
    default:
      return [];
  }
}

export function shown({ value, unit, digits }: Measure): string {
  return `${digits === 0 ? thousands(value) : value.toFixed(digits)} ${unit}`;
}

/** One line of the table: what each run reached, undefined where it has no such figure. */
export type Row = { readonly cell: string; readonly title: string; readonly measure: string; readonly isGain: boolean; readonly values: readonly (Measure | undefined)[] };

/** Every measure of every workload that any run has, in the order of the first run that has it. */
export function rowsOf(runs: readonly BenchRun[]): Row[] {
  const cells = new Map<string, string>();
  for (const run of runs) for (const { name, title } of run.cells) if (!cells.has(name)) cells.set(name, title);
  return [...cells].flatMap(([name, title]) => {
    const measures = runs.map((run) => {
      const figures = run.cells.find((cell) => cell.name === name)?.figures;
      return figures === undefined ? [] : measuresOf(figures);
    });
    const names = [...new Set(measures.flatMap((list) => list.map((one) => one.name)))];
    return names.map((measureName) => {
      const values = measures.map((list) => list.find((one) => one.name === measureName));
      return { cell: name, title, measure: measureName, isGain: values.find((value) => value !== undefined)?.isGain ?? true, values };
    });
  });
}

/** The first run's figure in relation to the second's: `16.2 x`; empty where one is missing. */
export function ratioOf({ values: [first, second] }: Row): string {
  if (first === undefined || second === undefined || second.value === 0) return '';
  const ratio = first.value / second.value;
  return `${ratio.toFixed(ratio >= 100 ? 0 : ratio >= 10 ? 1 : 2)} x`;
}

/** What the client reaches by itself, for the pairs: a broker's figure is worth believing only well below it. */
export function ceilingOf(run: BenchRun, cell: CellResult): number | undefined {
  const { load } = cell;
  if (load === undefined || load.producers !== 1 || load.consumers !== 1 || load.persistent || load.ratePerSecond !== undefined) return undefined;
  return run.clientCeilings.find(({ bodyBytes }) => bodyBytes === load.bodyBytes)?.perSecond;
}
