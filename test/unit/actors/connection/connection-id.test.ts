import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectionId, isConnectionId, isNamedBefore, threadOfConnection } from '../../../../actors/connection/connection-id.ts';

const test = suite('connection id');

test('a name leads to its thread', () => {
  for (const thread of [1, 2, 63]) {
    for (const serial of [0, 1, 2 ** 24 - 18, 2 ** 24, 2 ** 31 - 1]) {
      const id = connectionId(thread, serial);
      assert.is(threadOfConnection(id), thread);
      assert.ok(isConnectionId(id), `${thread} ${serial}`);
    }
  }
});

test('numbers that name other actors, or nobody, name no connection', () => {
  for (const id of [-1, 0, 1, 2, 15, 16, 2 ** 24 - 1, 2 ** 24, 2 ** 24 + 15, 2 ** 31, 2 ** 32 + 16, 9_999_999_999]) {
    assert.not(isConnectionId(id), `${id}`);
  }
});

test('a name tells whether it was given before a serial number was reached', () => {
  for (const serial of [0, 1, 5, 2 ** 24 - 18, 2 ** 24 - 17, 2 ** 24, 2 ** 31 - 1_000]) {
    for (const [ahead, isBefore] of [[-1_000, true], [-1, true], [0, false], [1, false], [500, false]] as const) {
      if (serial + ahead < 0) continue;
      assert.is(isNamedBefore(connectionId(3, serial + ahead), serial), isBefore, `${serial} and ${ahead}`);
    }
  }
});

test.run();
