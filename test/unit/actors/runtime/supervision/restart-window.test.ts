import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RestartWindow } from '../../../../../actors/runtime/supervision/restart-window.ts';

const test = suite('restart window');

test('bears exactly MaxR restarts in the period', () => {
  const window = new RestartWindow({ restarts: 5, periodMs: 10_000 });
  for (let nowMs = 0; nowMs < 5; nowMs++) assert.ok(window.admit(nowMs));
  assert.not(window.admit(5));
});

test('a restart exactly MaxT old still counts, an older one does not', () => {
  const fresh = (): RestartWindow => {
    const window = new RestartWindow({ restarts: 1, periodMs: 1_000 });
    window.admit(0);
    return window;
  };
  assert.not(fresh().admit(1_000));
  assert.ok(fresh().admit(1_001));
  assert.is(fresh().count(1_000), 1);
  assert.is(fresh().count(1_001), 0);
});

test('the period slides', () => {
  const window = new RestartWindow({ restarts: 2, periodMs: 100 });
  assert.equal([0, 60, 110, 150, 170].map((nowMs) => window.admit(nowMs)), [true, true, true, false, true]);
});

test('zero restarts bear nothing', () => {
  assert.not(new RestartWindow({ restarts: 0, periodMs: 1_000 }).admit(0));
});

test.run();
