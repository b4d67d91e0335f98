/** PerfTest's options of consumers, as a broker sees them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MethodId } from '../../../bench/client/wire.ts';
import { PerfTestBench } from '../../support/perf-test-bench.ts';
import { undisturbed } from '../../support/timely.ts';

const test = suite('bench/perf-test on a broker: consumers');
let bench: PerfTestBench;
test.before(async () => {
  bench = await PerfTestBench.open();
});
test.after(() => bench.close());

/** The fixed bits of queue.declare: behind a ticket and the name. */
function declareBits(payload: Buffer): number {
  return payload[3 + (payload[2] as number)] as number;
}

test('-E: each consumer declares an exclusive queue on its own connection', async () => {
  const { tap, result } = await bench.run('-E -y 2 -C 100 -D 100 -a');
  assert.is(result.messages, 200, 'both queues are bound to the same key');
  const declared = tap.methods(MethodId.queueDeclare);
  assert.equal(declared.map(({ payload }) => declareBits(payload) & 0b100), [4, 4]);
  assert.equal(declared.map(({ connection }) => connection), tap.methods(MethodId.basicConsume).map(({ connection }) => connection));
  assert.is(new Set(declared.map(({ connection }) => connection)).size, 2);
});

test('-E with a name: all its consumers share the connection that declared it', async () => {
  const { tap, result } = await bench.run('-E -u mine -y 2 -C 100 -ew idle -a');
  assert.is(result.messages, 100);
  assert.equal(tap.methods(MethodId.basicConsume).map(({ channel }) => channel), [1, 2]);
});

test('-ca: arguments of the consumer, and what they do', async () => {
  await bench.channel.assertQueue('prioritized', { durable: false, autoDelete: true });
  let ownMessages = 0;
  await bench.channel.consume('prioritized', () => void (ownMessages += 1), { noAck: true, consumerTag: 'lower' });
  const { tap, result } = await bench.run('-u prioritized -ca x-priority=10 -C 200 -D 200 -a');
  assert.match(tap.methods(MethodId.basicConsume)[0]?.payload.toString('latin1') ?? '', 'x-priorityl\0\0\0\0\0\0\0\n');
  assert.equal([result.messages, ownMessages], [200, 0]);
  await bench.channel.cancel('lower');
});

test('-na -re false: what is refused becomes a dead letter', async () => {
  await bench.channel.assertQueue('dead');
  const { tap } = await bench.run('-u refused -na -re false -qa x-dead-letter-exchange=amq.default x-dead-letter-routing-key=dead -C 30 -D 30');
  assert.equal(tap.methods(MethodId.basicNack).map(({ payload }) => payload[8]), new Array(30).fill(0));
  assert.is((await bench.drain('dead')).length, 30);
});

test('-na: what is refused comes back', async () => {
  const { tap, result } = await bench.run('-u returning -na -q 5 -C 5 -D 50');
  assert.is(result.messages, 50);
  const nacks = tap.methods(MethodId.basicNack);
  assert.ok(nacks.length >= 50 && nacks.every(({ payload }) => payload[8] === 2));
  const redelivered = tap.methods(MethodId.basicDeliver).filter(({ payload }) => payload[1 + (payload[0] as number) + 8] === 1);
  assert.ok(redelivered.length >= 45);
});

test('-na -A: one nack for several', async () => {
  const { tap } = await bench.run('-u several -na -re false -A 10 -C 30 -D 30');
  assert.equal(tap.methods(MethodId.basicNack).map(({ payload }) => [payload.readUInt32BE(4), payload[8]]), [[10, 1], [20, 1], [30, 1]]);
});

test('-n: acks count at the commit, and nothing goes on before its answer', async () => {
  await bench.fill('committed', 22);
  const { tap, result } = await bench.run('-x 0 -p -u committed -n 5 -D 20');
  assert.is(result.messages, 20);
  assert.is(tap.methods(MethodId.txSelect).length, 1);
  const order = tap.frames.filter(({ methodId }) => methodId === MethodId.basicAck || methodId === MethodId.txCommit || methodId === MethodId.txCommitOk);
  const names = new Map<number, string>([[MethodId.basicAck, 'a'], [MethodId.txCommit, 'c'], [MethodId.txCommitOk, 'o']]);
  assert.is(order.map(({ methodId }) => names.get(methodId)).join(''), 'aaaaaco'.repeat(4));
  assert.is(await settledDepth('committed', 2), 2);
});

