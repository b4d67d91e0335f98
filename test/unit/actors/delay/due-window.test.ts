/** The window of a timeline: the first moment is the earliest, and what is let go of are the latest. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DueWindow, type HeldMoment } from '../../../../actors/delay/due-window.ts';
import { SeededRandom } from '../../../support/seeded-random.ts';

const window = suite('the window of a timeline');

function momentsOf(count: number, seed: number): HeldMoment[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, (_, number) => {
    const messages = 1 + random.below(4);
    return { dueMs: random.below(20), number, addresses: new Array<number>(messages).fill(1), flags: new Array<number>(messages).fill(0), bytes: 10 * messages, taken: 0, tries: 0, index: -1 };
  });
}

const inOrder = (moments: readonly HeldMoment[]): HeldMoment[] => moments.toSorted((left, right) => left.dueMs - right.dueMs || left.number - right.number);

function drained(held: DueWindow): HeldMoment[] {
  const moments: HeldMoment[] = [];
  for (let first = held.first; first !== undefined; first = held.first) {
    moments.push(first);
    held.shift();
  }
  return moments;
}

window('gives moments in the order of their time', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const moments = momentsOf(seed, seed);
    const held = new DueWindow();
    for (const moment of moments) held.add(moment);
    assert.is(held.messages, moments.reduce((sum, { addresses }) => sum + addresses.length, 0));
    assert.equal(drained(held), inOrder(moments));
    assert.equal([held.messages, held.bytes], [0, 0]);
  }
});

window('keeps the earliest, and at least one', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const moments = momentsOf(40, seed);
    const held = new DueWindow();
    for (const moment of moments) held.add(moment);
    const { last, gone } = held.keepFirst(seed, 10 * seed);
    const kept = drained(held);
    assert.equal([...kept, ...gone], inOrder(moments));
    assert.equal(last, kept.at(-1));
    assert.ok(kept.length === 1 || kept.reduce((sum, { addresses }) => sum + addresses.length, 0) <= seed);
    assert.equal([held.messages, held.bytes], [0, 0]);
  }
});

window('holds thousands, and moments take the places of those that went', () => {
  const moments = momentsOf(6_000, 11);
  const held = new DueWindow();
  const before = moments.slice(0, 3_000);
  for (const moment of before) held.add(moment);
  const gone = inOrder(before).slice(0, 1_000);
  for (const moment of gone) {
    assert.equal(held.first, moment);
    held.shift();
  }
  for (const moment of moments.slice(3_000)) held.add(moment);
  assert.equal(drained(held), inOrder(moments.filter((moment) => !gone.includes(moment))));
});

window('remembers what was begun of a moment when an earlier one comes', () => {
  const held = new DueWindow();
  held.begin();
  held.put(7, 2, 100);
  held.end({ dueMs: 10, number: 1 });
  Object.assign(held.first!, { tries: 1, index: 3 });
  held.begin();
  held.put(8, 0, 60);
  held.put(9, 1, 40);
  held.end({ dueMs: 5, number: 2 });
  assert.equal(held.first, { dueMs: 5, number: 2, addresses: [8, 9], flags: [0, 1], bytes: 100, taken: 0, tries: 0, index: -1 });
  held.shift();
  assert.equal(held.first, { dueMs: 10, number: 1, addresses: [7], flags: [2], bytes: 100, taken: 0, tries: 1, index: 3 });
});

window('goes on after some were let go of', () => {
  const moments = momentsOf(30, 7);
  const held = new DueWindow();
  for (const moment of moments) held.add(moment);
  const { gone } = held.keepFirst(20, 1_000);
  for (const moment of gone) held.add(moment);
  assert.equal(drained(held), inOrder(moments));
  assert.equal(held.clear(), []);
});

window.run();
