/** The letters of one queue: how many are under way, when its messages are buried, and what becomes of them when others fail. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { QueueLetter } from '../../../../actors/messages/queue-messages.ts';
import { COPIES_MAX } from '../../../../actors/queue/copies-under-way.ts';
import { DeadLetters } from '../../../../actors/queue/dead-letters.ts';
import type { ActorContext } from '../../../../actors/runtime/actor.ts';
import { BatchPool } from '../../../../actors/runtime/batch-pool.ts';
import { Letter } from '../../../../actors/runtime/letter.ts';
import { BlockTable } from '../../../../native-free-io/memory/block-table.ts';
import { createSharedMemory } from '../../../../native-free-io/memory/memory-layout.ts';
import { contentHeaderSize, writeContentHeader } from '../../../../src/amqp/basic-properties.ts';
import { PUBLISH_WORDS, PublishMark, QueueLinks } from '../../../../src/amqp/channel/queue-link.ts';
import { CopyDraft } from '../../../../src/amqp/copy-draft.ts';
import { FRAME_HEADER_SIZE } from '../../../../src/amqp/frame.ts';
import { HEADER_SIZE, KEY_SIZE, RECORD_HEAD_SIZE, SIZE, headerFrameOffset, wireRecordSize } from '../../../../src/amqp/stored-message.ts';
import { SLOT_WORDS, UNSURE_TO } from '../../../../src/broker/queue/ledger-layout.ts';
import { QueueMachine } from '../../../../src/broker/queue/queue-machine.ts';
import { ThreadMemory } from '../../../../src/main/shared-memory.ts';
import { VHOST, Writer } from '../../../support/topology-fixture.ts';

const KEY = Buffer.from('\u0000\u0001q');
const PROPERTIES = {};
const test = suite('dead letters of a queue');

class World {
  readonly #table = new BlockTable(createSharedMemory(1, 64 * 1024 * 1024));
  readonly memory = new ThreadMemory(this.#table, 0, new Int32Array(SLOT_WORDS));
  readonly #pool = new BatchPool();
  readonly #writer = new Writer();
  readonly #links = new QueueLinks(this.#pool);
  readonly #draft = new CopyDraft();
  /** Publishes that left: | address | epoch | sequence | marks |. */
  sent: number[][] = [];
  timers = 0;
  #generation = 0;
  machine: QueueMachine;
  letters: DeadLetters;

  constructor() {
    this.#writer.must(this.#writer.queue('q'));
    this.#writer.must(this.#writer.queue('grave'));
    this.machine = this.#newMachine();
    this.machine.create();
    this.letters = this.#newLetters();
  }

  #newMachine(): QueueMachine {
    const port = { deliver: () => {}, keptGone: () => {}, keptReturned: () => {} };
    return new QueueMachine(this.memory, 0, { title: 'a queue', singleActiveConsumer: false, deadLetters: true }, port);
  }

  #newLetters(): DeadLetters {
    const context: ActorContext = {
      self: { thread: 1, id: -1, generation: ++this.#generation },
      tell: (_to, letter) => {
        if (letter.type !== QueueLetter.publish) return;
        for (let at = 0; at < letter.count; at += PUBLISH_WORDS) this.sent.push([...letter.ints.subarray(at, at + PUBLISH_WORDS)]);
      },
      watch: () => {},
      unwatch: () => {},
      armTimer: () => void this.timers++,
      cancelTimer: () => {},
      end: () => {},
    };
    const { topology } = this.#writer;
    const queue = topology.queue(VHOST, 'q')!.record;
    const setting = { queue, exchange: '', routingKey: 'grave', topology, memory: this.memory, links: this.#links, draft: this.#draft, chance: () => 0 };
    return new DeadLetters(context, setting, this.machine, () => 1_000_000);
  }

  /** Messages that are too much at once. */
  die(count: number, repeated = false): void {
    for (let index = 0; index < count; index++) {
      assert.ok(this.machine.publish(this.message(), false, false, repeated));
      this.machine.dropHead('maxlen');
    }
  }

  message(): number {
    const headerSize = contentHeaderSize(PROPERTIES);
    const address = this.memory.allocate(wireRecordSize(KEY.length, headerSize, 0), 1);
    const ints = this.memory.intsOf(address);
    const word = this.memory.byteOffsetOf(address) >> 2;
    ints.fill(0, word, word + RECORD_HEAD_SIZE / 4);
    ints[word + SIZE] = wireRecordSize(KEY.length, headerSize, 0);
    ints[word + KEY_SIZE] = KEY.length;
    ints[word + HEADER_SIZE] = headerSize;
    const bytes = this.memory.bytesOf(address);
    KEY.copy(bytes, (word << 2) + RECORD_HEAD_SIZE);
    writeContentHeader(bytes, (word << 2) + headerFrameOffset(KEY.length) + FRAME_HEADER_SIZE, 0, PROPERTIES);
    return address;
  }

  /** Turns until nothing more leaves. */
  send(): void {
    for (let before = -1; before !== this.sent.length; ) {
      before = this.sent.length;
      this.letters.send();
    }
  }

  answer(letters: readonly (readonly number[])[], refused = 0): void {
    const letter = new Letter(QueueLetter.confirmed);
    letter.ints = Int32Array.from(letters.flatMap(([, epoch, sequence]) => [epoch!, sequence!, 1, refused]));
    letter.count = letter.ints.length;
    this.letters.confirmed(letter);
  }

  crash(): void {
    this.machine = this.#newMachine();
    this.machine.recover();
    this.letters = this.#newLetters();
  }
}

