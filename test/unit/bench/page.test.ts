import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createHistogram, encodeHistogram, mergeHistograms, recordedCounts, recordLatency, summarizeLatency } from '../../../bench/client/latency.ts';
import { cellsOf, ceilingLoads } from '../../../bench/matrix/cells.ts';
import { ratioOf, rowsOf } from '../../../bench/matrix/measures.ts';
import { commitPercentileUs } from '../../../bench/matrix/probe.ts';
import { progressLine } from '../../../bench/matrix/progress-line.ts';
import { readRunFile, type BenchRun, type CellResult } from '../../../bench/matrix/run-result.ts';
import { terminalReport } from '../../../bench/matrix/terminal-report.ts';
import { histogramSteps, percentilePoints } from '../../../bench/page/latency-charts.ts';
import { benchPage } from '../../../bench/page/page.ts';
import { linear, logarithmic, nines, short } from '../../../bench/page/scale.ts';
import { PLAIN_LOAD } from '../../../bench/scenario/load.ts';
import { readingOf } from '../../../tools/bench/probe-node.ts';

const test = suite('bench/page');

function histogram(): ReturnType<typeof createHistogram> {
  const made = createHistogram();
  for (let us = 1; us <= 1_000; us += 1) recordLatency(made, us * 1_000);
  return made;
}

const encoded = encodeHistogram(histogram());

const THROUGHPUT: CellResult = {
  name: 'auto-100b',
  title: '100 B, transient, automatic ack',
  kind: 'throughput',
  load: PLAIN_LOAD,
  figures: { kind: 'load', receivedPerSecond: 1_500_000, sentPerSecond: 1_500_000, confirmedPerSecond: 0, received: 7, confirmed: 0, left: 0, behind: 0, cpuSecondsPerMillion: 0.5, othersShare: 0.5 },
  series: {
    atSeconds: [0.5, 1, 1.5],
    window: [0.5, 1.5],
    sentPerSecond: [1, 2e6, 1.5e6],
    receivedPerSecond: [null, 1.9e6, 1.5e6],
    rssMb: [100, 110, 120],
    cpuShares: [{ name: 'MainThread', values: [0.1, 0.2, 0.3] }],
    utilisations: [{ name: 'scheduler-1', values: [null, 0.9, 0.8] }],
    commitsPerSecond: [0, 100, 200],
    commitP50Us: [null, 300, 310],
    commitP99Us: [null, 900, 1_200],
  },
};

const LATENCY: CellResult = {
  name: 'latency',
  title: '2,000 msg/s & so on',
  kind: 'latency',
  load: { ...PLAIN_LOAD, ratePerSecond: 2_000 },
  figures: {
    kind: 'load', receivedPerSecond: 2_000, sentPerSecond: 2_000, confirmedPerSecond: 0, received: 7, confirmed: 0, left: 0, behind: 0,
    latency: { ...summarizeLatency(histogram()), missing: 0, encoded },
  },
};

const FAILED: CellResult = { name: 'fan-out', title: 'fan-out', kind: 'throughput', load: PLAIN_LOAD, failed: 'the broker closed: <404> & "gone"' };

function run(label: string, cells: readonly CellResult[] = [THROUGHPUT, LATENCY, FAILED]): BenchRun {
  return {
    format: 'leveret-bench', version: 1, label, startedAt: '2026-01-02T03:04:05.000Z', command: 'leveret bench', broker: { broker: label }, machine: { cores: '2' }, cells,
    clientCeilings: [{ bodyBytes: 100, perSecond: 3_000_000 }],
  };
}

const VOID = new Set(['meta', 'line', 'path', 'rect']);

