/**
 * The actor of a timeline between a publisher, a store over a disk in memory, and one queue: their letters are read in any order that keeps
 * that of each pair, the actor crashes, threads are lost, the process ends. The publisher keeps the books.
 */
import { crc32 } from 'node:zlib';
import * as assert from 'uvu/assert';
import { TimelineActor, type TimelineSetting } from '../../../../actors/delay/timeline-actor.ts';
import { TimelineState } from '../../../../actors/delay/timeline-state.ts';
import { ConnectionLetter } from '../../../../actors/messages/connection-messages.ts';
import { QueueLetter, queueActorId } from '../../../../actors/messages/queue-messages.ts';
import { STORE_ID } from '../../../../actors/messages/store-messages.ts';
import { writeLong } from '../../../../actors/messages/timeline-messages.ts';
import type { ActorContext } from '../../../../actors/runtime/actor.ts';
import { BatchPool } from '../../../../actors/runtime/batch-pool.ts';
import { type ActorRef, Letter, RuntimeLetter } from '../../../../actors/runtime/letter.ts';
import { GroupAnswers } from '../../../../actors/store/group-answers.ts';
import { TimelineDesk } from '../../../../actors/store/timeline-desk.ts';
import { BlockTable } from '../../../../native-free-io/memory/block-table.ts';
import { createSharedMemory } from '../../../../native-free-io/memory/memory-layout.ts';
import { contentHeaderSize, writeContentHeader } from '../../../../src/amqp/basic-properties.ts';
import { CopyDraft } from '../../../../src/amqp/copy-draft.ts';
import { PUBLISH_WORDS, PublishMark, QueueLinks } from '../../../../src/amqp/channel/queue-link.ts';
import { propertiesOf } from '../../../../src/amqp/message-properties.ts';
import { FRAME_HEADER_SIZE } from '../../../../src/amqp/frame.ts';
import { notePublished } from '../../../../src/amqp/message-times.ts';
import { FLAGS, HEADER_SIZE, KEY_SIZE, PERSISTENT, RECORD_HEAD_SIZE, SIZE, headerFrameOffset, wireRecordSize } from '../../../../src/amqp/stored-message.ts';
import { SLOT_WORDS } from '../../../../src/broker/queue/ledger-layout.ts';
import { MessageRecords } from '../../../../src/main/message-records.ts';
import { ThreadMemory } from '../../../../src/main/shared-memory.ts';
import { Store } from '../../../../src/store/store.ts';
import { MemoryDisk } from '../../../support/memory-disk.ts';
import { VHOST, Writer, int, longstr, tableOf } from '../../../support/topology-fixture.ts';

const KEY = Buffer.from('\u0001d\u0000');
const STORE: ActorRef = { thread: 9, id: STORE_ID, generation: 0 };
const PUBLISHER: ActorRef = { thread: 2, id: 2 << 24 | 16, generation: 1 };
const CHANNEL = 1;
/** Of all worlds: it reserves a GiB of addresses. */
const MEMORY = new ThreadMemory(new BlockTable(createSharedMemory(1, 64 * 1024 * 1024)), 0, new Int32Array(2 * SLOT_WORDS));

export type WorldStep =
  | { readonly type: 'publish'; readonly delayMs: number }
  | { readonly type: 'store' | 'actor' | 'queue' | 'time'; readonly count: number }
  | { readonly type: 'commit' | 'crash' | 'queue lost' | 'thread lost' | 'restart' | 'stop' };

type Message = {
  readonly dueMs: number;
  confirmed: boolean;
  arrived: number;
  /** It may have been due when something ended. */
  mayBeMarked: boolean;
};

export class TimelineActorWorld {
  readonly messages: Message[] = [];
  readonly #writer = new Writer();
  readonly #pool = new BatchPool();
  readonly #disk = new MemoryDisk();
  readonly #memory = MEMORY;
  #store!: Store;
  #desk!: TimelineDesk;
  #answers!: GroupAnswers;
  #setting!: TimelineSetting;
  #actor!: TimelineActor;
  #toStore: Letter[] = [];
  #toActor: Letter[] = [];
  #toQueue: Letter[] = [];
  readonly #timers = new Map<number, number>();
  #generation = 0;
  #nowMs = 1_000;
  #sequence = 0;
  /** Message numbers by the sequence of their publish, of this process. */
  #published = new Map<number, number>();
  /** Something was lost with which what is going out may go out again. */
  doubtful = false;

