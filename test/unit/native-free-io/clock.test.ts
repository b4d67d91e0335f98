import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../../native-free-io/clock.ts';

const test = suite('system clock');

test('never goes back', () => {
  let last = systemClock.nowMs();
  for (let round = 0; round < 10_000; round += 1) {
    const now = systemClock.nowMs();
    assert.ok(now >= last);
    last = now;
  }
});

test('a timer fires once, not before its time', async () => {
  const startedAtMs = systemClock.nowMs();
  let fired = 0;
  await new Promise<void>((resolve) => {
    systemClock.setTimer(20, () => {
      fired += 1;
      systemClock.setTimer(20, resolve);
    });
  });
  assert.is(fired, 1);
  // Node counts whole milliseconds of the loop's own clock, which may be one behind.
  assert.ok(systemClock.nowMs() - startedAtMs >= 38);
});

test('a cleared timer does not fire, and may be cleared again', async () => {
  const cleared = systemClock.setTimer(1, () => assert.unreachable('it was cleared'));
  systemClock.clearTimer(cleared);
  systemClock.clearTimer(cleared);
  await new Promise<void>((resolve) => systemClock.setTimer(10, resolve));
});

test('a delay beyond the range of Node\'s timers does not fire at once', async () => {
  const distant = systemClock.setTimer(2 ** 32, () => assert.unreachable('50 days early'));
  await new Promise<void>((resolve) => systemClock.setTimer(10, resolve));
  systemClock.clearTimer(distant);
});

test.run();
