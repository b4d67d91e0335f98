import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectionId, isConnectionId, threadOfConnection } from '../../../../actors/connection/connection-id.ts';

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

test.run();
