/**
 * Random histories of the actor of a timeline with its store, over crashes, lost threads and restarts. A mistake is put into the sources
 * by LEVERET_MISTAKE in a process of its own, which must find it.
 */
import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { changeSources } from '../../../support/sim/changed-sources.ts';
import type { SourceChange } from '../../../support/source-change.ts';
import type { WorldStep } from './timeline-actor-world.ts';

const SEED = Number(process.env['LEVERET_SEED'] ?? 2);
const RUNS = Number(process.env['LEVERET_RUNS'] ?? (process.env['LEVERET_MISTAKE'] === undefined ? 400 : 6_000));

const SMALL_BOUNDS: readonly SourceChange[] = [
  { file: 'actors/delay/timeline-actor.ts', right: 'WANTED_MESSAGES = 16_384', wrong: 'WANTED_MESSAGES = 3' },
  { file: 'actors/delay/timeline-actor.ts', right: 'AHEAD_MS = 2_000', wrong: 'AHEAD_MS = 25' },
  { file: 'src/store/moment-making.ts', right: 'MOMENT_MESSAGES_MIN = 8', wrong: 'MOMENT_MESSAGES_MIN = 3' },
  { file: 'src/store/span-record.ts', right: 'SPAN_MESSAGES_MAX = 64', wrong: 'SPAN_MESSAGES_MAX = 3' },
  { file: 'src/store/span-refining.ts', right: 'REFINED_BYTES_MAX = 2 * 1024 * 1024', wrong: 'REFINED_BYTES_MAX = 1000' },
  { file: 'src/store/span-refining.ts', right: 'STEP_READ_BYTES = 512 * 1024', wrong: 'STEP_READ_BYTES = 400' },
  { file: 'src/store/span-refining.ts', right: 'STEP_WRITTEN_BYTES = 512 * 1024', wrong: 'STEP_WRITTEN_BYTES = 150' },
  { file: 'actors/delay/timeline-actor.ts', right: 'HELD_MESSAGES_MAX = 32_768', wrong: 'HELD_MESSAGES_MAX = 8' },
  { file: 'actors/delay/timeline-actor.ts', right: 'KEPT_MESSAGES = 16_384', wrong: 'KEPT_MESSAGES = 4' },
  { file: 'actors/delay/timeline-actor.ts', right: 'TURN_MESSAGES_MAX = 2_048', wrong: 'TURN_MESSAGES_MAX = 2' },
  { file: 'actors/queue/copies-under-way.ts', right: 'COPIES_MAX = 16_384', wrong: 'COPIES_MAX = 5' },
  { file: 'src/store/timeline.ts', right: 'SPANS_AHEAD_MS = 10_000', wrong: 'SPANS_AHEAD_MS = 10' },
  { file: 'src/store/timeline.ts', right: 'ADVANCE_MESSAGES_MAX = 4096', wrong: 'ADVANCE_MESSAGES_MAX = 4' },
  { file: 'src/store/moment-record.ts', right: 'MOMENT_MESSAGES_MAX = 1024', wrong: 'MOMENT_MESSAGES_MAX = 3' },
];

const MISTAKES: Readonly<Record<string, SourceChange>> = {
  'a moment goes when its messages were sent': { file: 'actors/delay/timeline-actor.ts', right: 'if (links > 0) copies.add(moment.index, links, bytes);', wrong: 'if (links > 0) this.#state.landed(moment.index);' },
  'what was let go of is never asked for again': { file: 'actors/delay/timeline-actor.ts', right: '    state.receded = place;\n    state.nextMs = place.dueMs;\n', wrong: '    state.receded = place;\n' },
  'what comes late behind the window is taken twice': { file: 'actors/delay/timeline-actor.ts', right: 'isOurs && (state.receded === undefined || !isLater(place, state.receded))', wrong: 'isOurs' },
  'what is under way is handed out again': { file: 'actors/delay/timeline-actor.ts', right: 'const place = state.latest(last);', wrong: 'const place = last;' },
  'an answer that is read again counts again': { file: 'actors/delay/timeline-actor.ts', right: '    letter.b = AdvanceResult.none;\n', wrong: '' },
  'what is next behind the window is not heard of': { file: 'actors/delay/timeline-actor.ts', right: 'state.nextMs = Math.min(state.nextMs, nextMs);', wrong: 'state.nextMs = state.nextMs;' },
  'nobody asks when it is time': { file: 'actors/delay/timeline-actor.ts', right: 'return askAtMs > nowMs ? askAtMs : Infinity;', wrong: 'return Infinity;' },
  'a lost thread is not heard of': { file: 'actors/delay/timeline-actor.ts', right: 'if (!state.copies.isEmpty) this.#handOutAnew();', wrong: '' },
  'what a process before had sent comes unmarked': { file: 'src/store/timelines.ts', right: '!clean || record === undefined', wrong: 'record === undefined' },
  'what a lost thread had sent comes unmarked': { file: 'actors/delay/timeline-actor.ts', right: 'state.isNew ? Math.floor(this.#setting.nowMs()) : state.flyingMs', wrong: 'state.flyingMs' },
  'what was sent to a lost thread comes unmarked': { file: 'actors/delay/timeline-actor.ts', right: 'this.#setting.nowMs()) : state.flyingMs', wrong: 'this.#setting.nowMs()) : 0' },
  'what is on its way at an orderly end comes unmarked': { file: 'actors/delay/timeline-actor.ts', right: 'if (!this.#finished) this.#tellFlying();', wrong: '' },
  'an orderly end forgets what was marked': { file: 'src/store/timeline-record.ts', right: '  writeExtended(value, 28, goneMs);\n', wrong: '' },
  'everything is marked': { file: 'src/store/timeline.ts', right: 'moment.dueMs > this.#goneMs ? moment :', wrong: 'moment.dueMs < 0 ? moment :' },
  'what is due is routed too early': { file: 'actors/delay/timeline-actor.ts', right: 'moment.dueMs <= nowMs;', wrong: 'moment.dueMs <= nowMs + 2;' },
};

const mistake = process.env['LEVERET_MISTAKE'];
changeSources(mistake === undefined ? SMALL_BOUNDS : [...SMALL_BOUNDS, MISTAKES[mistake]!]);
const { TimelineActorWorld } = await import('./timeline-actor-world.ts');

const count = fc.integer({ min: 1, max: 4 });
const step: fc.Arbitrary<WorldStep> = fc.oneof(
  { weight: 14, arbitrary: fc.record({ type: fc.constant('publish' as const), delayMs: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 24, arbitrary: fc.record({ type: fc.constantFrom('store' as const, 'actor' as const, 'actor' as const, 'queue' as const), count }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('time' as const), count: fc.integer({ min: 1, max: 15 }) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('commit' as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('crash' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('queue lost' as const, 'thread lost' as const, 'restart' as const, 'stop' as const, 'crash' as const, 'crash' as const) }) },
);

const timeline = suite('the actor of a timeline');

timeline('loses nothing, doubles nothing unmarked, and is never early', () => {
  const histories = fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
    const world = new TimelineActorWorld();
    for (const each of steps) world.run(each);
    world.end();
  });
  fc.assert(histories, { numRuns: RUNS, seed: SEED, includeErrorInReport: true, endOnFailure: mistake !== undefined });
});

if (mistake === undefined) {
  for (const name of Object.keys(MISTAKES)) {
    timeline(`is caught: ${name}`, () => {
      const { stdout } = spawnSync(process.execPath, [import.meta.filename], { env: { ...process.env, LEVERET_MISTAKE: name }, encoding: 'utf8' });
      assert.match(stdout, 'Property failed after');
    });
  }
}

timeline.run();
