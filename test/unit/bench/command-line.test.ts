import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { describeOwnOptions, parseCommandLine, type BenchWish } from '../../../bench/command-line.ts';

const test = suite('bench/command-line');

function parsed(line: string): BenchWish | { readonly problem: string } {
  return parseCommandLine(line.split(' ').filter((word) => word !== ''), 'test-1');
}

function problemOf(line: string): string {
  const wish = parsed(line);
  return 'problem' in wish ? wish.problem : '';
}

const MATRIX = {
  kind: 'matrix', isQuick: false, only: [], times: { windowSeconds: undefined, warmupSeconds: undefined }, url: undefined, against: undefined, schedulers: undefined, durability: undefined, folder: 'leveret-bench', asJson: false, isProfiled: false,
};

test('without options: the whole matrix on a broker of its own', () => {
  assert.equal(parsed(''), MATRIX);
});

test('every option of the matrix', () => {
  assert.equal(parsed('--quick --only auto-100b,latency --seconds 1.5 --warmup 0 --against rabbitmq --schedulers 2 --durability written --out there --json --flame'), {
    ...MATRIX, isQuick: true, only: ['auto-100b', 'latency'], times: { windowSeconds: 1.5, warmupSeconds: 0 }, against: 'rabbitmq', schedulers: 2, durability: 'written', folder: 'there', asJson: true, isProfiled: true,
  });
  assert.equal(parsed('--url=amqp://host:1/v --out=x'), { ...MATRIX, url: 'amqp://host:1/v', folder: 'x' });
});

test('two files beside each other', () => {
  assert.equal(parsed('--compare a.json b.json --out there'), { kind: 'compare', files: ['a.json', 'b.json'], folder: 'there', asJson: false });
});

test("any of PerfTest's options makes it a run like PerfTest's, on the broker of --url or -h", () => {
  const at = (line: string): unknown => {
    const wish = parsed(line);
    return 'kind' in wish && wish.kind === 'perf-test' ? wish.options.urls.join() : wish;
  };
  assert.is(at('-x 1'), 'amqp://localhost');
  assert.is(at('--url amqp://one -x 1'), 'amqp://one');
  assert.is(at('-h amqp://two --producers 1'), 'amqp://two');
  assert.is(at('-h amqp://guest:guest@127.0.0.1:5672/%2F'), 'amqp://guest:guest@127.0.0.1:5672/%2F');
});

test('what does not go together or makes no sense is refused by name', () => {
  assert.match(problemOf('--quick -x 1'), /--quick and PerfTest's options do not go together/);
  assert.match(problemOf('--compare a.json b.json --quick'), /--quick and --compare/);
  assert.match(problemOf('--compare a.json'), /--compare needs A.json B.json/);
  assert.match(problemOf('--against kafka'), /--against cannot be "kafka"/);
  assert.match(problemOf('--durability maybe'), /--durability/);
  assert.match(problemOf('--schedulers 64'), /1 to 63/);
  assert.match(problemOf('--seconds 0'), /--seconds/);
  assert.match(problemOf('--warmup -1'), /--warmup/);
  assert.match(problemOf('--quick=yes'), /--quick takes no value/);
  assert.match(problemOf('--out'), /--out needs DIR/);
  assert.match(problemOf('--url http://host'), /no address/);
  assert.match(problemOf('-h amqps://host'), /no TLS/);
  assert.match(problemOf('--url amqp://host --schedulers 2'), /--url is another/);
  assert.match(problemOf('--url amqp://host --flame'), /--flame are for a Leveret of its own/);
  assert.match(problemOf('--nonsense'), /unknown option --nonsense/);
  assert.match(describeOwnOptions(), '--against rabbitmq');
});

test.run();