  constructor() {
    const { must } = { must: this.#writer.must.bind(this.#writer) };
    must(this.#writer.exchange('d', 'x-delayed-message', { arguments: tableOf({ 'x-delayed-type': longstr('fanout') }), place: { thread: 1, slot: 0 } }));
    must(this.#writer.queue('q', { thread: 3, slot: 1 }));
    must(this.#writer.binding('queue.bind', 'q', 'd'));
    this.#open();
  }

  #open(): void {
    this.#memory.slots.fill(0);
    this.#store = new Store(this.#disk, new MessageRecords(this.#memory), crc32);
    assert.equal(this.#store.open().faults, []);
    this.#desk = new TimelineDesk(this.#store, this.#pool);
    this.#answers = new GroupAnswers(this.#pool);
    this.#toStore = [];
    this.#toActor = [];
    this.#toQueue = [];
    this.#published = new Map();
    this.#newState();
  }

  #newState(): void {
    const { topology } = this.#writer;
    const memory = this.#memory;
    const pool = this.#pool;
    const state = new TimelineState((number, passed) => {
      writeLong(passed.room(2, pool), passed.count, number);
      passed.count += 2;
    });
    const record = topology.timeline(VHOST, 'd')!.record;
    const damaged = (what: string): void => assert.unreachable(what);
    const rest = { nowMs: () => this.#nowMs, chance: () => 0, damaged, ended: () => {}, flushReleases: () => memory.table.flushReleases() };
    this.#setting = { record, vhost: VHOST, exchange: 'd', topology, memory, store: STORE, pool, slots: memory.slots, state, links: new QueueLinks(pool), draft: new CopyDraft(), ...rest };
    this.#newActor();
  }

  #newActor(): void {
    this.#timers.clear();
    const self = { thread: 1, id: queueActorId(this.#setting.record.id), generation: ++this.#generation };
    const context: ActorContext = {
      self,
      tell: (to, letter) => {
        letter.sender = self;
        if (to.id === STORE.id) this.#toStore.push(letter);
        else if (to.id === self.id) this.#toActor.push(letter);
        else this.#toQueue.push(letter);
      },
      watch: () => {},
      unwatch: () => {},
      armTimer: (key, ms) => void this.#timers.set(key, this.#nowMs + ms),
      cancelTimer: (key) => void this.#timers.delete(key),
      end: () => {},
    };
    this.#actor = new TimelineActor(context, this.#setting);
  }

  run(step: WorldStep): void {
    switch (step.type) {
      case 'publish':
        return this.#publish(step.delayMs);
      case 'store':
        for (let read = 0; read < step.count; read++) this.#storeReads();
        return;
      case 'actor':
        for (let read = 0; read < step.count; read++) this.#actorReads();
        return this.#actor.endTurn();
      case 'queue':
        for (let read = 0; read < step.count; read++) this.#queueReads(true);
        return;
      case 'time':
        return this.#passTime(step.count);
      case 'commit':
        return this.#commit();
      case 'crash':
        return this.#crash();
      case 'queue lost':
        this.doubtful = true;
        while (this.#toQueue.length > 0) this.#queueReads(false);
        this.#toActor = this.#toActor.filter(({ type }) => type !== QueueLetter.confirmed);
        this.#toActor.push(new Letter(QueueLetter.threadLost));
        return;
      case 'thread lost':
        this.doubtful = true;
        this.#endBefore(this.#nowMs);
        // What its mailbox held is gone, and who published it hears nothing.
        this.#toActor = [];
        return this.#newState();
      case 'restart':
        this.doubtful = true;
        this.#endBefore(this.#nowMs);
        return this.#open();
      case 'stop':
        return this.#stop();
    }
  }

  /** Those that are due then or before may have gone out. */
  #endBefore(dueMs: number): void {
    for (const message of this.messages) message.mayBeMarked ||= message.dueMs <= dueMs;
  }

  /** The process ends in order. Queues are answered by nobody any more, and what they have they keep. */
  #stop(): void {
    this.doubtful = true;
    // Where nothing is on its way nothing will be marked.
    this.#endBefore(this.#setting.state.flyingMs);
    this.#actor.stop();
    this.run({ type: 'store', count: this.#toStore.length });
    while (this.#toQueue.length > 0) this.#queueReads(false);
    while (this.#store.unfinished) this.#store.commit();
    this.#store.markClean();
    this.#open();
  }

  #publish(delayMs: number): void {
    const properties = { headers: tableOf({ 'x-delay': int(delayMs) }), messageId: String(this.messages.length) };
    const headerSize = contentHeaderSize(properties);
    const size = wireRecordSize(KEY.length, headerSize, 0);
    const address = this.#memory.allocate(size, 1);
    const ints = this.#memory.intsOf(address);
    const record = this.#memory.byteOffsetOf(address);
    ints.fill(0, record >> 2, (record + RECORD_HEAD_SIZE) >> 2);
    ints[(record >> 2) + SIZE] = size;
    ints[(record >> 2) + KEY_SIZE] = KEY.length;
    ints[(record >> 2) + HEADER_SIZE] = headerSize;
    ints[(record >> 2) + FLAGS] = PERSISTENT;
    const bytes = this.#memory.bytesOf(address);
    KEY.copy(bytes, record + RECORD_HEAD_SIZE);
    writeContentHeader(bytes, record + headerFrameOffset(KEY.length) + FRAME_HEADER_SIZE, 0, properties);
    notePublished(this.#memory, address, this.#nowMs);
    const letter = new Letter(QueueLetter.publish);
    letter.sender = PUBLISHER;
    letter.ints = this.#pool.take(PUBLISH_WORDS);
    letter.ints.set([address, CHANNEL, ++this.#sequence, PublishMark.confirm]);
    letter.count = PUBLISH_WORDS;
    this.#published.set(this.#sequence, this.messages.length);
    this.messages.push({ dueMs: this.#nowMs + delayMs, confirmed: false, arrived: 0, mayBeMarked: false });
    this.#toActor.push(letter);
  }

  #storeReads(): void {
    const letter = this.#toStore.shift();
    if (letter !== undefined) assert.ok(this.#desk.receive(letter, this.#answers, this.#fromStore), `a letter for nobody: ${letter.type}`);
  }

  #commit(): void {
    this.#store.commit();
    this.#answers.send(this.#fromStore);
    this.#desk.handOver(this.#fromStore);
  }

  readonly #fromStore = (to: ActorRef, letter: Letter): void => {
    letter.sender = STORE;
    if (to.id !== PUBLISHER.id) return void this.#toActor.push(letter);
    assert.is(letter.type, ConnectionLetter.confirmed);
    for (let at = 0; at < letter.count; at += 4) {
      for (let each = 0; each < letter.ints[at + 2]!; each++) this.messages[this.#published.get(letter.ints[at + 1]! + each)!]!.confirmed = true;
    }
  };

  #actorReads(): void {
    const letter = this.#toActor.shift();
    // It goes on sending until it hears of that.
    if (letter?.type === QueueLetter.threadLost) this.#endBefore(this.#nowMs);
    if (letter !== undefined) this.#actor.receive(letter);
  }

  /** After a letter and before the end of its turn; the next incarnation reads the letter again. */
  #crash(): void {
    const letter = this.#toActor.shift();
    if (letter?.type === QueueLetter.threadLost) this.#endBefore(this.#nowMs);
    if (letter !== undefined) this.#actor.receive(letter);
    this.#newActor();
    if (letter !== undefined) this.#actor.receive(letter);
    this.#actor.endTurn();
  }

  #queueReads(answers: boolean): void {
    const letter = this.#toQueue.shift();
    if (letter === undefined) return;
    const answer = new Letter(QueueLetter.confirmed);
    answer.ints = this.#pool.take(letter.count);
    for (let at = 0; at < letter.count; at += PUBLISH_WORDS) {
      const [address, epoch, sequence, marks] = letter.ints.subarray(at, at + PUBLISH_WORDS) as unknown as [number, number, number, number];
      this.#arrive(address, (marks & PublishMark.redelivered) !== 0);
      answer.ints.set([epoch, sequence, 1, 0], answer.count);
      answer.count += 4;
    }
    if (answers) this.#toActor.push(answer);
  }

  #arrive(address: number, redelivered: boolean): void {
    const { messageId, headers } = propertiesOf(this.#memory, address)!;
    const message = this.messages[Number(messageId)]!;
    assert.ok(this.#nowMs >= message.dueMs, `${messageId} comes before its time`);
    const delay = headers?.get('x-delay');
    assert.ok(delay?.type === 'I' && delay.value < 0, 'the delay is negated');
    if (message.arrived > 0) assert.ok(redelivered, `${messageId} comes again, unmarked`);
    if (redelivered) assert.ok(message.mayBeMarked, `${messageId} is marked, and cannot have come before`);
    message.arrived++;
    this.#memory.release(address);
  }

  #passTime(ms: number): void {
    this.#nowMs += ms;
    for (const [key, atMs] of this.#timers) {
      if (atMs > this.#nowMs) continue;
      this.#timers.delete(key);
      const letter = new Letter(RuntimeLetter.timer);
      letter.a = key;
      this.#toActor.push(letter);
    }
  }

  /** Everything comes to rest. Then what was confirmed has arrived, and once, if nothing was lost. */
  end(): void {
    for (let round = 0; round < 400; round++) {
      while (this.#toActor.length > 0) this.run({ type: 'actor', count: 1 });
      this.run({ type: 'store', count: this.#toStore.length });
      this.#commit();
      this.run({ type: 'queue', count: this.#toQueue.length });
      this.#passTime(25);
    }
    assert.is(this.#store.waiting, 'nothing');
    for (const [number, { confirmed, arrived }] of this.messages.entries()) {
      if (confirmed) assert.ok(arrived > 0, `${number} was confirmed and is lost`);
      if (!this.doubtful) assert.is(arrived, 1, `${number} arrived ${arrived} times, and nothing was lost`);
    }
    const { timelines } = this.#store;
    assert.is(timelines.of(this.#setting.record.id).messages, 0, 'nothing is left on the disk');
    if (this.messages.length > 0) assert.ok(this.#disk.size <= 2, 'nothing but records of sums is left');
  }
}
