/** What PerfTest's command lines have around them: environment variables, forms of output, questions and refusals. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCommandLine } from '../../../bench/command-line.ts';
import { describeVariables, isMeant, withEnvironment } from '../../../bench/perf-test/perf-test-environment.ts';
import { describeRefused, FLAGS, readFlags, type Flag } from '../../../bench/perf-test/perf-test-flags.ts';
import type { LineShape } from '../../../bench/perf-test/perf-test-lines.ts';
import type { PerfTestOptions } from '../../../bench/perf-test/perf-test-options.ts';
import { openOutput } from '../../../bench/perf-test/perf-test-output.ts';
import { PerfTestBench } from '../../support/perf-test-bench.ts';
import { undisturbed } from '../../support/timely.ts';

const test = suite('bench/perf-test surroundings');

function optionsOf(line: string, environment: Readonly<Record<string, string>>): PerfTestOptions {
  const wish = parseCommandLine(line.split(' ').filter((word) => word !== ''), 'test-1', environment);
  if ('problem' in wish || wish.kind !== 'perf-test') throw new Error(JSON.stringify(wish));
  return wish.options;
}

function problemOf(line: string, environment: Readonly<Record<string, string>> = {}): string {
  const wish = parseCommandLine(line.split(' ').filter((word) => word !== ''), 'test-1', environment);
  return 'problem' in wish ? wish.problem : '';
}

test('each option is an environment variable too, and the variable is the stronger one', () => {
  const environment = { PRODUCERS: '3', AUTOACK: 'true', FLAG: 'persistent,mandatory', QUEUE_ARGS: 'x-max-length=10', CONFIRM: '7', NACK: 'false', VARIABLE_RATE: '100:10,0:5' };
  assert.equal(optionsOf('-x 1 -y 2 -na', environment), optionsOf('-x 3 -y 2 -a -f persistent mandatory -qa x-max-length=10 -c 7 -vr 100:10 0:5', {}));
});

test('without an option, only an address says that PerfTest is meant; with a prefix, any variable does', () => {
  assert.is(isMeant({ TYPE: 'topic', TIME: '5' }), false);
  assert.equal(optionsOf('', { URI: 'amqp://host', PRODUCERS: '2' }).load.producers, 2);
  assert.equal(optionsOf('', { RABBITMQ_PERF_TEST_ENV_PREFIX: 'PT', PT_PRODUCERS: '2', PRODUCERS: '9' }).load.producers, 2);
  const wish = parseCommandLine(['--quick'], 'test-1', { URI: 'amqp://host' });
  assert.is('kind' in wish && wish.kind, 'matrix');
});

test('which variables were read is known, and refusals hold for them', () => {
  const read = withEnvironment({}, { PRODUCERS: '2', SIZE: '5', HOME: '/' });
  assert.equal('variables' in read && read.variables, ['producers', 'size'].map((name) => name.toUpperCase()));
  assert.match(problemOf('-x 1', { STREAM_QUEUE: 'true' }), /STREAM_QUEUE is PerfTest's, and cannot be carried out here: a stream/);
  assert.is(problemOf('-x 1', { STREAM_QUEUE: 'false' }), '');
  assert.match(problemOf('-x 1', { URI: 'http://host' }), 'no address');
});

test('-env lists the variables', () => {
  const wish = parseCommandLine(['-env'], 'test-1', { RABBITMQ_PERF_TEST_ENV_PREFIX: 'PT_' });
  assert.ok('kind' in wish && wish.kind === 'answer');
  assert.match(wish.text, /^PT_CONSUMER_RATE +messages a second of each consumer$/m);
  const listed = describeVariables({}).split('\n').map((line) => line.split(' ')[0]);
  const carriedOut = Object.values<Flag>(FLAGS).filter(({ standing }) => standing === undefined);
  assert.equal(listed, carriedOut.map(({ long }) => long.replaceAll('-', '_').toUpperCase()));
});

test('what is refused says why, in one sentence', () => {
  const refused = Object.values<Flag>(FLAGS).filter(({ standing }) => standing === 'refused');
  assert.is(describeRefused().split('\n').length, refused.length);
  for (const { long } of refused) {
    const read = readFlags([`--${long}`, '1'], () => 0);
    assert.match('problem' in read ? read.problem : '', /^--[a-z0-9-]+ is PerfTest's, and cannot be carried out here: [^.]{20,}\.$/);
  }
  assert.match(problemOf('-M 100'), 'no broker takes less than 4096');
  assert.match(problemOf('-ew never'), /exitWhen cannot be "never": give empty or idle/);
  assert.match(problemOf('-mf json'), /metricsFormat cannot be "json"/);
  assert.match(problemOf('-mlb much'), /maxLengthBytes cannot be "much"/);
  assert.match(problemOf('-H amqp://one,amqps://two'), /"amqps:\/\/two" is no address/);
});

const SHAPE: LineShape = { id: 'test-1', hasProducers: true, hasConsumers: true, hasConfirms: true, isMandatory: false, inMilliseconds: false };
const LATENCY = { count: 9, minUs: 100, p50Us: 200, p75Us: 300, p95Us: 400, p99Us: 500, p999Us: 600, maxUs: 700 };
const LONG = { ...LATENCY, p99Us: 1_234_567 };
const FIGURES = { seconds: 12.5, sentPerSecond: 12_345.9, returnedPerSecond: 0, confirmedPerSecond: 7, nackedPerSecond: 0, receivedPerSecond: 0.5, consumerLatency: LATENCY, confirmLatency: LONG };

test('-mf compact: columns, which a long latency may leave', () => {
  const lines: string[] = [];
  const output = openOutput(SHAPE, 'compact', undefined, (line) => lines.push(line));
  output.header();
  output.interval(FIGURES);
  output.summary({ sentPerSecond: 10, receivedPerSecond: 9.5, consumerLatency: LATENCY, confirmLatency: LATENCY });
  output.close();
  assert.equal(lines.slice(0, 3), [
    'time               sent    confirmed       nacked     received       consumer latency        confirm latency',
    '12.500s     12345 msg/s    7.0 msg/s      0 msg/s   0.50 msg/s 100/200/300/400/500 µs 100/200/300/400/1234567 µs',
    'sending rate avg: 10 msg/s',
  ]);
});

test('-o: a file of figures with its header, overwritten by the next run', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'leveret-perf-test-output-'));
  const bench = await PerfTestBench.open();
  try {
    const file = join(folder, 'figures.csv');
    const once = openOutput(SHAPE, 'default', file, () => undefined);
    once.header();
    once.interval({ ...FIGURES, confirmLatency: LATENCY });
    once.close();
    const [header = '', line] = readFileSync(file, 'utf8').split('\n');
    assert.match(header, /^id,time \(s\),published \(msg\/s\),returned \(msg\/s\),confirmed \(msg\/s\),nacked \(msg\/s\),received \(msg\/s\),min consumer latency \(µs\),/);
    assert.is(line, 'test-1,12.500,12345,,7.0,0,0.50,100,200,300,400,500,100,200,300,400,500');
    await undisturbed(async () => {
      const { lines } = await bench.run(`-u figures -r 100 -i 0.2 -z 1 -a -mf compact -o ${file}`);
      const written = readFileSync(file, 'utf8').trimEnd().split('\n');
      assert.is(written[0], header);
      assert.ok(written.length >= 4, `${written.length} lines`);
      for (const text of written.slice(1)) assert.match(text, /^test-1,\d+\.\d{3},\d+,,,,[\d.]+,\d+,\d+,\d+,\d+,\d+,,,,,$/);
      assert.is(lines.filter((text) => /^\d+\.\d{3}s +\d+ msg\/s/.test(text)).length, written.length - 1);
    });
  } finally {
    await bench.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
