import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nowNs } from '../../../bench/client/clock.ts';

const test = suite('bench/client/clock');

/** What the distance between the two clocks may be wrong by, ns: far below any figure of the load tool. */
const TOLERANCE_NS = 5_000;

test('is the monotonic clock that all processes share', () => {
  for (let reading = 0; reading < 100; reading += 1) {
    const before = Number(process.hrtime.bigint());
    const time = nowNs();
    const after = Number(process.hrtime.bigint());
    assert.ok(time >= before - TOLERANCE_NS && time <= after + TOLERANCE_NS, `${time} is not between ${before} and ${after}`);
  }
});

test('never runs backwards', () => {
  let last = nowNs();
  for (let reading = 0; reading < 10_000; reading += 1) {
    const time = nowNs();
    assert.ok(time >= last);
    last = time;
  }
});

test.run();
