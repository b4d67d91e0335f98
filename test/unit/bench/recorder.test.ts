import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nowNs, pause } from '../../../bench/client/clock.ts';
import type { Sample } from '../../../bench/client/orders.ts';
import type { ProbeReading } from '../../../bench/matrix/probe.ts';
import { threadSeconds } from '../../../bench/peer/thread-times.ts';
import { Recorder } from '../../../bench/matrix/recorder.ts';

const test = suite('bench/matrix/recorder');

function sample(atNs: number, messages: number): Sample {
  return { atNs, messages, confirmed: 0, refused: 0, returned: 0, latency: undefined, utilisation: 0 };
}

test('rates between samples, the window, and a broker without a process to read', () => {
  const recorder = new Recorder(undefined, undefined);
  const startNs = nowNs();
  recorder.started({ startNs, fromNs: startNs + 1e9, toNs: startNs + 3e9 });
  for (const second of [0, 1, 2, 3]) {
    recorder.sampled('sent', sample(startNs + second * 1e9, second * 100));
    recorder.sampled('received', sample(startNs + second * 1e9, second * 90));
  }
  assert.equal([recorder.live.sentPerSecond, recorder.live.receivedPerSecond], [100, 90]);
  const series = recorder.series();
  assert.equal([series?.atSeconds, series?.sentPerSecond, series?.receivedPerSecond], [[1, 2, 3], [100, 100, 100], [90, 90, 90]]);
  assert.equal([series?.window, series?.rssMb, series?.cpuShares, series?.utilisations], [[1, 3], [null, null, null], [], []]);
});

test('what the broker uses and tells is written down beside it', async () => {
  let asked = 0;
  const probe = (): Promise<ProbeReading> => {
    asked += 1;
    return Promise.resolve({ threads: [{ name: 'main', activeMs: 30 * asked, idleMs: 70 * asked }], commits: asked, commitBuckets: [0, asked] });
  };
  const recorder = new Recorder(process.pid, probe);
  recorder.start(20);
  for (const untilNs = nowNs() + 60e9; asked < 6 && nowNs() < untilNs; await pause(5));
  recorder.stop();
  const series = recorder.series();
  assert.ok((series?.rssMb.at(-1) ?? 0) > 10);
  assert.is(series?.utilisations[0]?.name, 'main');
  assert.ok(series?.utilisations[0]?.values.some((value) => value === 0.3));
  assert.ok(series?.commitsPerSecond.some((value) => (value ?? 0) > 0));
  assert.ok(series?.commitP99Us.some((value) => value === 2 ** (2 / 4)));
  // No side told how far it was: the times are those at which the broker was read.
  assert.ok(series?.sentPerSecond.every((value) => value === null));
});

test('processor time of each thread, and nothing of a process that is gone', () => {
  const seconds = threadSeconds(process.pid);
  assert.ok([...seconds.values()].some((value) => value > 0.01), JSON.stringify([...seconds]));
  assert.is(threadSeconds(2 ** 30).size, 0);
});

test('nothing to show is no series', () => {
  assert.is(new Recorder(undefined, undefined).series(), undefined);
});

test.run();
