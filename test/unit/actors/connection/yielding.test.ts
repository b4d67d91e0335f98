import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PublishThrottle, Purse } from '../../../../actors/connection/publish-throttle.ts';
import { Yielding } from '../../../../actors/connection/yielding.ts';
import type { Scheduler } from '../../../../actors/runtime/scheduler.ts';
import { SLOT_WORDS, STORE_BEHIND } from '../../../../src/broker/queue/ledger-layout.ts';

const test = suite('a publisher that yields');

test('what it does in its pause does not change what it waits for', () => {
  const slots = new Int32Array(SLOT_WORDS);
  const afterRun = new Set<() => void>();
  let overs = 0;
  const throttle = new PublishThrottle(slots, new Purse());
  const yielding = new Yielding({ afterRun, nowMs: () => 0 } as unknown as Scheduler, () => overs++);
  slots[STORE_BEHIND] = 1;
  throttle.published(0, 1);
  assert.ok(yielding.pay(throttle));
  assert.not(yielding.pay(throttle), 'no second pause begins');
  for (const look of afterRun) look();
  assert.is(overs, 0);
  slots[STORE_BEHIND] = 0;
  for (const look of [...afterRun]) look();
  assert.is(overs, 1);
  assert.not(yielding.active);
});

test.run();
