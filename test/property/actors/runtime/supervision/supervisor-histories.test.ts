/** Supervisor and reference agree on every effect of random histories; LEVERET_HISTORIES=100000 plays that many. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DynamicSupervisor } from '../../../../../actors/runtime/supervision/dynamic-supervisor.ts';
import { Supervisor } from '../../../../../actors/runtime/supervision/supervisor.ts';
import {
  EffectTally,
  HISTORY_BYTES,
  playDynamic,
  playOrdered,
  type HistoryPlayer,
} from '../../../support/supervisor-makers.ts';

const players: readonly [name: string, play: HistoryPlayer, effects: readonly string[]][] = [
  ['one-for-one', playOrdered('one-for-one', Supervisor), []],
  ['rest-for-one', playOrdered('rest-for-one', Supervisor), []],
  ['one-for-all', playOrdered('one-for-all', Supervisor), []],
  ['dynamic children', playDynamic(DynamicSupervisor), ['marked']],
];

const HISTORIES_OF_ONE_KIND = Math.ceil(Number(process.env['LEVERET_HISTORIES'] ?? 20_000) / players.length);
/** Each kind of effect must have been seen in at least every hundredth history, or the histories test too little. */
const EFFECTS_OF_A_KIND_MIN = HISTORIES_OF_ONE_KIND / 100;

const test = suite('supervisor histories');

for (const [name, play, effects] of players) {
  test(`${HISTORIES_OF_ONE_KIND} histories, ${name}`, () => {
    const tally = new EffectTally();
    fc.assert(
      fc.property(HISTORY_BYTES, (history) => tally.add(play(history))),
      { numRuns: HISTORIES_OF_ONE_KIND, includeErrorInReport: true },
    );
    assert.is(tally.histories, HISTORIES_OF_ONE_KIND);
    for (const effect of ['start', 'stop', 'kill', 'arm', 'ready', 'escalate', 'answer', ...effects]) {
      assert.ok(tally.count(effect) >= EFFECTS_OF_A_KIND_MIN, `${effect}: ${tally.count(effect)} times`);
    }
  });
}

test.run();
