/** Bytes of ready bodies are exact, also of contents that are in the store alone. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CHUNK_ENTRIES, KEPT_FLAG, SETTLED } from '../../../../src/broker/queue/ledger-layout.ts';
import { RESIDENT } from '../../../../src/broker/queue/contents.ts';
import { QueueMachine } from '../../../../src/broker/queue/queue-machine.ts';
import { Ledger } from '../../../../src/broker/queue/ledger.ts';
import { ReadySize } from '../../../../src/broker/queue/ready-size.ts';
import { CrashingMemory } from '../../../property/support/crashing-memory.ts';

const test = suite('bytes of ready messages');
const sizeOf = (address: number): number => 10 * address;

function machineOver(memory: CrashingMemory): QueueMachine {
  const traits = { title: 'a queue', singleActiveConsumer: false, sizeOf };
  return new QueueMachine(memory, 0, traits, { deliver: () => {}, keptGone: () => {}, keptReturned: () => {} });
}

test('what is paged out keeps its bytes, over a crash too, and gives them back when it is dropped', () => {
  const memory = new CrashingMemory(CHUNK_ENTRIES);
  const before = machineOver(memory);
  before.create();
  const count = RESIDENT + 3;
  for (let each = 0; each < count; each++) before.publish(memory.message(), true);
  const all = (10 * count * (count + 1)) / 2;
  assert.is(before.readyBytes, all);
  before.contents.pageOut(100_000, before.tail, false, () => assert.unreachable('nothing is transient'), () => true);
  assert.is(before.contents.lacking, 3);
  assert.is(before.readyBytes, all);
  const after = machineOver(memory);
  after.recover();
  assert.is(after.contents.lacking, 3);
  assert.is(after.readyBytes, all);
  for (let each = 0; each < RESIDENT; each++) after.dropHead('maxlen');
  assert.is(after.readyBytes, 10 * (RESIDENT + 1 + RESIDENT + 2 + RESIDENT + 3));
  // Its content comes back, here with the address that it had.
  memory.lent.add(RESIDENT + 1);
  assert.ok(after.contents.fill(RESIDENT, RESIDENT + 1));
  for (let left = 2; left >= 0; left--) after.dropHead('maxlen');
  assert.is(after.readyBytes, 0);
});

test('what a restart brings has the sizes that it was filled with', () => {
  const memory = new CrashingMemory(CHUNK_ENTRIES);
  const ledger = new Ledger(memory, 0);
  ledger.beginAt(5);
  for (const size of [3, 4]) {
    ledger.append(0, KEPT_FLAG);
    ledger.noteSize((ledger.tail - 1) | 0, size);
  }
  const machine = machineOver(memory);
  machine.recover();
  assert.is(machine.readyBytes, 7);
  const again = new Ledger(memory, 0);
  again.recover();
  again.remove(5, SETTLED);
  const size = new ReadySize(again, sizeOf);
  size.recover();
  assert.is(size.bytes, 4);
});

test.run();
