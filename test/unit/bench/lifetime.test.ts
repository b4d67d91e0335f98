import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BrokerProcess } from '../../../bench/peer/broker-process.ts';
import { Lifetime } from '../../../bench/peer/lifetime.ts';

const test = suite('bench/peer/lifetime');

/** A program that says that it is ready, waits, and ends with `status` when it is asked to. */
function program(status: number): () => BrokerProcess {
  const text = `process.on('SIGTERM', () => process.exit(${status})); setInterval(() => undefined, 1000); console.log('ready');`;
  return () => new BrokerProcess(process.execPath, ['-e', text], process.env);
}

test('another process after a restart, and none after the stop', async () => {
  const lifetime = new Lifetime({ spawn: program(0), sign: /ready/ });
  await lifetime.ready(60_000);
  const first = lifetime.process;
  const { stopSeconds, readySeconds } = await lifetime.restart();
  assert.ok(first.ended);
  assert.not.ok(lifetime.process.ended);
  assert.is.not(lifetime.process.child.pid, first.child.pid);
  assert.ok(stopSeconds > 0 && readySeconds > 0);
  await lifetime.stop();
  assert.ok(lifetime.process.ended);
});

test('an end that was not in order is no restart', async () => {
  const lifetime = new Lifetime({ spawn: program(1), sign: /ready/ });
  await lifetime.ready(60_000);
  const reason = await lifetime.restart().then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.match(String(reason), /ended by a crash/);
  await lifetime.stop();
});

test.run();
