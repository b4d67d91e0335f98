/** Random histories of a timeline, and mistakes that they find. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import type { SourceChange } from '../../support/source-change.ts';
import { loadSmallStore } from './store-copy.ts';
import { timelineHistories } from './timeline-world.ts';

const SEED = Number(process.env['LEVERET_SEED'] ?? 20_261_121);
const RUNS = Number(process.env['LEVERET_RUNS'] ?? 1000);
const CONTROL_RUNS = 2000;

const timeline = suite('histories of a timeline');

timeline('agree with the model, restarts included', async () => {
  fc.assert(timelineHistories(await loadSmallStore()), { numRuns: RUNS, seed: SEED });
});

const MISTAKES: Readonly<Record<string, readonly SourceChange[]>> = {
  'what is passed stays on the disk': [{ file: 'timeline.ts', right: 'for (const [number, { dueMs, isRefined }] of this.#passed) changes.push', wrong: 'for (const [number, { dueMs, isRefined }] of this.#made.length > 0 ? [] : this.#passed) if (number % 3 !== 1) changes.push' }],
  'what is passed is handed out again': [{ file: 'timeline.ts', right: ' || this.#passed.has(place.number)', wrong: '' }],
  'what is written behind the horizon keeps its lease': [{ file: 'timeline.ts', right: '        for (const address of addresses) this.#tools.memory.release(address);\n', wrong: '' }],
  'what is due before the horizon waits on the disk': [{ file: 'timeline.ts', right: 'if (isLater(moment, this.horizon)) {', wrong: 'if (isLater(moment, this.horizon) || addresses.length > 1) {' }],
  'the horizon stands behind a moment that found no memory': [{ file: 'timeline.ts', right: "if (addresses === undefined) return 'exhausted';", wrong: "if (addresses === undefined) { this.horizon = place; return 'exhausted'; }" }],
  'a moment that found no memory keeps some': [{ file: 'timeline.ts', right: 'for (const taken of addresses) memory.release(taken);', wrong: '' }],
  'letting go leaves the horizon': [{ file: 'timeline.ts', right: '    this.horizon = place;\n    this.#isReached', wrong: '    this.#isReached' }],
  'a batch in vain is forgotten': [{ file: 'timelines.ts', right: 'for (const timeline of this.#touched) timeline.abandoned();', wrong: 'this.#touched.clear();' }],
  'transient messages outlive the process': [{ file: 'moment-record.ts', right: 'if (!isOlder ||', wrong: 'if (isOlder || !isOlder ||' }],
  'all messages go with the process': [{ file: 'moment-record.ts', right: '(value[flagsFrom + row]! & MomentFlag.persistent) !== 0', wrong: '(value[flagsFrom + row]! & MomentFlag.persistent) > 1' }],
  'the process has the number of the last one': [{ file: 'timeline.ts', right: '(record?.process ?? 0) + 1', wrong: 'record?.process ?? 1' }],
  'numbers begin anew': [{ file: 'timeline.ts', right: 'this.#next = record?.next ?? 0;', wrong: 'this.#next = 0;' }],
  'the order of one millisecond is lost': [{ file: 'delayed-rows.ts', right: '|| left - right)', wrong: '|| right - left)' }],
  'one of a batch that is split is lost': [{ file: 'moment-making.ts', right: 'const which = order.subarray(from, to);', wrong: 'const which = order.subarray(from, Math.min(to, from + 3));' }],
  'what is next is not noted': [{ file: 'timeline.ts', right: '        this.#noteNext(moment);\n', wrong: '' }],
  'a span of a later group is passed over': [{ file: 'span-refining.ts', right: 'spansBehind: justBefore(next)', wrong: 'spansBehind: BEHIND_ALL' }],
  'moments that are made later hold what stands apart': [{ file: 'span-refining.ts', right: 'onlySpans: true', wrong: 'onlySpans: false' }],
  'moments are made across others': [{ file: 'span-refining.ts', right: 'number > arrival && number < following', wrong: 'number < arrival && number > following' }],
  'arrivals are forgotten in a span': [{ file: 'span-rows.ts', right: '|| signOf(arrivals[left]! - arrivals[right]!)', wrong: '|| left - right' }],
  'spans that are refined stay': [{ file: 'span-refining.ts', right: '  if (--this.#left[span]! === 0) ', wrong: '  if (--this.#left[span]! === 0 && span !== 1) ' }],
  'a span that is refined is counted with what its process took along': [{ file: 'timeline.ts', right: 'this.messages - step.lost', wrong: 'this.messages' }],
  'transient messages in spans outlive the process': [{ file: 'span-record.ts', right: 'const isLost = isOlder &&', wrong: 'const isLost = isOlder && !isOlder &&' }],
  'what has gone on comes out of its span again': [{ file: 'span-refining.ts', right: 'before !== undefined && isMoved(before, at, { dueMs, number })', wrong: 'before !== undefined && dueMs < 0' }],
  'how far refining came is forgotten by the next group': [{ file: 'timeline.ts', right: 'refining: this.#refining?.progress }', wrong: 'refining: undefined }' }],
  'how far refining came is noted too late': [{ file: 'span-refining.ts', right: 'this.#placeOf(order[done - 1]!)', wrong: 'this.#placeOf(order[this.#done]!)' }],
  'how far refining came is noted too early': [{ file: 'span-refining.ts', right: 'this.#placeOf(order[done - 1]!)', wrong: 'this.#placeOf(order[done]!)' }],
  'a moment takes the place of a span that is not done with': [{ file: 'moment-making.ts', right: 'place, onlySpans && !isSpan)', wrong: 'place)' }],
  'a step that found no room is not the same again': [{ file: 'span-refining.ts', right: 'this.#pending ??= ', wrong: 'this.#pending = ' }],
  'what came meanwhile goes with what is refined': [{ file: 'span-refining.ts', right: '      if (at.number >= arrivals) continue;\n', wrong: '' }],
  'the next process goes on with other spans': [{ file: 'span-refining.ts', right: 'until: justBefore(next), arrivals }', wrong: 'until: from, arrivals }' }],
  'lost messages count until their span goes': [{ file: 'span-refining.ts', right: 'lost: lostDone - this.#lostDone', wrong: 'lost: isDone ? lostDone : 0' }],
  'the sum forgets what is passed': [{ file: 'timeline.ts', right: 'for (const { count } of this.#passed.values()) messages -= count;', wrong: '' }],
  'a deleted timeline stays on the disk': [{ file: 'timelines.ts', right: '    this.#ending.add(id);\n', wrong: '' }],
  'a deleted timeline stays in part': [{ file: 'timelines.ts', right: 'if (room-- === 0) return;', wrong: 'if (room-- === 0) break;' }],
  'a key begins in the middle of a millisecond': [{ file: 'timeline-keys.ts', right: 'number: place.number + 1', wrong: 'number: place.number + 2' }],
};

for (const [mistake, changes] of Object.entries(MISTAKES)) {
  timeline(`find that ${mistake}`, async () => {
    const found = fc.check(timelineHistories(await loadSmallStore(changes)), { numRuns: CONTROL_RUNS, seed: SEED, endOnFailure: true });
    assert.ok(found.failed, `${CONTROL_RUNS} histories agree with the model all the same`);
  });
}

timeline.run();