test('-po -pi: messages are fetched, one at a time', async () => {
  await bench.fill('fetched', 30);
  const { tap, result } = await bench.run('-x 0 -p -u fetched -po -pi 1 -D 20');
  assert.is(result.messages, 20);
  assert.equal([tap.methods(MethodId.basicConsume).length, tap.methods(MethodId.basicGet).length, tap.methods(MethodId.basicAck).length], [0, 20, 20]);
  const gets = tap.methods(MethodId.basicGet).map(({ atMs }) => atMs);
  assert.ok((gets.at(-1) ?? 0) - (gets[0] ?? 0) >= 19, 'a pause of a millisecond between two');
  assert.is(await settledDepth('fetched', 10), 10);
});

test('-po: with latencies, nacks, transactions, and an empty queue', async () => {
  const { tap, lines, result } = await bench.run('-u polled -po -n 2 -na -re false -r 200 -C 20 -D 20');
  assert.is(result.messages, 20);
  assert.match(lines.join('\n'), /consumer latency min\/median\/75th\/95th\/99th [1-9]/);
  assert.ok(tap.methods(MethodId.basicGetEmpty).length > 0);
  assert.equal([tap.methods(MethodId.basicNack).length, tap.methods(MethodId.txCommit).length], [20, 10]);
});

test('-S: a second between two consumers, and producers wait for all', () =>
  undisturbed(async () => {
    const { tap } = await bench.run('-u slow -y 2 -S -C 10 -a');
    const [first, second] = tap.methods(MethodId.basicConsume).map(({ atMs }) => atMs);
    assert.ok((second ?? 0) - (first ?? 0) >= 990, `${(second ?? 0) - (first ?? 0)} ms between them`);
    assert.ok((tap.methods(MethodId.basicPublish)[0]?.atMs ?? 0) > (second ?? 0));
  }));

test('-csd: consumers come later, and find what has been published', () =>
  undisturbed(async () => {
    const { tap, result } = await bench.run('-u late -y 1 -csd 1 -C 10 -D 10 -a');
    assert.is(result.messages, 10);
    const gapMs = (tap.methods(MethodId.basicConsume)[0]?.atMs ?? 0) - (tap.methods(MethodId.basicPublish)[0]?.atMs ?? Infinity);
    assert.ok(gapMs >= 900, `${gapMs} ms behind the first message`);
  }));

test('-ew empty: ends with its queues, and settles what a step left over', async () => {
  await bench.fill('emptied', 25);
  const { tap, lines, result } = await bench.run('-x 0 -p -u emptied -A 10 -ew empty');
  assert.is(result.messages, 25);
  assert.match(lines.join('\n'), 'test stopped (Consumer queue(s) empty)');
  assert.equal(tap.methods(MethodId.basicAck).map(({ payload }) => payload.readUInt32BE(4)), [10, 20, 25]);
  assert.is(await settledDepth('emptied', 0), 0);
});

test('-ew idle: ends without a message for a second, whatever waits in the queue', async () => {
  await bench.fill('idle', 25);
  const { lines, result } = await bench.run('-x 0 -p -u idle -q 10 -A 20 -ew idle');
  // Its last ack lets ten more come, in what is left of the run.
  assert.ok(result.messages >= 10 && result.messages <= 20, `${result.messages} messages`);
  assert.match(lines.join('\n'), 'idle for more than 1 second');
  assert.is(await settledDepth('idle', 15), 15);
});

/** What a queue holds once what its consumers kept has come back. */
async function settledDepth(queue: string, expected: number): Promise<number> {
  for (let look = 0; look < 200; look += 1) {
    if ((await bench.depth(queue)) === expected) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return bench.depth(queue);
}

test.run();
