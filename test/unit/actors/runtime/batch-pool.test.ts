import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BatchPool } from '../../../../actors/runtime/batch-pool.ts';

const pool = suite('batch pool');

pool('gives batches that are large enough, and the same one again', () => {
  const batches = new BatchPool();
  for (const words of [1, 31, 32, 33, 1000, 65_536, 70_000]) assert.ok(batches.take(words).length >= words);
  const batch = batches.take(100);
  assert.is(batch.length, 128);
  batches.give(batch);
  assert.is(batches.take(65), batch);
  assert.is.not(batches.take(65), batch);
});

pool('grows a batch with its words', () => {
  const batches = new BatchPool();
  const batch = batches.take(32);
  batch[31] = 7;
  const larger = batches.grow(batch);
  assert.is(larger.length, 64);
  assert.is(larger[31], 7);
  assert.is(batches.take(32), batch);
});

pool('keeps a bounded number, and neither the empty batch nor a huge one', () => {
  const batches = new BatchPool();
  const many: Int32Array[] = Array.from({ length: 100 }, () => new Int32Array(32));
  for (const batch of many) batches.give(batch);
  const known = Array.from({ length: 100 }, () => batches.take(32)).filter((batch) => many.includes(batch));
  assert.is(known.length, 32);
  batches.give(new Int32Array(0));
  const huge = new Int32Array(2 ** 17);
  batches.give(huge);
  assert.is.not(batches.take(2 ** 17), huge);
});

pool.run();
