/** What a queue tells the store and hears from it, when it crashes in the middle. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { QueueLetter } from '../../../../actors/messages/queue-messages.ts';
import { APPEND_WORDS, StoreLetter } from '../../../../actors/messages/store-messages.ts';
import { Keeping } from '../../../../actors/queue/keeping.ts';
import { UNDER_WAY_BYTES_MAX } from '../../../../actors/queue/under-way.ts';
import type { ActorContext } from '../../../../actors/runtime/actor.ts';
import { BatchPool } from '../../../../actors/runtime/batch-pool.ts';
import { type ActorRef, Letter } from '../../../../actors/runtime/letter.ts';
import { WordBatch } from '../../../../src/amqp/channel/queue-link.ts';
import { CHUNK_ENTRIES, KEPT_FLAG, STORE_BEHIND } from '../../../../src/broker/queue/ledger-layout.ts';
import { READ_AHEAD } from '../../../../src/broker/queue/contents.ts';
import { Ledger } from '../../../../src/broker/queue/ledger.ts';
import { QueueMachine } from '../../../../src/broker/queue/queue-machine.ts';
import { Crash, CrashingMemory } from '../../../property/support/crashing-memory.ts';

const PUBLISHER: ActorRef = { thread: 0, id: 5, generation: 1 };
const STORE: ActorRef = { thread: 2, id: 7, generation: 0 };
const test = suite('the keeping of a queue');

/** Sixteen are more than may be under way to the store. */
const BODY_BYTES = UNDER_WAY_BYTES_MAX / 16;

class World {
  readonly memory = new CrashingMemory(CHUNK_ENTRIES);
  readonly told: Letter[] = [];
  /** Leases of the store. */
  readonly held: number[] = [];
  memoryShort = false;
  memoryScarce = false;
  readonly #unsent = new WordBatch();
  machine = this.#newMachine();
  keeping = this.#newKeeping(1);

  #newMachine(): QueueMachine {
    const port = { deliver: () => {}, keptGone: () => {}, keptReturned: () => {} };
    return new QueueMachine(this.memory, 0, { title: 'a queue', singleActiveConsumer: false }, port);
  }

  #newKeeping(generation: number): Keeping {
    const context: ActorContext = {
      self: { thread: 1, id: -1, generation },
      tell: (_to, letter) => void this.told.push(letter),
      watch: () => {},
      unwatch: () => {},
      armTimer: () => {},
      cancelTimer: () => {},
      end: () => {},
    };
    const setting = {
      queue: 1,
      store: STORE,
      pool: new BatchPool(),
      unsent: this.#unsent,
      hold: (address: number) => void this.held.push(address),
      release: (address: number) => {
        const held = this.held.indexOf(address);
        if (held === -1) this.memory.release(address);
        else this.held.splice(held, 1);
      },
      isMemoryShort: () => this.memoryShort,
      isMemoryScarce: () => this.memoryScarce,
      sizeOf: () => BODY_BYTES,
      isShared: () => false,
    };
    return new Keeping(context, setting, this.machine);
  }

  publish(messages: number, kept: boolean): void {
    for (let each = 0; each < messages; each++) {
      const address = this.memory.message();
      const position = this.machine.tail;
      this.machine.publish(address, kept);
      if (kept) this.keeping.append(address, position, 1, position + 1, true, 0);
    }
    this.keeping.flushAppends(PUBLISHER);
    this.keeping.endTurn(true);
  }

  /** The store has what was handed over up to a position. */
  stored(through: number, paged: boolean): void {
    const letter = new Letter(QueueLetter.stored);
    letter.a = letter.b = through;
    letter.c = paged ? 2 : 1;
    this.keeping.stored(letter);
    this.keeping.endTurn(true);
  }

  get isStoreBehind(): boolean {
    return this.machine.counter(STORE_BEHIND) === 1;
  }

  /** Positions that the store was given. */
  get appended(): number[] {
    const letters = this.told.filter(({ type }) => type === StoreLetter.append);
    return letters.flatMap(({ ints, count }) => [...ints.subarray(0, count)].filter((_, word) => word % APPEND_WORDS === 1));
  }

  restart(): void {
    this.machine = this.#newMachine();
    this.machine.recover();
    this.keeping = this.#newKeeping(2);
  }
}

