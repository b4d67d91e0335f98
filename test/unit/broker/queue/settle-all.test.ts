/** Many settles at once cost what they are, however few of them can go together. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { QueueMachine, Settle } from '../../../../src/broker/queue/queue-machine.ts';
import { CrashingMemory } from '../../../property/support/crashing-memory.ts';
import { specOf } from '../../../property/support/queue-commands.ts';

const MESSAGES = 3000;
const test = suite('settles of a whole batch');

/** Delivers all messages to `consumers` in turn, settles them in their order, and answers how often a position was looked at. */
function looks(consumers: number, kept: boolean): number {
  const memory = new CrashingMemory(1024);
  const port = { deliver: () => {}, keptGone: () => {}, keptReturned: () => {} };
  const machine = new QueueMachine(memory, 0, { title: "queue 'q' in vhost '/'", singleActiveConsumer: false }, port);
  machine.create();
  for (let key = 1; key <= consumers; key++) machine.consume(specOf({ connection: 1, channel: 1, key, prefetch: MESSAGES }));
  for (let each = 0; each < MESSAGES; each++) machine.publish(memory.message(), kept);
  while (machine.dispatch());
  assert.is(machine.unsettled, MESSAGES);
  let count = 0;
  const positions = new Proxy(Int32Array.from({ length: MESSAGES }, (_, position) => position), {
    get: (target, key) => {
      count++;
      return Reflect.get(target, key, target);
    },
  });
  machine.settleAll(positions, MESSAGES, Settle.ack, 1);
  assert.equal([machine.unsettled, memory.lent.size], [0, 0]);
  return count;
}

for (const [name, consumers, kept] of [['of one consumer', 1, false], ['of two in turn', 2, false], ['that the store keeps', 1, true]] as const) {
  test(`${name}: each is looked at a few times`, () => {
    assert.ok(looks(consumers, kept) <= 5 * MESSAGES);
  });
}

test.run();
