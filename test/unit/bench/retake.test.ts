import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createHistogram, summarizeLatency } from '../../../bench/client/latency.ts';
import type { Figures } from '../../../bench/measure.ts';
import { isDisturbed, OTHERS_LIMIT_SHARE, takeUndisturbed } from '../../../bench/retake.ts';

const test = suite('bench/retake');

function confirmed(othersShare: number): Figures {
  return { kind: 'confirm', confirm: summarizeLatency(createHistogram()), flush: undefined, othersShare };
}

async function taken(shares: readonly number[], retakes: number): Promise<{ counts: number; discarded: number[]; takes: number }> {
  const figures = shares.map(confirmed);
  const discarded: Figures[] = [];
  let takes = 0;
  const counts = await takeUndisturbed(async () => figures[takes++] as Figures, retakes, (each) => discarded.push(each));
  return { counts: figures.indexOf(counts), discarded: discarded.map((each) => figures.indexOf(each)), takes };
}

test('disturbed is above the limit', () => {
  assert.not.ok(isDisturbed(confirmed(OTHERS_LIMIT_SHARE)));
  assert.ok(isDisturbed(confirmed(OTHERS_LIMIT_SHARE + 0.001)));
});

test('taken again until nobody disturbs, and no more often than asked', async () => {
  assert.equal(await taken([0], 3), { counts: 0, discarded: [], takes: 1 });
  assert.equal(await taken([0.5, 0.4, 0.01], 3), { counts: 2, discarded: [0, 1], takes: 3 });
  assert.equal(await taken([0.5, 0.4, 0.3], 2), { counts: 2, discarded: [0, 1], takes: 3 });
  assert.equal(await taken([0.5], 0), { counts: 0, discarded: [], takes: 1 });
});

test.run();
