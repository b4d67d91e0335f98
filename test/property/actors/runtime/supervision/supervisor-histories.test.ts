/** Supervisor and reference agree on every effect of 100,000 random histories: reliability test A3. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DynamicSupervisor } from '../../../../../actors/runtime/supervision/dynamic-supervisor.ts';
import { Supervisor } from '../../../../../actors/runtime/supervision/supervisor.ts';
import { DynamicSupervisorModel } from '../../../support/dynamic-supervisor-model.ts';
import { OtpSupervisorModel } from '../../../support/otp-supervisor-model.ts';
import { Choices, playHistory } from '../../../support/supervisor-history.ts';
import { asSupervised, chooseDynamic, chooseOrdered, STRATEGIES } from '../../../support/supervisor-makers.ts';

const HISTORIES_OF_A_STRATEGY = 25_000;
const HISTORIES_OF_A_GROUP = 25_000;
/** A history that causes fewer effects than this on average would test nothing. */
const EFFECTS_MEAN_MIN = 10;

const bytes = fc.uint8Array({ minLength: 30, maxLength: 240, size: 'max' });
const test = suite('supervisor histories');

for (const strategy of STRATEGIES) {
  test(`${HISTORIES_OF_A_STRATEGY} histories, ${strategy}`, () => {
    let histories = 0;
    let effects = 0;
    const play = (history: Uint8Array): void => {
      const choices = new Choices(history);
      const options = chooseOrdered(choices, strategy);
      effects += playHistory(choices, (port) => new Supervisor(options, port), (port) => new OtpSupervisorModel(options, port));
      histories += 1;
    };
    fc.assert(fc.property(bytes, play), { numRuns: HISTORIES_OF_A_STRATEGY });
    assert.is(histories, HISTORIES_OF_A_STRATEGY);
    assert.ok(effects / histories >= EFFECTS_MEAN_MIN, `${effects / histories} effects in a history`);
  });
}

test(`${HISTORIES_OF_A_GROUP} histories of dynamic children`, () => {
  let histories = 0;
  let effects = 0;
  const play = (history: Uint8Array): void => {
    const choices = new Choices(history);
    const options = chooseDynamic(choices);
    effects += playHistory(
      choices,
      (port) => asSupervised(new DynamicSupervisor(options, port)),
      (port) => asSupervised(new DynamicSupervisorModel(options, port)),
    );
    histories += 1;
  };
  fc.assert(fc.property(bytes, play), { numRuns: HISTORIES_OF_A_GROUP });
  assert.is(histories, HISTORIES_OF_A_GROUP);
  assert.ok(effects / histories >= EFFECTS_MEAN_MIN, `${effects / histories} effects in a history`);
});

test.run();
