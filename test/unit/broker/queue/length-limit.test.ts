/** Which messages a limit lets in, and how long it drops. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type LengthLimit, lengthLimit } from '../../../../src/broker/queue/length-limit.ts';
import { readQueueOptions } from '../../../../src/broker/queue-options.ts';
import { int, longstr, tableOf } from '../../../support/topology-fixture.ts';

const test = suite('length limit');

function limitOf(fields: Parameters<typeof tableOf>[0]): LengthLimit {
  const limit = lengthLimit(readQueueOptions(tableOf(fields)));
  assert.ok(limit !== undefined);
  return limit!;
}

test('a queue that asks for none has none', () => {
  assert.is(lengthLimit(readQueueOptions(tableOf({ 'x-overflow': longstr('reject-publish') }))), undefined);
});

test('a queue that drops takes everything and drops above its limits', () => {
  const limit = limitOf({ 'x-max-length': int(2), 'x-max-length-bytes': int(10) });
  assert.not(limit.refuses);
  assert.not(limit.overflows(1, 4, 6));
  assert.ok(limit.overflows(1, 4, 7));
  assert.not(limit.exceededBy(2, 10));
  assert.ok(limit.exceededBy(3, 0));
  assert.ok(limit.exceededBy(1, 11));
  assert.not(limit.exceededBy(0, 0));
});

for (const overflow of ['reject-publish', 'reject-publish-dlx']) {
  test(`a queue with ${overflow} refuses what would be too much and drops nothing`, () => {
    const limit = limitOf({ 'x-max-length': int(2), 'x-max-length-bytes': int(10), 'x-overflow': longstr(overflow) });
    assert.ok(limit.refuses);
    assert.not(limit.overflows(1, 4, 6));
    assert.ok(limit.overflows(1, 4, 7));
    assert.ok(limit.overflows(2, 0, 0));
    assert.not(limit.exceededBy(100, 100));
  });
}

test.run();
