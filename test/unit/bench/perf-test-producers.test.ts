/** PerfTest's options of producers, connections and bodies, as a broker sees them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MethodId } from '../../../bench/client/wire.ts';
import { createBroker } from '../../../src/main/index.ts';
import { PerfTestBench } from '../../support/perf-test-bench.ts';
import { undisturbed } from '../../support/timely.ts';
import { tapWire } from '../../support/wire-tap.ts';

const test = suite('bench/perf-test on a broker: producers');
const PASSIVE = 1;
const DURABLE = 2;
const EXCLUSIVE = 4;
const AUTO_DELETE = 8;
const folder = mkdtempSync(join(tmpdir(), 'leveret-perf-test-'));
let bench: PerfTestBench;
test.before(async () => {
  bench = await PerfTestBench.open();
});
test.after(async () => {
  await bench.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A file in the test's folder. */
function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

for (const exclusive of ['', ' -E']) {
  test(`-p${exclusive}: what is not there is declared, as it would be without`, async () => {
    const name = `absent${exclusive.trim()}`;
    const { tap, result } = await bench.run(`-p${exclusive} -e ${name} -t fanout -u ${name} -qa x-max-length=50 -C 20 -D 20 -a -f persistent`);
    assert.is(result.messages, 20);
    const declares = tap.methods(MethodId.queueDeclare).map(({ payload }) => payload.readUInt8(3 + name.length));
    const kept = exclusive === '' ? DURABLE | AUTO_DELETE : DURABLE | AUTO_DELETE | EXCLUSIVE;
    assert.equal(declares, [PASSIVE, kept]);
    assert.is(tap.methods(MethodId.exchangeDeclare).length, 2);
  });
}

test('-p: what is there stays as it is, whatever it is', async () => {
  await bench.channel.assertExchange('there', 'topic', { durable: true });
  await bench.fill('there', 0);
  const { tap, result } = await bench.run('-p -e there -t direct -u there -qa x-max-length=50 -C 20 -D 20 -a');
  assert.is(result.messages, 20);
  assert.is(tap.methods(MethodId.queueDeclare).length, 1);
  assert.is(tap.methods(MethodId.exchangeDeclare).length, 1);
});

test('-p: another refusal than that it is not there ends the run with the words of the broker', async () => {
  await bench.channel.assertQueue('locked', { exclusive: true });
  let problem = '';
  await bench.run('-p -u locked -C 1 -D 1').catch((error: Error) => {
    problem = error.message;
  });
  assert.match(problem, /^the broker closed: 405 RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'locked'/);
});

for (const [line, what] of [['-C 3000', 'a number'], ['-s 20000 -z 1', 'a time'], ['-r 2000 -z 1', 'a time and a rate']] as const) {
  test(`after ${what}: producers end when the broker has what they sent`, async () => {
    const name = `left-${line.length}`;
    const { tap } = await bench.run(`-u ${name} -ad false -y 0 ${line}`);
    const published = tap.methods(MethodId.basicPublish).length;
    assert.ok(published >= 100);
    assert.is(await bench.depth(name), published);
    assert.is(tap.methods(MethodId.basicQos).length, 1);
  });
}

test('-st 0: they end at once', async () => {
  const { tap } = await bench.run('-u left-at-once -ad false -y 0 -C 10 -st 0');
  assert.is(tap.methods(MethodId.basicQos).length, 0);
});

test('-K: a routing key of its own for each message', async () => {
  await bench.run('-t fanout -e spread -u random-keys -ad false -y 0 -K -C 3000');
  const keys = (await bench.drain('random-keys')).map(({ fields }) => fields.routingKey);
  assert.equal([keys.length, new Set(keys).size], [3_000, 3_000]);
});

test('-rkcs: so many routing keys, in turn', async () => {
  await bench.run('-t fanout -e spread -u cached-keys -ad false -y 0 -K -rkcs 3 -C 30');
  const keys = (await bench.drain('cached-keys')).map(({ fields }) => fields.routingKey);
  assert.equal([keys.length, new Set(keys).size], [30, 3]);
  assert.equal(keys.slice(0, 3), keys.slice(3, 6));
});

test('-M: the frame that is asked for, and no larger one', async () => {
  const { tap, result } = await bench.run('-u small-frames -M 4096 -s 10000 -C 20 -D 20 -a');
  assert.is(result.messages, 20);
  assert.equal(new Set(tap.methods(MethodId.connectionTuneOk).map(({ payload }) => payload.readUInt32BE(2))), new Set([4_096]));
  const sizes = tap.frames.filter(({ type }) => type === 3).map(({ payload }) => payload.length + 8);
  assert.is(Math.max(...sizes), 4_096);
  assert.is(sizes.length, 2 * 20 * 3);
});

test('-m: a commit after so many messages, which its answer ends', async () => {
  const { tap } = await bench.run('-u transacted -ad false -y 0 -m 5 -C 23');
  assert.is(tap.methods(MethodId.txSelect).length, 1);
  const names = new Map<number, string>([[MethodId.basicPublish, 'p'], [MethodId.txCommit, 'c'], [MethodId.txCommitOk, 'o']]);
  assert.is(tap.frames.map(({ methodId }) => names.get(methodId) ?? '').join(''), 'pppppco'.repeat(4) + 'ppp');
  assert.is((await bench.drain('transacted')).length, 20, 'three were not committed');
});

