import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createHistogram, encodeHistogram, mergeHistograms, recordLatency, summarizeLatency } from '../../../bench/client/latency.ts';

const test = suite('bench/client/latency');

test('merges what several processes counted', () => {
  const [fast, slow] = [createHistogram(), createHistogram()];
  for (let count = 0; count < 980; count += 1) recordLatency(fast, 50_000);
  for (let count = 0; count < 20; count += 1) recordLatency(slow, 8_000_000);
  const merged = summarizeLatency(mergeHistograms([fast, slow].map(encodeHistogram)));
  assert.is(merged.count, 1_000);
  assert.is(merged.p50Us, 50);
  assert.ok(Math.abs(merged.p99Us - 8_000) <= 8, `p99 is ${merged.p99Us}`);
  assert.ok(Math.abs(merged.maxUs - 8_000) <= 8, `max is ${merged.maxUs}`);
});

test('keeps what lies outside its range at the ends of it', () => {
  const histogram = createHistogram();
  recordLatency(histogram, -5_000);
  recordLatency(histogram, 3_600e9);
  const { count, maxUs } = summarizeLatency(mergeHistograms([encodeHistogram(histogram)]));
  assert.is(count, 2);
  assert.ok(Math.abs(maxUs - 60e6) / 60e6 < 0.001, `max is ${maxUs}`);
});

test('an empty histogram says zero', () => {
  assert.is(summarizeLatency(mergeHistograms([])).count, 0);
});

test.run();
