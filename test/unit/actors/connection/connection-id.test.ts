import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectionId, threadOfConnection } from '../../../../actors/connection/connection-id.ts';

const ids = suite('connection id');

ids('says its thread, and is positive on every thread of a mesh', () => {
  for (const thread of [0, 1, 63]) {
    for (const serial of [0, 1, 2 ** 24 - 18, 2 ** 24, 2 ** 31]) {
      const id = connectionId(thread, serial);
      assert.is(threadOfConnection(id), thread);
      assert.ok(id >= 16, `${id} is not one of the node's own actors`);
    }
  }
});

ids('differs from the ones before', () => {
  const seen = new Set(Array.from({ length: 1000 }, (_, serial) => connectionId(1, serial)));
  assert.is(seen.size, 1000);
});

ids.run();
