import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { describeFlags, FLAGS, readFlags } from '../../../bench/perf-test/perf-test-flags.ts';
import { intervalLine, runId, startLines, summaryLines, type LineShape } from '../../../bench/perf-test/perf-test-lines.ts';
import { perfTestOptions, type PerfTestOptions } from '../../../bench/perf-test/perf-test-options.ts';

const test = suite('bench/perf-test');

/** A command line as people write it, without quotes. */
function parsed(line: string): PerfTestOptions {
  const read = readFlags(line.split(' ').filter((word) => word !== ''), () => 0);
  if ('problem' in read) throw new Error(read.problem);
  const result = perfTestOptions(read.given, 'test-1');
  if ('problem' in result) throw new Error(result.problem);
  return result.options;
}

function problemOf(line: string): string {
  try {
    parsed(line);
  } catch (error) {
    return String(error);
  }
  return '';
}

test('without options: one producer, one consumer, a queue that the broker names, no limit', () => {
  const { urls, wish, load, seconds } = parsed('-x 1');
  assert.equal(urls, ['amqp://localhost']);
  assert.is(seconds, undefined);
  assert.equal(wish, {
    exchange: 'direct', type: 'direct', routingKey: undefined, queues: [], queueFile: undefined, isSequence: false, durable: false, autoDelete: true, arguments: undefined, isPredeclared: false, isBound: true, isExclusive: false,
  });
  assert.equal([load.producers, load.consumers, load.automaticAck, load.ackEvery, load.bodyBytes, load.timed], [1, 1, false, 1, 12, true]);
  assert.is(load.outstandingLimit, undefined);
  assert.is(load.ratePerSecond, undefined);
});

test('the short and the long names mean the same', () => {
  const short = '-h amqp://a:b@c:1/v -x 2 -y 3 -X 4 -Y 5 -u q -e ex -t topic -k key -s 1000 -r 10 -R 7 -c 100 -A 10 -q 50 -Q 60 -f persistent -z 30 -C 9 -D 8 -d id -i 2 -p -L 5 -qa x-max-length=10 -mp priority=5 -ad false -ms';
  const long =
    '--uri amqp://a:b@c:1/v --producers 2 --consumers 3 --producer-channel-count 4 --consumer-channel-count 5 --queue q --exchange ex --type topic --routing-key key --size 1000 --rate 10 --consumer-rate 7 --confirm 100 --multi-ack-every 10 --qos 50 --global-qos 60 --flag persistent --time 30 --pmessages 9 --cmessages 8 --id id --interval 2 --predeclared --consumer-latency 5 --queue-args x-max-length=10 --message-properties priority=5 --auto-delete false --use-millis';
  const options = parsed(short);
  assert.equal(parsed(long), options);
  const { load, wish } = options;
  assert.equal([load.producers, load.producerChannels, load.consumers, load.consumerChannels], [2, 4, 3, 5]);
  // A rate is each producer's, and a producer is a channel.
  assert.is(load.ratePerSecond, 80);
  assert.equal([load.outstandingLimit, load.ackEvery, load.prefetch, load.sharedPrefetch, load.bodyBytes, load.persistent], [100, 10, 50, 60, 1_000, true]);
  assert.equal([load.messagesPerProducer, load.messagesPerConsumer, load.properties], [9, 8, { priority: 5 }]);
  assert.equal([wish.exchange, wish.type, wish.routingKey, wish.queues, wish.durable, wish.autoDelete, wish.isPredeclared], ['ex', 'topic', 'key', ['q'], true, false, true]);
  assert.equal(wish.arguments, { 'x-max-length': 10 });
  assert.equal([options.id, options.seconds, options.intervalMs, options.inMilliseconds], ['id', 30, 2_000, true]);
});

test('values right behind the name, behind an equals sign, and long names with one dash', () => {
  assert.equal(parsed('-x2 -y=3 --size=100 -rate 5'), parsed('-x 2 -y 3 -s 100 -r 5'));
});

test('command lines of the documentation carry over', () => {
  assert.is(parsed('-x 1 -y 2 -u throughput-test-1 -a --id test1').load.automaticAck, true);
  assert.is(parsed('-x 1 -y 2 -u throughput-test-4 --id test-4 -s 4000').load.bodyBytes, 4_000);
  assert.equal(parsed('-x 1 -y 1 -u q --autoack -f persistent -f mandatory').isMandatory, true);
  assert.equal(parsed('-x 1 -y 1 -f persistent mandatory -u q').load.mandatory, true);
  assert.equal(parsed('--queue-pattern perf-test-%d --queue-pattern-from 1 --queue-pattern-to 3').wish.queues, ['perf-test-1', 'perf-test-2', 'perf-test-3']);
  assert.equal(parsed('-qp q-%03d -qpf 9 -qpt 10').wish.queues, ['q-009', 'q-010']);
  assert.is(parsed('-e amq.default -u q').wish.exchange, '');
  assert.is(parsed('-t fanout').wish.exchange, 'fanout');
  assert.is(parsed('--publishing-interval 60 -x 6').load.ratePerSecond, 0.1);
  assert.equal(parsed('--quorum-queue -u qq').wish.arguments, { 'x-queue-type': 'quorum' });
  assert.equal([parsed('-qq -u qq').wish.autoDelete, parsed('-qq -u qq').load.persistent], [false, true]);
  assert.is(parsed('-c -1').load.outstandingLimit, undefined);
});

