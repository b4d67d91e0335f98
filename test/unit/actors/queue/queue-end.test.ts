/** Who waits for a queue's answer gets one when the queue is deleted, whatever the answer waits for. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConnectionLetter } from '../../../../actors/messages/connection-messages.ts';
import { QueueLetter } from '../../../../actors/messages/queue-messages.ts';
import { StoreLetter } from '../../../../actors/messages/store-messages.ts';
import { QueueActor } from '../../../../actors/queue/queue-actor.ts';
import type { ActorContext } from '../../../../actors/runtime/actor.ts';
import { BatchPool } from '../../../../actors/runtime/batch-pool.ts';
import { type ActorRef, Letter, RuntimeLetter } from '../../../../actors/runtime/letter.ts';
import { TOPOLOGY_ID, TOPOLOGY_THREAD, TopologyLetter } from '../../../../actors/messages/topology-messages.ts';
import { WordBatch } from '../../../../src/amqp/channel/queue-link.ts';
import { CHUNK_ENTRIES, EXPIRING_FLAG, GENERATION, HAD_CONSUMER, KEPT_FLAG, QUEUE_ID } from '../../../../src/broker/queue/ledger-layout.ts';
import { Ledger } from '../../../../src/broker/queue/ledger.ts';
import { EXPIRE_MAX } from '../../../../src/broker/queue/queue-machine.ts';
import type { QueueAnswer, QueueQuestion } from '../../../../src/broker/queue/queue-question.ts';
import type { QueueRecord } from '../../../../src/broker/topology/topology-records.ts';
import { CrashingMemory } from '../../../property/support/crashing-memory.ts';
import { specOf } from '../../../property/support/queue-commands.ts';
import { VHOST, Writer } from '../../../support/topology-fixture.ts';

const STORE: ActorRef = { thread: 2, id: 7, generation: 0 };
const ASKER: ActorRef = { thread: 1, id: 5, generation: 1 };
const OTHER: ActorRef = { thread: 1, id: 6, generation: 1 };
const QUESTIONS: readonly QueueQuestion[] = [
  { type: 'status' },
  { type: 'get', spec: specOf({ connection: ASKER.id, channel: 1 }) },
  { type: 'consume', spec: specOf({ connection: ASKER.id, channel: 1 }) },
  { type: 'purge' },
];
const test = suite('the end of a queue');

/** A queue's actor between connections that answer when they are told to, and a store that does not. */
class World {
  readonly memory = new CrashingMemory(CHUNK_ENTRIES);
  readonly answers: QueueAnswer[] = [];
  readonly reads: Letter[] = [];
  /** To the store and the topology: that the queue is gone. */
  readonly lastWords: { readonly to: ActorRef; readonly type: number; readonly a: number; readonly b: number }[] = [];
  /** Who was told of the end and has not answered. */
  readonly told: ActorRef[] = [];
  isEnded = false;
  readonly #ledger = new Ledger(this.memory, 0);
  readonly #writer = new Writer();
  #actor!: QueueActor;

  constructor() {
    this.#writer.must(this.#writer.queue('q'));
    this.#ledger.create();
  }

  /** The queue holds this message when its actor begins. Address 0: the store alone has its content. */
  holds(address: number, flags: number): void {
    assert.ok(this.#ledger.append(address, flags));
  }

  get record(): QueueRecord {
    return this.#writer.topology.queue(VHOST, 'q')!.record;
  }

  /** `watchers`: connections that knew an incarnation before. */
  begin(watchers: readonly ActorRef[] = [], hasStore = true): void {
    const { record } = this;
    const generation = 1 + watchers.length;
    this.memory.slots[QUEUE_ID] = record.id;
    this.memory.slots[GENERATION] = generation - 1;
    this.memory.slots[HAD_CONSUMER] = 0;
    const context: ActorContext = {
      self: { thread: 1, id: -record.id, generation },
      tell: (to, letter) => {
        if (letter.type === ConnectionLetter.answer) this.answers.push(letter.body as QueueAnswer);
        if (letter.type === ConnectionLetter.cancelled) this.told.push(to);
        if (letter.type === StoreLetter.read) this.reads.push(letter);
        const { type, a, b } = letter;
        if (type === StoreLetter.forget || type === TopologyLetter.emptied) this.lastWords.push({ to, type, a, b });
      },
      watch: () => {},
      unwatch: () => {},
      armTimer: () => {},
      cancelTimer: () => {},
      end: () => void (this.isEnded = true),
    };
    this.#actor = new QueueActor(context, {
      record,
      memory: this.memory,
      pool: new BatchPool(),
      watchers,
      store: hasStore ? STORE : undefined,
      unsent: new WordBatch(),
      times: { nowMs: () => 10, publishedMs: () => 0, expirationMs: () => 5 },
      priorityOf: () => 0,
      hold: () => {},
      isMemoryShort: () => false,
      isMemoryScarce: () => false,
      flushReleases: () => {},
    });
  }

  /** One letter, one turn. */
  hears(type: number, sender: ActorRef, a = 0, body?: unknown, words: readonly number[] = []): void {
    const letter = new Letter(type);
    letter.sender = sender;
    letter.a = a;
    letter.body = body;
    letter.ints = Int32Array.from(words);
    letter.count = words.length;
    this.#actor.receive(letter);
    this.#actor.endTurn();
  }

  /** Its scheduler lets go of it. */
  stops(): void {
    assert.ok(this.isEnded);
    this.#actor.stop();
  }

  asks(question: QueueQuestion): void {
    this.hears(QueueLetter.question, ASKER, 1, question);
  }

  /** The queue is deleted. Connections that wait for nothing let go of it. */
  ends(): void {
    this.hears(QueueLetter.end, { thread: 1, id: 1, generation: 0 });
    for (const peer of this.told.splice(0)) if (peer.id !== ASKER.id || this.answers.length > 0) this.hears(QueueLetter.released, peer);
  }
}