/** Fails where an element is not closed, or closed in the wrong order. */
function assertNested(html: string): void {
  const open: string[] = [];
  const bare = html.replace(/<!doctype html>/i, '').replace(/<style>[\s\S]*?<\/style>/, '').replace(/(<script[^>]*>)[\s\S]*?(<\/script>)/, '$1$2');
  for (const [, slash, name = '', end] of bare.matchAll(/<(\/?)([a-zA-Z][a-zA-Z0-9]*)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (slash === '/') assert.is(open.pop(), name);
    else if (end !== '/' && !(VOID.has(name) && name === 'meta')) open.push(name);
  }
  assert.equal(open, []);
  assert.is(bare.replace(/<(\/?)([a-zA-Z][a-zA-Z0-9]*)(?:\s[^<>]*?)?(\/?)>/g, '').includes('<'), false, 'a bracket that belongs to no element');
}

test('a page is whole, has its figures inside, and asks for nothing from elsewhere', () => {
  for (const runs of [[run('Leveret 1')], [run('Leveret 1'), run('RabbitMQ 3')], [run('one'), run('two'), run('three')], [run('empty', [])]]) {
    const html = benchPage(runs);
    assertNested(html);
    assert.not.match(html, /https?:|\/\/[a-z]|@import|url\(|<link|<img|\bsrc=/i);
    assert.match(html, 'prefers-color-scheme: dark');
    const inside = /<script type="application\/json" id="figures">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? '';
    assert.equal(readRunFile(inside), JSON.parse(JSON.stringify(runs)));
  }
});

test('every chart that a run has figures for', () => {
  const html = benchPage([run('Leveret 1')]);
  for (const title of ['Throughput', 'Processor time by thread', 'Event loops at work', 'Resident memory', 'Commits of the store', 'Time of a commit', 'Latency by percentile', 'Latency histogram']) {
    assert.match(html, `<figcaption>${title}`);
  }
  assert.match(html, 'p99.99');
  assert.match(html, '1,500,000 msg/s');
  assert.match(html, '3,000,000 msg/s');
  assert.not.match(html, /NaN|Infinity|undefined/);
});

test('what a broker or a person says cannot become part of the markup', () => {
  const evil = '</script><script>alert(1)</script>"\'&';
  const html = benchPage([run(evil)]);
  assertNested(html);
  assert.is([...html.matchAll(/<script/g)].length, 1);
  assert.match(html, '&lt;404&gt; &amp; &quot;gone&quot;');
});

test('two runs beside each other, with the ratio of the first to the second', () => {
  const slower = { ...THROUGHPUT, figures: { ...THROUGHPUT.figures, receivedPerSecond: 100_000 } } as CellResult;
  const runs = [run('Leveret 1'), run('RabbitMQ 3', [slower, LATENCY])];
  const [received] = rowsOf(runs);
  assert.is(received === undefined ? '' : ratioOf(received), '15.0 x');
  const text = terminalReport(runs);
  assert.match(text, /workload +measure +Leveret 1 +RabbitMQ 3 +ratio/);
  assert.match(text, /auto-100b +received +1,500,000 msg\/s +100,000 msg\/s +15.0 x/);
  assert.match(text, /Leveret 1: fan-out failed: the broker closed/);
  assert.match(text, /1 of 1 measurements were disturbed/);
  assert.match(benchPage(runs), /<tr class="good"><td[^>]*><a href="#auto-100b">/);
});

test('one run stands beside what the client reaches by itself', () => {
  assert.match(terminalReport([run('Leveret 1')]), /auto-100b +received +1,500,000 msg\/s +3,000,000 msg\/s/);
});

test('files that hold no runs are refused', () => {
  assert.equal(readRunFile(JSON.stringify({ runs: [run('a')] })), [run('a')]);
  for (const text of ['', '{}', '[]', '{"runs":[{}]}', '{"runs":[{"format":"leveret-bench","version":2}]}']) assert.throws(() => readRunFile(text), TypeError);
});

test('a histogram is shown whole, and percentiles rise', () => {
  const merged = mergeHistograms([encoded, encoded]);
  assert.is(recordedCounts(merged).reduce((sum, { count }) => sum + count, 0), 2_000);
  const steps = histogramSteps(merged).filter((_, index) => index % 2 === 0);
  assert.ok(Math.abs(steps.reduce((sum, [, share]) => sum + share, 0) - 100) < 1e-6);
  const points = percentilePoints(merged);
  assert.ok(points.every(([, us], index) => us >= (points[index - 1]?.[1] ?? 0)));
  assert.is(points.find(([percentile]) => Math.abs(percentile - 90) < 1e-6)?.[1], 900);
  assert.is(percentilePoints(createHistogram()).at(-1)?.[1], 0);
  assert.equal(histogramSteps(createHistogram()), []);
});

test('axes', () => {
  const { place, marks } = linear(0, 93, 0, 100);
  assert.is(place(50), 50);
  assert.equal(marks.map(({ text }) => text), ['0', '20', '40', '60', '80', '100']);
  assert.is(linear(0, 93, 0, 93, true).place(93), 93);
  const log = logarithmic(30, 900, 0, 200);
  assert.equal([log.place(10), log.place(100), log.place(1_000), log.place(0)], [0, 100, 200, 0]);
  assert.equal([nines(0, 400).place(0), Math.round(nines(0, 400).place(99)), nines(0, 400).place(100)], [0, 200, 400]);
  assert.equal([short(1_234_567), short(1_500), short(0.25), short(0)], ['1.23 M', '1.5 k', '0.25', '0']);
});

test('how long commits took between two readings', () => {
  assert.is(commitPercentileUs([5, 0, 0], [5, 9, 1], 0.5), 2 ** (2 / 4));
  assert.is(commitPercentileUs([5, 0, 0], [5, 9, 1], 0.99), 2 ** (3 / 4));
  assert.is(commitPercentileUs([5], [5], 0.5), null);
});

test('what a node tells of itself; other forms are no reading', () => {
  const usage = { activeMs: 1, idleMs: 2, heapUsedBytes: 3 };
  const told = { threads: [{ name: 'main', usage }], commits: { commits: 4, buckets: [0, 4] } };
  assert.equal(readingOf(told), { threads: [{ name: 'main', activeMs: 1, idleMs: 2 }], commits: 4, commitBuckets: [0, 4] });
  for (const other of [null, 1, {}, { threads: [{ name: 1 }] }]) assert.is(readingOf(other), undefined);
});

test('the line that a terminal shows fits into it', () => {
  const progress = { label: 'Leveret', cell: 'auto-100b', number: 3, count: 17, share: 0.5, leftSeconds: 61, sentPerSecond: 1_000, receivedPerSecond: 999, latency: summarizeLatency(histogram()) };
  assert.is(progressLine(progress, 200), '[##########..........] 3/17 Leveret, auto-100b  1,000 sent  999 received msg/s  p50 500 us p99 990 us  1:01 left');
  assert.is(progressLine(progress, 40).length, 39);
});

test('the workloads: four sizes in three ways, clients, latency and a backlog; fewer and shorter when it must be quick', () => {
  const all = cellsOf(false, [], {});
  assert.is(all.length, 17);
  assert.is(new Set(all.map(({ name }) => name)).size, 17);
  assert.equal(ceilingLoads(all).map(({ bodyBytes }) => bodyBytes), [16, 100, 1_024, 65_536]);
  const quick = cellsOf(true, [], {});
  assert.ok(quick.length < all.length && quick.every(({ windowSeconds }) => windowSeconds < 1));
  assert.equal(cellsOf(true, ['latency-20k'], { windowSeconds: 3 }).map(({ name, windowSeconds }) => [name, windowSeconds]), [['latency-20k', 3]]);
  assert.throws(() => cellsOf(false, ['nonsense'], {}), /no workload is called nonsense/);
});

test.run();