test('contents that came back are each taken once, however often their letter is read', () => {
  // However far the first reader comes.
  for (let changes = 0; changes < 12; changes++) {
    const world = new World();
    const { memory } = world;
    const ledger = new Ledger(memory, 0);
    ledger.create();
    for (let each = 0; each < 3; each++) ledger.append(0, KEPT_FLAG);
    world.machine.recover();
    const letter = new Letter(QueueLetter.content);
    // The last one is of a message that the queue does not hold any more.
    const addresses = [memory.message(), memory.message(), memory.message()];
    letter.ints = Int32Array.from([0, addresses[0]!, 1, addresses[1]!, -5, addresses[2]!]);
    letter.count = letter.ints.length;
    letter.a = 1;
    memory.lightFuse(changes);
    try {
      world.keeping.content(letter);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      world.restart();
      world.keeping.content(letter);
    }
    memory.quench();
    assert.equal(addresses.map((address) => memory.lent.has(address)).slice(0, 2), [true, true]);
    assert.equal([0, 1].map((position) => world.machine.contents.address(position)), addresses.slice(0, 2));
  }
});

test('leases of what was collected for the store and did not leave go with the incarnation', () => {
  const world = new World();
  const { memory, keeping } = world;
  world.machine.create();
  const addresses = [memory.message(), memory.message()];
  for (const [position, address] of addresses.entries()) {
    world.machine.publish(address, true);
    keeping.append(address, position, 1, position + 1, true, 0);
  }
  assert.equal(world.held, addresses);
  world.restart();
  assert.equal(world.held, []);
  world.keeping.resume();
  assert.equal(world.held, addresses, 'they are handed over again');
  assert.is(world.told.at(-1)?.type, StoreLetter.append);
});

test('what was handed over and is not known to be stored is handed over again: its letter may be lost with its thread', () => {
  const world = new World();
  world.machine.create();
  for (let position = 0; position < 3; position++) {
    const address = world.memory.message();
    world.machine.publish(address, true);
    world.keeping.append(address, position, 1, position + 1, true, 0);
  }
  world.keeping.flushAppends(PUBLISHER);
  const stored = new Letter(QueueLetter.stored);
  stored.a = 1;
  stored.c = 1;
  world.keeping.stored(stored);
  world.told.length = 0;
  world.restart();
  world.keeping.resume();
  assert.equal(world.appended, [1, 2]);
  const [retained] = world.told.filter(({ type }) => type === StoreLetter.retain);
  assert.equal([...retained!.ints.subarray(0, retained!.count)], [0, 3]);
});

test('publishers are told when too much of what is kept is under way to the store, until it is less', () => {
  const world = new World();
  world.machine.create();
  world.publish(15, true);
  assert.not(world.isStoreBehind);
  world.publish(1, true);
  assert.ok(world.isStoreBehind);
  world.stored(1, false);
  assert.not(world.isStoreBehind);
});

test('what is paged out goes as the store takes it, and publishers are told when memory is scarce meanwhile', () => {
  const world = new World();
  world.machine.create();
  world.memoryShort = true;
  world.publish(READ_AHEAD + 40, false);
  const first = world.appended.length;
  assert.ok(first > 0 && first <= 16, `${first} messages of a sixteenth of the bound`);
  assert.not(world.isStoreBehind, 'there is memory for more');
  world.memoryScarce = true;
  world.keeping.endTurn(true);
  assert.ok(world.isStoreBehind);
  for (let rounds = 0; world.appended.length < 40; rounds++) {
    assert.ok(rounds < 10);
    world.stored(READ_AHEAD + world.appended.length, true);
  }
  assert.equal(world.appended, Array.from({ length: 40 }, (_, each) => READ_AHEAD + each));
  world.stored(world.machine.tail, true);
  assert.not(world.isStoreBehind, 'however scarce memory is: nothing of this queue is to go');
});

test('a queue that is deleted holds nobody back', () => {
  const world = new World();
  world.machine.create();
  world.publish(16, true);
  world.keeping.forget();
  world.keeping.endTurn(true);
  assert.not(world.isStoreBehind);
});

test.run();
