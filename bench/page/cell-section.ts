/** One workload on the page: its charts, with all runs in each. */
import type { BenchRun, CellResult, Series } from '../matrix/run-result.ts';
import { drawOverTime, type Line } from './chart.ts';
import { drawLatency } from './latency-charts.ts';
import { escape } from './markup.ts';

/** A run's result on this workload, and which run it is. */
type Part = { readonly run: BenchRun; readonly number: number; readonly cell: CellResult };

type Values = readonly (number | null)[];

function named(runs: readonly BenchRun[], run: BenchRun, name: string): string {
  return runs.length === 1 ? name : `${run.label}: ${name}`;
}

function points({ atSeconds }: Series, values: Values): readonly (readonly [number, number | null])[] {
  return atSeconds.map((at, index) => [at, values[index] ?? null]);
}

/** Lines of all parts; of one run each line has its own colour, of several each run has. */
function lines(runs: readonly BenchRun[], parts: readonly Part[], pick: (series: Series) => readonly { readonly name: string; readonly values: Values }[]): Line[] {
  return parts.flatMap(({ run, number, cell: { series } }) =>
    series === undefined
      ? []
      : pick(series).map(({ name, values }, index) => ({
          name: named(runs, run, name),
          points: points(series, values),
          colour: runs.length === 1 ? index : runs.length * index + number,
          isDashed: runs.length > 1 && number > 0,
        })),
  );
}

export function drawCell(runs: readonly BenchRun[], name: string): string {
  const parts = runs.flatMap((run, number) => run.cells.filter((cell) => cell.name === name).map((cell) => ({ run, number, cell })));
  const title = parts[0]?.cell.title ?? name;
  const band = parts[0]?.cell.series?.window;
  const histograms = parts.flatMap(({ run, number, cell: { figures } }) =>
    figures?.kind === 'load' && figures.latency !== undefined ? [{ name: run.label, encoded: figures.latency.encoded, colour: number }] : [],
  );
  const charts = [
    drawLatency(histograms),
    drawOverTime('Throughput', 'messages a second', lines(runs, parts, (series) => [{ name: 'sent', values: series.sentPerSecond }, { name: 'received', values: series.receivedPerSecond }]), band),
    drawOverTime('Processor time by thread', 'processors; threads that hardly work are left out', lines(runs, parts, ({ cpuShares }) => cpuShares), band),
    drawOverTime('Event loops at work', 'share of the time', lines(runs, parts, ({ utilisations }) => utilisations), band, 1),
    drawOverTime('Resident memory', 'MB', lines(runs, parts, ({ rssMb }) => [{ name: 'RSS', values: rssMb }]), band),
    ...drawCommits(runs, parts, band),
  ].filter((chart) => chart !== '');
  const failures = parts.flatMap(({ run, cell: { failed } }) => (failed === undefined ? [] : [`<p class="bad">${escape(run.label)} failed: ${escape(failed)}</p>`]));
  const flames = parts.flatMap(({ run, cell: { flame } }) => (flame === undefined ? [] : [`<p>${flameText(run, flame)}</p>`]));
  if (charts.length === 0 && failures.length === 0) return '';
  return `<section id="${escape(name)}"><h2>${escape(name)} <small>${escape(title)}</small></h2>${failures.join('')}${flames.join('')}<div class="charts">${charts.join('\n')}</div></section>`;
}

function flameText(run: BenchRun, flame: NonNullable<CellResult['flame']>): string {
  if ('problem' in flame) return `${escape(run.label)} could not be profiled: ${escape(flame.problem)}`;
  return `<a href="${escape(flame.page)}">Where the time went in ${escape(run.label)}</a>: measured while it was profiled`;
}

/** Only where the store committed at all. */
function drawCommits(runs: readonly BenchRun[], parts: readonly Part[], band: readonly [number, number] | undefined): string[] {
  const isBusy = parts.some(({ cell: { series } }) => series?.commitsPerSecond.some((value) => (value ?? 0) > 0));
  if (!isBusy) return [];
  return [
    drawOverTime('Commits of the store', 'a second', lines(runs, parts, ({ commitsPerSecond }) => [{ name: 'commits', values: commitsPerSecond }]), band),
    drawOverTime(
      'Time of a commit, until the device has it',
      'us',
      lines(runs, parts, ({ commitP50Us, commitP99Us }) => [{ name: 'p50', values: commitP50Us }, { name: 'p99', values: commitP99Us }]),
      band,
    ),
  ];
}