test('a get that waits for a content which the store does not bring is answered, and the queue goes', () => {
  const world = new World();
  world.holds(0, KEPT_FLAG);
  world.begin();
  world.asks(QUESTIONS[1]!);
  assert.equal([world.answers.length, world.reads.length], [0, 1]);
  world.ends();
  assert.equal(world.answers, [{ type: 'gone' }]);
  assert.ok(world.isEnded);
});

test('a get that waits for what has expired before its message is answered, and the queue goes', () => {
  const world = new World();
  for (let index = 0; index < 2 * EXPIRE_MAX; index++) world.holds(world.memory.message(), EXPIRING_FLAG);
  world.holds(0, KEPT_FLAG);
  world.begin();
  world.asks(QUESTIONS[1]!);
  assert.is(world.answers.length, 0);
  world.ends();
  assert.equal(world.answers, [{ type: 'gone' }]);
  assert.ok(world.isEnded);
});

test('a content that comes behind the end is given to nobody', () => {
  const world = new World();
  world.holds(0, KEPT_FLAG);
  world.begin();
  world.asks(QUESTIONS[1]!);
  world.hears(QueueLetter.end, OTHER);
  world.hears(QueueLetter.content, STORE, 1, undefined, [0, world.memory.message()]);
  assert.equal(world.answers, [{ type: 'gone' }]);
  world.hears(QueueLetter.released, ASKER);
  assert.ok(world.isEnded);
  assert.is(world.memory.lent.size, 0);
});

for (const question of QUESTIONS) {
  for (const ending of [QueueLetter.released, RuntimeLetter.down]) {
    const how = ending === RuntimeLetter.down ? 'are gone' : 'have heard';
    test(`${question.type}: what waits until those who knew an incarnation before ${how} is answered, though the queue ends meanwhile`, () => {
      const world = new World();
      world.holds(world.memory.message(), 0);
      world.begin([OTHER]);
      world.asks(question);
      world.hears(QueueLetter.end, ASKER);
      if (ending === QueueLetter.released) world.hears(QueueLetter.resynced, OTHER, 2);
      world.hears(ending, OTHER);
      assert.is(world.answers.length, 1, 'one answer');
      world.hears(QueueLetter.released, ASKER);
      assert.ok(world.isEnded);
    });
  }
}

for (const question of QUESTIONS) {
  test(`${question.type}: a queue that is deleted answers at once`, () => {
    const world = new World();
    world.holds(0, KEPT_FLAG);
    world.begin([OTHER]);
    world.hears(QueueLetter.end, ASKER);
    world.asks(question);
    assert.equal(world.answers, [{ type: 'gone' }]);
  });
}

test('the end of a queue is one letter, to the store: of two, the loss of a thread could take one', () => {
  const world = new World();
  world.holds(world.memory.message(), KEPT_FLAG);
  world.begin();
  world.ends();
  assert.equal(world.lastWords, [], 'it is not over before nobody can follow');
  world.stops();
  const { id, slot } = world.record;
  assert.is(world.memory.slots[QUEUE_ID], 0);
  assert.equal(world.lastWords, [{ to: STORE, type: StoreLetter.forget, a: id, b: slot }]);
});

test('a queue without a store tells the topology', () => {
  const world = new World();
  world.begin([], false);
  world.ends();
  world.stops();
  const { id, slot } = world.record;
  assert.equal(world.lastWords, [{ to: { thread: TOPOLOGY_THREAD, id: TOPOLOGY_ID, generation: 0 }, type: TopologyLetter.emptied, a: slot, b: id }]);
});

test.run();