test('figures that change as time goes on', () => {
  assert.equal(parsed('-x 2 --variable-rate 100:60 --variable-rate 1000:10').load.rateSteps, [{ value: 200, seconds: 60 }, { value: 2_000, seconds: 10 }]);
  assert.equal(parsed('-vr 100:60 0:10').load.rateSteps, [{ value: 100, seconds: 60 }, { value: 0, seconds: 10 }]);
  assert.equal(parsed('-vs 5:30 -vs 10000:20').load.sizeSteps, [{ value: 12, seconds: 30 }, { value: 10_000, seconds: 20 }]);
  assert.equal(parsed('-vl 1000:60 -vl 0:30').load.latencySteps, [{ value: 1_000, seconds: 60 }, { value: 0, seconds: 30 }]);
});

test('other names of message properties become headers', () => {
  const { properties } = parsed('-mp contentType=text/plain,deliveryMode=2,expiration=1000,x-trace=9,flag=true').load;
  assert.equal(properties, { contentType: 'text/plain', deliveryMode: 2, expiration: '1000', headers: { 'x-trace': 9, flag: true } });
});

test('what cannot be is refused by name', () => {
  assert.match(problemOf('-x many'), /producers cannot be "many"/);
  assert.match(problemOf('-x 1.5'), /whole number/);
  assert.match(problemOf('-f durable'), /flag cannot be "durable"/);
  assert.match(problemOf('-vr 100'), /variableRate cannot be "100"/);
  assert.match(problemOf('-qa novalue'), /name=value/);
  assert.match(problemOf('-qp q-%d'), /belong together/);
  assert.match(problemOf('-x'), /-x needs a value/);
  assert.match(problemOf('--nonsense 1'), /unknown option --nonsense/);
  assert.match(problemOf('word'), /unexpected argument "word"/);
  assert.match(problemOf('--stream-queue'), /cannot be carried out here/);
});

test('every name belongs to one option', () => {
  for (const kind of ['short', 'long'] as const) {
    const names = Object.values(FLAGS).map((flag) => flag[kind]);
    assert.is(new Set(names).size, names.length);
  }
  assert.match(describeFlags(), '-x, --producers');
});

const SHAPE: LineShape = { id: 'test-1', hasProducers: true, hasConsumers: true, hasConfirms: false, isMandatory: false, inMilliseconds: false };
const LATENCY = { count: 9, minUs: 1_000, p50Us: 2_000, p75Us: 3_000, p95Us: 4_000, p99Us: 5_400, p999Us: 6_000, maxUs: 7_000 };
const FIGURES = { seconds: 1.0004, sentPerSecond: 12_345.9, returnedPerSecond: 0, confirmedPerSecond: 7, nackedPerSecond: 0, receivedPerSecond: 0.5, consumerLatency: LATENCY, confirmLatency: LATENCY };

test('a line for each interval, as PerfTest writes it', () => {
  assert.is(
    intervalLine(SHAPE, FIGURES),
    'id: test-1, time 1.000 s, sent: 12345 msg/s, received: 0.50 msg/s, min/median/75th/95th/99th consumer latency: 1000/2000/3000/4000/5400 µs',
  );
  assert.is(
    intervalLine({ ...SHAPE, hasConfirms: true, isMandatory: true, inMilliseconds: true }, FIGURES),
    'id: test-1, time 1.000 s, sent: 12345 msg/s, returned: 0 msg/s, confirmed: 7.0 msg/s, nacked: 0 msg/s, received: 0.50 msg/s, min/median/75th/95th/99th consumer latency: 1/2/3/4/5 ms, confirm latency: 1/2/3/4/5 ms',
  );
  assert.is(intervalLine({ ...SHAPE, hasConsumers: false }, FIGURES), 'id: test-1, time 1.000 s, sent: 12345 msg/s');
});

test('the summary, and the lines before the first figures', () => {
  assert.equal(summaryLines(SHAPE, { sentPerSecond: 10, receivedPerSecond: 9.5, consumerLatency: LATENCY, confirmLatency: LATENCY }), [
    'id: test-1, sending rate avg: 10 msg/s',
    'id: test-1, receiving rate avg: 9.5 msg/s',
    'id: test-1, consumer latency min/median/75th/95th/99th 1000/2000/3000/4000/5400 µs',
  ]);
  assert.equal(startLines('t', { producers: 1, consumers: 1, consumerChannels: 2 }), [
    'id: t, starting consumer #0',
    'id: t, starting consumer #0, channel #0',
    'id: t, starting consumer #0, channel #1',
    'id: t, starting producer #0',
    'id: t, starting producer #0, channel #0',
  ]);
  assert.is(runId(new Date(2026, 0, 2, 3, 4, 5, 6)), 'test-030405-006');
});

test.run();