test('-m with a rate', async () => {
  const { tap } = await bench.run('-u transacted-slowly -ad false -y 0 -m 4 -r 100 -C 20');
  assert.equal([tap.methods(MethodId.txCommit).length, (await bench.drain('transacted-slowly')).length], [5, 20]);
});

test('-prsd: producers start one by one, with a rate or without', () =>
  undisturbed(async () => {
    for (const rate of ['', ' -r 1000']) {
      const { tap } = await bench.run(`-u delayed -x 12 -y 0 -C 1 -prsd 1${rate}`);
      const times = tap.methods(MethodId.basicPublish).map(({ atMs }) => atMs);
      assert.is(times.length, 12);
      const spreadMs = Math.max(...times) - Math.min(...times);
      // Twelve at random within a second: that they lie closer happens once in a hundred million runs.
      assert.ok(spreadMs > 150 && spreadMs < 5_000, `all within ${spreadMs} ms`);
    }
  }));

test('-prsd with a rate: each keeps its own, and its number of messages', () =>
  undisturbed(async () => {
    const { tap } = await bench.run('-u delayed-pace -x 3 -y 0 -c 1 -r 50 -C 10 -prsd 1');
    const byConnection = Map.groupBy(tap.methods(MethodId.basicPublish), ({ connection }) => connection);
    assert.equal([...byConnection.values()].map(({ length }) => length), [10, 10, 10]);
    for (const publishes of byConnection.values()) {
      const lengthMs = (publishes.at(-1)?.atMs ?? 0) - (publishes[0]?.atMs ?? 0);
      assert.ok(lengthMs > 120, `ten messages at 50 a second took ${lengthMs} ms`);
    }
  }));

test('-B -T: the contents of files, in turn, with their type; times travel in a header', async () => {
  const files = `${file('one.txt', 'one')},${file('two.txt', 'the second body')},${file('empty.txt', '')}`;
  await bench.run(`-u filed -ad false -y 0 -B ${files} -T text/plain -C 7 -mp x-own=1`);
  const messages = await bench.drain('filed');
  const bodies = ['one', 'the second body', ''];
  assert.equal(messages.map(({ content }) => content.toString()), [...bodies, ...bodies, 'one']);
  assert.ok(messages.every(({ properties }) => properties.contentType === 'text/plain' && properties.headers?.['x-own'] === 1 && Number(properties.headers?.['timestamp']) > 0));
});

test('-B: latencies are measured all the same', async () => {
  const { lines, result } = await bench.run(`-u filed-and-read -B ${file('three.txt', 'x'.repeat(300_000))} -r 100 -C 20 -D 20`);
  assert.is(result.messages, 20);
  assert.match(lines.join('\n'), /consumer latency min\/median\/75th\/95th\/99th [1-9]/);
});

test('-B without its file is one sentence', async () => {
  const problem = await bench.run(`-B ${folder}/nothing`).then(() => '', String);
  assert.match(problem, /the body file .*nothing cannot be read/);
});

test('-jb -bc: JSON of the size that was asked for', async () => {
  await bench.run('-u json -ad false -y 0 -jb -s 2000 -bc 5 -bfc 10 -C 40');
  const messages = await bench.drain('json');
  assert.is(messages.length, 40);
  for (const { content, properties } of messages) {
    assert.is(properties.contentType, 'application/json');
    assert.ok(content.length >= 2_000 && content.length < 2_400, `${content.length} bytes`);
    assert.ok(Object.keys(JSON.parse(content.toString()) as object).length > 5);
  }
  assert.is(new Set(messages.map(({ content }) => content.toString())).size, 5);
});

test('-H: connections go to all addresses, and each broker has what its clients need', async () => {
  const other = await PerfTestBench.open();
  const taps = [await tapWire(bench.broker.url), await tapWire(other.broker.url)];
  try {
    const { result } = await bench.run(`-H ${taps.map(({ url }) => url).join(',')} -cal round-robin -x 2 -y 2 -C 50 -D 50 -a`);
    assert.is(result.messages, 100);
    for (const tap of taps) {
      assert.is(tap.methods(MethodId.basicConsume).length, 1);
      assert.is(tap.methods(MethodId.basicPublish).length, 50);
    }
  } finally {
    for (const tap of taps) await tap.close();
    await other.close();
  }
});

test('-qf -mlb: names out of a file, and the size of a queue', async () => {
  const { tap } = await bench.run(`-qf ${file('names', 'from-file-1\nfrom-file-2\n')} -mlb 5kb -C 10 -D 20`);
  const declared = tap.methods(MethodId.queueDeclare).map(({ payload }) => payload.toString('latin1'));
  assert.equal(declared.map((text) => /from-file-\d/.exec(text)?.[0]), ['from-file-1', 'from-file-2']);
  assert.match(declared[0] ?? '', 'x-max-length-bytesl\0\0\0\0\0\0\x13\x88');
});

test('-sst -sul: waits for a broker that is not there yet, and goes without one that never comes', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const late = bench.run(`-H amqp://127.0.0.1:${port},amqp://127.0.0.1:1 -sst 20 -sul 1 -C 10 -D 10 -a`);
  const broker = await createBroker({ port });
  try {
    assert.is((await late).result.messages, 10);
  } finally {
    await broker.close();
  }
  assert.match(await bench.run('-h amqp://127.0.0.1:1 -sst 1').then(() => '', String), '0 of 1 brokers were there within 1 s');
});

test.run();
