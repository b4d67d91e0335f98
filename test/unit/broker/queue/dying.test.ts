/** What dies while its content is in the store alone: it is asked for first, and waits for its letter until it has come. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RESIDENT } from '../../../../src/broker/queue/contents.ts';
import { CHUNK_ENTRIES } from '../../../../src/broker/queue/ledger-layout.ts';
import { QueueMachine } from '../../../../src/broker/queue/queue-machine.ts';
import { CrashingMemory } from '../../../property/support/crashing-memory.ts';

const test = suite('dying without content');
const MESSAGES = RESIDENT + 100;

class World {
  readonly memory = new CrashingMemory(CHUNK_ENTRIES);
  gone = 0;
  machine = this.#make();

  constructor() {
    this.machine.create();
    for (let index = 0; index < MESSAGES; index++) this.machine.publish(this.memory.message(), true);
    while (this.machine.contents.pageOut(10_000, MESSAGES, false, () => {}, () => true));
    // What stands before was in memory, and goes.
    for (let index = 0; index < RESIDENT; index++) this.machine.dropHead();
    this.gone = 0;
  }

  #make(): QueueMachine {
    const port = { deliver: () => {}, keptGone: () => void this.gone++, keptReturned: () => {} };
    return new QueueMachine(this.memory, 0, { title: 'a queue', singleActiveConsumer: false, deadLetters: true }, port);
  }

  restart(): void {
    this.machine = this.#make();
    this.machine.recover();
  }

  get wanted(): number[] {
    const positions = new Int32Array(8);
    return [...positions.subarray(0, this.machine.contents.wanted(positions, 8))];
  }
}

for (const crashed of [false, true]) {
  test(`its content is wanted before all others${crashed ? ', after a crash too' : ''}`, () => {
    const world = new World();
    assert.not(world.machine.isAskedFor, 'nobody waits');
    world.machine.dropHead('maxlen');
    world.machine.dropHead('maxlen');
    if (crashed) world.restart();
    const { machine } = world;
    const dying = machine.dying!;
    assert.is(machine.ready, 98);
    assert.equal([dying.count, dying.waiting, dying.lacking], [2, 2, 2]);
    assert.ok(machine.isAskedFor);
    assert.equal(world.wanted.slice(0, 2), [RESIDENT, RESIDENT + 1]);
    assert.is(machine.contents.address(dying.next), 0, 'its letter waits');

    assert.ok(machine.contents.fill(RESIDENT, world.memory.message()));
    assert.ok(machine.contents.fill(RESIDENT + 1, world.memory.message()));
    assert.is(dying.lacking, 0);
    assert.is(machine.contents.lacking, 98);
    assert.not(machine.isAskedFor);
    for (let left = 2; left > 0; left--) dying.bury(dying.take());
    assert.is(world.gone, 2, 'the store hears of it');
    assert.is(dying.count, 0);
  });
}

test('a purge leaves it, and counts what it takes', () => {
  const { machine, memory } = new World();
  machine.dropHead('expired');
  assert.is(machine.purge(), 99);
  assert.is(machine.contents.lacking, 1);
  assert.ok(machine.contents.fill(RESIDENT, memory.message()));
  assert.equal([machine.contents.lacking, machine.dying!.lacking], [0, 0]);
});

test.run();