test('a message is buried when its letter is answered, and not before', () => {
  const world = new World();
  world.die(3);
  world.send();
  assert.is(world.sent.length, 3);
  assert.is(world.machine.dying!.count, 3);
  world.answer(world.sent.slice(1, 2));
  assert.is(world.machine.dying!.count, 2);
  world.answer(world.sent);
  assert.is(world.machine.dying!.count, 0);
});

test('a queue that refuses has answered', () => {
  const world = new World();
  world.die(1);
  world.send();
  world.answer(world.sent, 1);
  assert.is(world.machine.dying!.count, 0);
});

test('no more letters are under way than the window takes', () => {
  const world = new World();
  world.die(COPIES_MAX + 100);
  world.send();
  assert.is(world.sent.length, COPIES_MAX);
  assert.is(world.machine.dying!.waiting, 100);
  world.answer(world.sent.slice(0, 40));
  world.send();
  assert.is(world.sent.length, COPIES_MAX + 40);
});

test('after a crash all that is not buried is sent again, and old answers are nobody\'s', () => {
  const world = new World();
  world.die(5);
  world.send();
  world.answer(world.sent.slice(0, 2));
  const old = world.sent;
  world.sent = [];
  world.crash();
  assert.is(world.machine.dying!.count, 3);
  world.send();
  assert.is(world.sent.length, 3);
  world.answer(old);
  assert.is(world.machine.dying!.count, 3, 'answers to the incarnation before');
  world.answer(world.sent);
  assert.is(world.machine.dying!.count, 0);
});

test('when a thread is lost, what was not answered is sent again, in its order, before what waits', () => {
  const world = new World();
  world.die(4);
  world.send();
  world.answer([world.sent[1]!]);
  const old = world.sent;
  world.sent = [];
  world.letters.threadLost();
  world.die(1);
  assert.equal([world.machine.dying!.next, world.machine.dying!.waiting], [0, 4]);
  world.send();
  assert.is(world.sent.length, 4);
  world.answer(old);
  assert.is(world.machine.dying!.count, 4, 'answers to what was given up');
  world.answer(world.sent);
  assert.is(world.machine.dying!.count, 0);
});

const isMarked = (letter: readonly number[]): boolean => (letter[3]! & PublishMark.redelivered) !== 0;

test('letters that may be there already are marked: those that were sent before a crash or to a lost thread, and no others', () => {
  const world = new World();
  world.die(3);
  world.send();
  world.die(2);
  assert.equal(world.sent.map(isMarked), [false, false, false]);
  world.sent = [];
  world.crash();
  world.send();
  assert.equal(world.sent.map(isMarked), [true, true, true, false, false]);
  world.sent = [];
  world.letters.threadLost();
  world.die(1);
  world.send();
  assert.equal(world.sent.map(isMarked), [true, true, true, true, true, false]);
});

test('letters of what a process left that did not end in order are marked', () => {
  const world = new World();
  world.machine.setCounter(UNSURE_TO, 2);
  world.die(4);
  world.send();
  assert.equal(world.sent.map(isMarked), [true, true, false, false]);
});

test('the letter of a message that may be there twice may be there twice', () => {
  const world = new World();
  world.die(1, true);
  world.letters.refused(world.message(), true);
  world.letters.refused(world.message(), false);
  world.send();
  assert.equal(world.sent.map(isMarked), [true, false, true]);
});

test('a letter without memory is tried again', () => {
  const world = new World();
  world.die(2);
  const { allocate } = world.memory;
  world.memory.allocate = () => 0;
  world.send();
  assert.is(world.sent.length, 0);
  assert.is(world.timers, 1);
  assert.is(world.machine.dying!.waiting, 2);
  world.memory.allocate = allocate;
  world.send();
  assert.is(world.sent.length, 2);
});

test('an incarnation that ends in the middle of a letter leaves no memory behind', () => {
  const world = new World();
  const { memory } = world;
  let leases = 0;
  const allocate = memory.allocate.bind(memory);
  memory.allocate = (sizeBytes, count) => {
    leases += count;
    return allocate(sizeBytes, count);
  };
  const release = memory.release.bind(memory);
  memory.release = (address) => {
    leases--;
    release(address);
  };
  world.die(2);
  const intsOf = memory.intsOf.bind(memory);
  for (let looks = 1, sent = false; !sent; looks++) {
    let left = looks;
    memory.intsOf = (address) => {
      if (--left === 0) throw new Error('the end of an incarnation');
      return intsOf(address);
    };
    try {
      world.send();
      sent = true;
    } catch {
      memory.intsOf = intsOf;
      world.crash();
      assert.is(leases, 2 + world.sent.length, `after ${looks} looks at the memory: what died, and what left`);
    }
  }
  assert.is(world.sent.length, 2);
});

test.run();
