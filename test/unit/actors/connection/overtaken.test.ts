/** Answers of incarnations that have crashed since: which questions are asked again at once, and what a surplus answer becomes. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isOvertaken } from '../../../../actors/connection/overtaken.ts';
import { PublishThrottle, Purse } from '../../../../actors/connection/publish-throttle.ts';
import { QueueSender } from '../../../../actors/connection/queue-sender.ts';
import { Requests } from '../../../../actors/connection/requests.ts';
import { giveBackAnswer } from '../../../../actors/connection/unwanted-answer.ts';
import { queueActorId } from '../../../../actors/messages/queue-messages.ts';
import type { ActorContext } from '../../../../actors/runtime/actor.ts';
import { BatchPool } from '../../../../actors/runtime/batch-pool.ts';
import { Letter } from '../../../../actors/runtime/letter.ts';
import { QueueLinks } from '../../../../src/amqp/channel/queue-link.ts';
import type { MessageMemory } from '../../../../src/amqp/stored-message.ts';
import type { ConsumerSpec } from '../../../../src/broker/queue/consumer.ts';
import { GENERATION, QUEUE_ID, SLOT_WORDS } from '../../../../src/broker/queue/ledger-layout.ts';
import type { QueueAnswer, QueueQuestion } from '../../../../src/broker/queue/queue-question.ts';
import { Settle } from '../../../../src/broker/queue/settle.ts';
import type { QueueRecord } from '../../../../src/broker/topology/topology-records.ts';

const QUEUE = { id: 3, slot: 1, thread: 1 } as QueueRecord;
const SPEC = { connection: 1, channel: 1, key: 1 } as ConsumerSpec;
const GET: QueueQuestion = { type: 'get', spec: SPEC };
const GOT: QueueAnswer = { type: 'got', address: 64, position: 7, redelivered: false, deliveries: 0, readyCount: 0 };

class World {
  readonly slots = new Int32Array(4 * SLOT_WORDS);
  readonly requests = new Requests();
  readonly links = new QueueLinks(new BatchPool());
  readonly posted: unknown[] = [];
  readonly #sender: QueueSender;

  /** `running`: the generation of the queue's incarnation, 0 of a queue that is deleted. */
  constructor(running: number) {
    if (running !== 0) this.slots[SLOT_WORDS + QUEUE_ID] = QUEUE.id;
    this.slots[SLOT_WORDS + GENERATION] = running;
    const context = { tell: (_to: unknown, { body }: Letter) => void this.posted.push(body) } as unknown as ActorContext;
    this.#sender = new QueueSender(context, this.links, new PublishThrottle(this.slots, new Purse()));
  }

  ask(question: QueueQuestion): number {
    return this.requests.question({ queue: QUEUE, question, then: () => {} });
  }

  isOvertaken(request: number, generation: number): boolean {
    return isOvertaken(answer(request, generation), this.requests, this.slots, this.#sender);
  }
}

function answer(request: number, generation: number): Letter {
  const letter = new Letter(0);
  letter.sender = { thread: 1, id: queueActorId(QUEUE.id), generation };
  letter.a = request;
  letter.b = generation;
  letter.body = GOT;
  return letter;
}

const test = suite('answers of incarnations that have crashed');

test('the answer of the one that runs is taken', () => {
  const world = new World(4);
  assert.not(world.isOvertaken(world.ask(GET), 4));
  assert.equal(world.posted, []);
});

const QUESTIONS: readonly QueueQuestion[] = [GET, { type: 'consume', spec: SPEC }, { type: 'cancel', key: 1 }];

for (const question of QUESTIONS) {
  test(`a ${question.type} waits for the notice of the new incarnation, with which it is asked again`, () => {
    const world = new World(4);
    const request = world.ask(question);
    assert.ok(world.isOvertaken(request, 3));
    assert.equal(world.posted, [], 'asked twice a get would get two messages');
    assert.ok(world.requests.find(request) !== undefined, 'it waits for the next answer');
  });

  test(`a ${question.type} of a queue that is deleted meanwhile is asked again, because no notice comes`, () => {
    const world = new World(0);
    assert.ok(world.isOvertaken(world.ask(question), 3));
    assert.equal(world.posted, [question]);
  });
}

test('what a surplus answer brought goes back marked', () => {
  const { links } = new World(4);
  const link = links.to(QUEUE);
  link.generation = 4;
  giveBackAnswer(answer(9, 4), links, {} as MessageMemory);
  assert.equal(link.settles[Settle.surplus]!.ints!.subarray(0, link.settles[Settle.surplus]!.count), Int32Array.of(7));
  giveBackAnswer(answer(9, 3), links, {} as MessageMemory);
  assert.is(link.settles[Settle.surplus]!.count, 1, 'an incarnation that is gone has it no more');
});

test.run();
