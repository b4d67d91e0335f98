import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { takeDeliveries } from '../../../bench/client/deliveries.ts';
import { fillQueue, patienceMs } from '../../../bench/client/fill.ts';
import { measureConfirm } from '../../../bench/measurement/confirm.ts';
import { measureRestart } from '../../../bench/measurement/restart.ts';
import { BrokerProcess, freePort } from '../../../bench/peer/broker-process.ts';
import { singleConfirm } from '../../../bench/scenario/single-confirm.ts';
import { restartWithMillion } from '../../../bench/scenario/restart-with-million.ts';

/** Against the sink, which confirms everything and keeps nothing. */
const test = suite('bench/client/backlog');

const SERVER_FILE = join(import.meta.dirname, '..', '..', '..', 'bench', 'sink', 'server.ts');
const FILL = { messages: 2_500, bodyBytes: 100, outstandingLimit: 1_000 };
let server: BrokerProcess;
let url = '';

test.before(async () => {
  server = new BrokerProcess(process.execPath, ['--disable-warning=ExperimentalWarning', SERVER_FILE], process.env);
  url = (await server.find(/amqp:\S+/, 60_000))[0];
});
test.after(async () => {
  await server.stop();
});

test('a fill ends with its last confirm', async () => {
  assert.ok((await fillQueue(url, 'q', FILL)) > 0);
  assert.ok((await fillQueue(url, 'q', { ...FILL, messages: 1 })) > 0);
});

test('nobody waits for ever: the more messages, the longer, but not without end', () => {
  assert.is(patienceMs(0), 60_000);
  assert.is(patienceMs(1_000_000), 560_000);
});

test('an empty queue is not waited for', async () => {
  const { ready, endNs } = await takeDeliveries(url, 'q', { wanted: 1, automaticAck: false, prefetch: 1, limitMs: 60_000 });
  assert.is(ready, 0);
  assert.is(endNs, undefined);
});

test('one confirm at a time, each in turn with a flush', async () => {
  const timing = { warmupSeconds: 0.05, windowSeconds: 0.2 };
  const { confirm, flush } = await measureConfirm(singleConfirm, { url, folder: tmpdir() }, timing);
  assert.ok(confirm.count > 0 && confirm.p50Us > 0);
  assert.is(flush?.count, confirm.count);
  assert.is((await measureConfirm(singleConfirm, { url }, timing)).flush, undefined);
});

test('what a restart lost is counted', async () => {
  const restart = async (): Promise<{ stopSeconds: number; startedNs: number; readySeconds: number }> => {
    await Promise.resolve();
    return { stopSeconds: 1, startedNs: 0, readySeconds: 2 };
  };
  const target = { url, pid: process.pid, restart };
  const { recovered, firstDeliverySeconds, messages } = await measureRestart({ ...restartWithMillion, fill: FILL }, target);
  assert.equal([recovered, firstDeliverySeconds, messages], [0, undefined, 2_500]);
});

test('says why when nobody listens', async () => {
  const nowhere = `amqp://127.0.0.1:${await freePort()}`;
  const reason = await fillQueue(nowhere, 'q', FILL).then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.match(String(reason), /ECONNREFUSED/);
});

test.run();
