/** basic.get from a queue in which more has expired than goes at once. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Getting } from '../../../../actors/queue/getting.ts';
import { CHUNK_ENTRIES } from '../../../../src/broker/queue/ledger-layout.ts';
import { DYING_MAX } from '../../../../src/broker/queue/dying.ts';
import { EXPIRE_MAX, QueueMachine } from '../../../../src/broker/queue/queue-machine.ts';
import type { QueueAnswer } from '../../../../src/broker/queue/queue-question.ts';
import { CrashingMemory } from '../../../property/support/crashing-memory.ts';
import { specOf } from '../../../property/support/queue-commands.ts';

const ASKER = { thread: 1, id: 5, generation: 1 };
const SPEC = specOf({ connection: 5, channel: 1 });
const test = suite('basic.get');

for (const [what, deadLetters, expired] of [
  ['drop at once', false, EXPIRE_MAX + 10],
  ['bury at once', true, DYING_MAX + 10],
] as const) {
  test(`what has expired is not got, however many there are: more than it may ${what}`, () => {
    let nowMs = 0;
    const memory = new CrashingMemory(CHUNK_ENTRIES);
    const times = { nowMs: () => nowMs, publishedMs: () => 0, expirationMs: () => 5 };
    const port = { deliver: () => {}, keptGone: () => {}, keptReturned: () => {} };
    const machine: QueueMachine = new QueueMachine(memory, 0, { title: 'a queue', singleActiveConsumer: false, times, deadLetters }, {
      ...port,
      deliver: (consumer, address, position, redelivered) => void getting.takes(consumer, address, position, redelivered),
    });
    const getting = new Getting(machine);
    machine.create();
    for (let index = 0; index < expired; index++) machine.publish(memory.message(), false, true);
    const live = memory.message();
    machine.publish(live);
    nowMs = 10;

    const answers: QueueAnswer[] = [];
    const first = getting.get(ASKER, 1, SPEC);
    assert.is(first, undefined, 'the answer waits');
    for (let turn = 0; answers.length === 0 && turn < 10; turn++) {
      machine.dropExpired();
      while ((machine.dying?.waiting ?? 0) > 0) machine.dying!.bury(machine.dying!.take());
      getting.retry((_to, _request, answer) => answers.push(answer));
    }
    const [answer] = answers;
    assert.is(answer?.type === 'got' ? answer.address : undefined, live);
  });
}

test.run();
