/** Loads that need a broker which really routes, expires and refuses. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { conduct } from '../../../bench/client/conduct.ts';
import { measureDeadLetters } from '../../../bench/measurement/dead-letters.ts';
import { measureExpiring } from '../../../bench/measurement/expiring.ts';
import { rejectDeadLetter, ttlDeadLetter } from '../../../bench/scenario/dead-letters.ts';
import { dropHead } from '../../../bench/scenario/drop-head.ts';
import { expiring } from '../../../bench/scenario/expiring.ts';
import { fanOut100b } from '../../../bench/scenario/fan-out-100b.ts';
import { PLAIN_LOAD, type Load } from '../../../bench/scenario/load.ts';
import { priorities } from '../../../bench/scenario/priorities.ts';
import { createBroker, type Broker } from '../../../src/main/index.ts';

const test = suite('bench loads on a broker');
const TIMING = { warmupSeconds: 0.2, windowSeconds: 0.4 };
let broker: Broker;
test.before(async () => {
  broker = await createBroker();
});
test.after(async () => {
  await broker.close();
});

/** At so many a second, 0.4 s of which count: how many of those arrived, when all had time to. */
async function arrived(load: Load, ratePerSecond: number): Promise<number> {
  const { latency } = await conduct(broker.url, { ...load, ratePerSecond }, TIMING);
  assert.is(latency?.missing, 0);
  return latency?.count ?? 0;
}

test('one message becomes ten', async () => {
  assert.is(await arrived(fanOut100b.load, 500), 2_000);
});

test('queues that share a channel, and producers that share a connection', async () => {
  const shared = { ...PLAIN_LOAD, producers: 2, producerChannels: 3, consumers: 2, consumerChannels: 10, queues: 20, automaticAck: false, prefetch: 20, ackEvery: 5 };
  assert.is(await arrived(shared, 500), 200);
});

test('what is refused arrives as dead letters, and only those count', async () => {
  assert.is(await arrived(rejectDeadLetter.load, 1_000), 400);
});

test('priorities', async () => {
  assert.is(await arrived(priorities.load, 500), 200);
});

test('a flood into a short queue is confirmed, and what is left is its length', async () => {
  const result = await conduct(broker.url, { ...dropHead.load, queueArguments: { 'x-max-length': 50 } }, TIMING);
  assert.equal([result.received, result.left, result.behind], [0, 50, 0]);
});

test('messages expire, all at once or one after the other', async () => {
  const cleared = await measureExpiring({ ...expiring, fill: { ...expiring.fill, messages: 2_000 } }, { url: broker.url });
  assert.ok(cleared.messages === 2_000 && cleared.clearedPerSecond > 0);
  const dead = await measureDeadLetters({ ...ttlDeadLetter, ttlMs: 200, fill: { ...ttlDeadLetter.fill, messages: 2_000 } }, { url: broker.url });
  assert.ok(dead.messages === 2_000 && dead.arrivedPerSecond > 0);
});

test('at full rate first, on the same connections, and nothing of it counts', async () => {
  const { latency } = await conduct(broker.url, { ...PLAIN_LOAD, ratePerSecond: 500 }, { ...TIMING, heatSeconds: 0.3 });
  assert.equal([latency?.count, latency?.missing], [200, 0]);
});

test.run();
