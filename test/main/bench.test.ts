/** `leveret bench` as its users run it: a short matrix with its page, two runs beside each other, and a PerfTest command line. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createBroker } from '../../src/main/index.ts';
import { readRunFile, type BenchRun } from '../../bench/matrix/run-result.ts';
import { browserMissing, openPage } from '../support/browser.ts';
import { startChild, type Child } from './support/child.ts';

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'leveret.js');
const test = suite('leveret bench');
const folder = mkdtempSync(join(tmpdir(), 'leveret-bench-test-'));
const report = join(folder, 'report');
test.after(() => rmSync(folder, { recursive: true, force: true }));

function bench(...words: readonly string[]): Child {
  return startChild(process.execPath, [BIN, 'bench', ...words], {}, folder);
}

function runsIn(directory: string): BenchRun[] {
  return readRunFile(readFileSync(join(directory, 'report.json'), 'utf8'));
}

test('a short matrix measures every workload, and says where its page lies', async () => {
  const child = bench('--quick', '--out', report);
  assert.is(await child.ended, 0, child.stderr() + child.stdout());
  assert.match(child.stderr(), `${report}/report.html`);
  const [run] = runsIn(report);
  assert.match(run?.label ?? '', /^Leveret \d/);
  assert.equal(run?.cells.map(({ name }) => name), ['auto-100b', 'manual-100b', 'persistent-100b', 'fan-out', 'latency', 'fill-persistent']);
  let received = 0;
  for (const { name, figures, failed } of run?.cells ?? []) {
    assert.is(failed, undefined, name);
    assert.match(child.stdout(), name);
    if (figures?.kind === 'load') received += figures.received;
    else if (figures?.kind === 'backlog') assert.ok((figures.deliveredPerSecond ?? 0) > 0, `${name} drained nothing`);
    else assert.unreachable(`${name} has no figures`);
  }
  assert.ok(received > 0);
  const latency = run?.cells.find(({ name }) => name === 'latency')?.figures;
  assert.ok(latency?.kind === 'load' && latency.latency?.count === 1_400 && latency.latency.missing === 0, 'everything of 0.7 s at 2,000 a second');
  assert.ok(run?.cells.some(({ series }) => series?.utilisations.some(({ name, values }) => /^scheduler/.test(name) && values.some((value) => (value ?? 0) > 0))), 'no event loop was asked');
  assert.ok(run?.clientCeilings.some(({ perSecond }) => perSecond > 0));
});

test('the page opens in a browser: charts that are drawn, figures inside, nothing from elsewhere', async () => {
  if (browserMissing() !== undefined) {
    // Its structure is judged in test/unit/bench/page.test.ts, with or without a browser.
    process.stdout.write(`not in a browser: ${browserMissing()}\n`);
    assert.match(readFileSync(join(report, 'report.html'), 'utf8'), '</html>');
    return;
  }
  const page = await openPage(join(report, 'report.html'));
  try {
    assert.equal(page.errors(), []);
    assert.is(await page.value<number>("JSON.parse(document.querySelector('#figures').textContent).runs.length"), 1);
    assert.ok((await page.value<number>("[...document.querySelectorAll('path.line')].filter((line) => line.getBoundingClientRect().width > 50).length")) > 10);
    assert.is(await page.value<number>("performance.getEntriesByType('resource').length"), 0);
    assert.is(await page.value<boolean>('document.documentElement.scrollWidth <= document.documentElement.clientWidth'), true);
    const paper = await page.value<string>("getComputedStyle(document.body).backgroundColor");
    assert.is(paper, await page.value<string>("matchMedia('(prefers-color-scheme: dark)').matches") ? 'rgb(20, 24, 29)' : 'rgb(255, 255, 255)');
  } finally {
    await page.close();
  }
});

test('two runs beside each other, without measuring again', async () => {
  const file = join(report, 'report.json');
  const child = bench('--compare', file, file, '--out', join(folder, 'both'), '--json');
  assert.is(await child.ended, 0, child.stderr());
  assert.equal(readRunFile(child.stdout()).map(({ cells }) => cells.length), [6, 6]);
  assert.match(readFileSync(join(folder, 'both', 'report.html'), 'utf8'), 'stroke-dasharray');
});

test("a PerfTest command line runs as it is, with PerfTest's lines", async () => {
  const broker = await createBroker();
  try {
    const child = bench('-h', broker.url, '-x', '2', '-y', '2', '-u', 'perf-test', '-s', '100', '-c', '10', '-q', '50', '-A', '5', '-C', '20000', '-f', 'persistent', '-i', '0.1', '-d', 'mine', '-z', '60');
    assert.is(await child.ended, 0, child.stderr() + child.stdout());
    assert.match(child.stdout(), 'id: mine, starting consumer #1, channel #0');
    assert.match(child.stdout(), /^id: mine, time \d+\.\d{3} s, sent: [\d.]+ msg\/s, confirmed: [\d.]+ msg\/s, nacked: 0 msg\/s, received: [\d.]+ msg\/s, min\/median\/75th\/95th\/99th consumer latency: \d+\/\d+\/\d+\/\d+\/\d+ µs, confirm latency: /m);
    assert.match(child.stdout(), 'test stopped (Producers and consumers have had their messages)');
    assert.match(child.stdout(), /^id: mine, receiving rate avg: [1-9]/m);
  } finally {
    await broker.close();
  }
});

test("PerfTest's environment variables alone make a run, and -env lists them", async () => {
  const broker = await createBroker();
  try {
    const environment = { URI: broker.url, PRODUCERS: '2', PMESSAGES: '50', CMESSAGES: '100', AUTOACK: 'true', METRICS_FORMAT: 'compact', INTERVAL: '0.2' };
    const child = startChild(process.execPath, [BIN, 'bench'], environment, folder);
    assert.is(await child.ended, 0, child.stderr() + child.stdout());
    assert.match(child.stderr(), /^From the environment: .*\bURI\b/m);
    assert.match(child.stdout(), 'starting producer #1, channel #0');
    assert.match(child.stdout(), /^time +sent +received +consumer latency$/m);
  } finally {
    await broker.close();
  }
  const list = bench('-env');
  assert.is(await list.ended, 0);
  assert.match(list.stdout(), /^PRODUCER_CHANNEL_COUNT +channels of each producer/m);
});

test('failures are one sentence and the right code, and nothing is written', async () => {
  const wrong = bench('--quick', '--only', 'nonsense', '--out', join(folder, 'nothing'));
  assert.is(await wrong.ended, 1);
  assert.match(wrong.stderr(), 'no workload is called nonsense');
  const unknown = bench('--nonsense');
  assert.is(await unknown.ended, 2);
  assert.match(unknown.stderr(), 'unknown option --nonsense');
  const nobody = bench('-h', 'amqp://127.0.0.1:1', '-z', '1');
  assert.is(await nobody.ended, 1);
  assert.match(nobody.stderr(), 'nobody listens there');
  const help = bench('--help');
  assert.is(await help.ended, 0);
  assert.match(help.stdout(), '-x, --producers');
  assert.match(help.stdout(), /-sq, --stream-queue +a stream is read/);
  assert.not.ok(existsSync(join(folder, 'nothing')));
});

test.run();
