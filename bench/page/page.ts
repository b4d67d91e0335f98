/** One page for one run, or for several beside each other: readable without a network and without a script, the figures inside. */
import { ceilingOf, ratioOf, rowsOf, shown, type Row } from '../matrix/measures.ts';
import type { BenchRun } from '../matrix/run-result.ts';
import { thousands } from '../report/figures.ts';
import { drawCell } from './cell-section.ts';
import { embeddedJson, escape } from './markup.ts';
import { STYLE } from './style.ts';

export function benchPage(runs: readonly BenchRun[]): string {
  const title = runs.map(({ label }) => label).join(' and ');
  const names = [...new Set(runs.flatMap(({ cells }) => cells.map(({ name }) => name)))];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(title)}: benchmark</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escape(title)}</h1>
<p class="faint">Throughput, latency and what it took. Absolute figures move from machine to machine and from hour to hour: compare those of one run.</p>
${runs.map(facts).join('\n')}
<h2 id="table">All figures</h2>
<div class="scroll">${table(runs)}</div>
${notes()}
${names.map((name) => drawCell(runs, name)).join('\n')}
<h2 id="raw">Raw figures</h2>
<p>The element <code>#figures</code> of this page holds them as JSON, histograms included (HdrHistogram, compressed, base64).</p>
<details><summary>Show them</summary><pre>${escape(JSON.stringify({ runs: runs.map(withoutSeries) }, undefined, 1))}</pre></details>
<script type="application/json" id="figures">${embeddedJson({ runs })}</script>
</body>
</html>
`;
}

function facts({ label, startedAt, command, broker, machine }: BenchRun): string {
  const entries = Object.entries({ started: startedAt, ...broker, ...machine });
  return `<h2>${escape(label)}</h2><p><code>${escape(command)}</code></p>
<dl>${entries.map(([name, value]) => `<dt>${escape(name)}</dt><dd>${escape(value)}</dd>`).join('')}</dl>`;
}

function table(runs: readonly BenchRun[]): string {
  const isPair = runs.length === 2;
  const withCeiling = runs.some(({ clientCeilings }) => clientCeilings.length > 0);
  const head = ['workload', 'measure', ...runs.map(({ label }) => label), ...(isPair ? ['ratio'] : []), ...(withCeiling ? ['client alone'] : [])];
  const rows = rowsOf(runs).map((row) => {
    const figures = row.values.map((value) => (value === undefined ? '-' : shown(value)));
    const cells = [...figures, ...(isPair ? [ratioOf(row)] : []), ...(withCeiling ? [ceilingText(runs, row)] : [])];
    return `<tr class="${isPair ? verdict(row) : ''}"><td title="${escape(row.title)}"><a href="#${escape(row.cell)}">${escape(row.cell)}</a></td><td>${escape(row.measure)}</td>${cells.map((text) => `<td class="figure">${escape(text)}</td>`).join('')}</tr>`;
  });
  return `<table><thead><tr>${head.map((text, index) => `<th${index < 2 ? '' : ' class="figure"'}>${escape(text)}</th>`).join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`;
}

function ceilingText(runs: readonly BenchRun[], row: Row): string {
  if (row.measure !== 'received') return '';
  for (const run of runs) {
    const cell = run.cells.find(({ name }) => name === row.cell);
    const ceiling = cell === undefined ? undefined : ceilingOf(run, cell);
    if (ceiling !== undefined) return `${thousands(ceiling)} msg/s`;
  }
  return '';
}

/** Which of two is ahead: the class of the table's row. */
function verdict({ isGain, values: [first, second] }: Row): string {
  if (first === undefined || second === undefined || first.value === second.value) return '';
  return first.value > second.value === isGain ? 'good' : 'bad';
}

function notes(): string {
  return `<p class="faint">Client alone: what the two client processes exchange with a server that does nothing; a figure near it is the client's, not the broker's.
Latency is arrival minus the time at which the sending was due, by a schedule that waits for nobody (open loop). Other processes on the machine spoil everything.</p>`;
}

/** Without what has its own charts: short enough to read. */
function withoutSeries(run: BenchRun): object {
  return { ...run, cells: run.cells.map(({ series: _series, ...cell }) => cell) };
}
