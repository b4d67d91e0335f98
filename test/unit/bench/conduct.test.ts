import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { conduct } from '../../../bench/client/conduct.ts';
import { BrokerProcess, freePort } from '../../../bench/peer/broker-process.ts';
import { processUsage } from '../../../bench/peer/process-usage.ts';
import { BATCHED_ACK, PLAIN_LOAD } from '../../../bench/scenario/load.ts';
import { StallMeter } from '../../support/stall-meter.ts';

const test = suite('bench/client/conduct');

const SERVER_FILE = join(import.meta.dirname, '..', '..', '..', 'bench', 'sink', 'server.ts');
const TIMING = { warmupSeconds: 0.2, windowSeconds: 0.4 };
let server: BrokerProcess;
let url = '';

test.before(async () => {
  server = new BrokerProcess(process.execPath, ['--disable-warning=ExperimentalWarning', SERVER_FILE], process.env);
  url = (await server.find(/amqp:\S+/, 60_000))[0];
});
test.after(async () => {
  await server.stop();
});

test('a rated load sends its whole schedule and measures every message of the window', async () => {
  const stalls = new StallMeter();
  const { latency, behind } = await conduct(url, { ...PLAIN_LOAD, ratePerSecond: 500 }, TIMING);
  stalls.end();
  assert.is(latency?.count, 200);
  assert.is(latency?.missing, 0);
  assert.ok((latency?.p50Us ?? 0) > 0 && (latency?.p50Us ?? Infinity) < 1e6 + stalls.lostMs * 1000);
  assert.ok(behind <= 300);
});

test('an unrated load with confirms and batched acks flows from every producer to every consumer', async () => {
  const load = { ...PLAIN_LOAD, ...BATCHED_ACK, producers: 3, consumers: 3, queues: 3, outstandingLimit: 50 };
  let watched = '';
  const result = await conduct(url, load, TIMING, { opened: () => (watched += 'o'), closed: () => (watched += 'c') });
  assert.is(watched, 'oc');
  assert.ok(result.received > 0 && result.receivedPerSecond > 0);
  assert.ok(result.behind <= 150, `${result.behind} behind, where only 150 may be unconfirmed`);
});

test('says why when nobody listens', async () => {
  const port = await freePort();
  const error = await conduct(`amqp://127.0.0.1:${port}`, PLAIN_LOAD, TIMING).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.match(String(error), /ECONNREFUSED/);
});

test('reads memory and time of a process and its children', () => {
  const { rssBytes, cpuSeconds } = processUsage(process.pid);
  assert.ok(rssBytes > process.memoryUsage().rss / 2);
  assert.ok(cpuSeconds > 0);
  assert.equal(processUsage(2 ** 30), { rssBytes: 0, cpuSeconds: 0 });
});

test.run();
