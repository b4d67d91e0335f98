/** A plan of crashes crashes often, and condemns no letter unless that is asked for. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LETTER_CRASHES_MAX } from '../../../actors/runtime/scheduler.ts';
import { FaultSchedule } from '../../../src/main/fault-schedule.ts';

const LETTERS = 2_000;

/** Actors in turns, each with a letter in hand until it has passed. Answers all crashes, and the most over one letter. */
function runOf(seed: number, everyLetters: number, actors: number): { crashes: number; most: number } {
  const schedule = new FaultSchedule({ group: 'queue', seed, everyLetters, crashesMax: LETTERS });
  const over = new Map<number, number>();
  let [crashes, most] = [0, 0];
  for (let turn = 0; turn < LETTERS; turn++) {
    const id = turn % actors;
    try {
      schedule.beforeLetter('queue', id);
      schedule.afterLetter('queue', id);
      over.set(id, 0);
    } catch {
      crashes++;
      over.set(id, (over.get(id) ?? 0) + 1);
      most = Math.max(most, over.get(id)!);
    }
  }
  return { crashes, most };
}

const test = suite('a plan of crashes');

test('crashes over a letter once or twice, however the letters of other actors come between', () => {
  for (const actors of [1, 2, 3, 7]) {
    let twice = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const { crashes, most } = runOf(seed, 2, actors);
      assert.ok(most < LETTER_CRASHES_MAX, `seed ${seed}, ${actors} actors: ${most} crashes over one letter`);
      assert.ok(crashes > LETTERS / 8, `${crashes} crashes`);
      twice += most === LETTER_CRASHES_MAX - 1 ? 1 : 0;
    }
    assert.ok(twice > 0);
  }
});

test('condemns letters when there is a crash at each', () => {
  assert.ok(runOf(5, 1, 1).most >= LETTER_CRASHES_MAX);
});

test.run();
