/**
 * A queue actor between connections that keep books: what they published and heard of, what they hold. The actor may crash
 * before any change of its memory and before any letter it tells; the letter in hand is then given to the next incarnation.
 */
import * as assert from 'uvu/assert';
import { QueueActor } from '../../../../actors/queue/queue-actor.ts';
import { CONFIRM_WORDS, ConnectionLetter, DELIVERY_WORDS } from '../../../../actors/messages/connection-messages.ts';
import { QueueLetter } from '../../../../actors/messages/queue-messages.ts';
import type { ActorContext } from '../../../../actors/runtime/actor.ts';
import { BatchPool } from '../../../../actors/runtime/batch-pool.ts';
import { type ActorRef, Letter, RuntimeLetter } from '../../../../actors/runtime/letter.ts';
import type { FieldTable } from '../../../../src/broker/field-table.ts';
import { CHUNK_ENTRIES, DELAYED_COUNT, DROPPED, READY_COUNT, UNSETTLED_COUNT } from '../../../../src/broker/queue/ledger-layout.ts';
import { Settle } from '../../../../src/broker/queue/queue-machine.ts';
import type { QueueAnswer, QueueQuestion } from '../../../../src/broker/queue/queue-question.ts';
import { NO_OWNER } from '../../../../src/broker/topology/topology-records.ts';
import { PUBLISH_WORDS, WordBatch } from '../../../../src/amqp/channel/queue-link.ts';
import { Crash, CrashingMemory } from '../../support/crashing-memory.ts';

const QUEUE_ID = 1;
/** By which time goes on with each turn. */
const TURN_MS = 4;
/** Of a new incarnation: it ends with the history. */
const RESYNC_TIMER = 1;

/** What its publisher gave a message. */
const priorityOf = (address: number): number => Math.imul(address, 0x9e3779b1) >>> 30;

type Held = { readonly generation: number; readonly position: number; readonly address: number; readonly noAck: boolean };
type Verdict = 'accepted' | 'refused';

/** What a connection knows. */
class Peer {
  readonly ref: ActorRef;
  readonly consumers = new Map<number, { readonly prefetch: number; readonly noAck: boolean }>();
  /** Consumers whose cancel is on its way: they do not subscribe again. */
  readonly cancelling = new Set<number>();
  readonly verdicts = new Map<number, Verdict>();
  readonly published: number[] = [];
  held: Held[] = [];
  /** The queue was restarted, and this connection has not heard of it. */
  behind = false;
  watching = false;
  /** Of each priority the youngest message that was delivered here for the first time. */
  readonly youngest = new Map<number, number>();
  purging = false;

  constructor(id: number) {
    this.ref = { thread: 0, id, generation: 1 };
  }
}

export class QueueActorWorld {
  readonly memory = new CrashingMemory(CHUNK_ENTRIES);
  peers: Peer[] = [];
  ended = false;
  readonly #pool = new BatchPool();
  readonly #arguments: FieldTable;
  readonly #actors: typeof QueueActor;
  #inbox: Letter[] = [];
  #inHand: Letter | undefined = undefined;
  #actor: QueueActor;
  #generation = 0;
  #crashes = 0;
  #timerArmed = false;
  /** When each of the other timers ends. */
  #timers = new Map<number, number>();
  #nowMs = 0;
  /** Letters of each sender: every thread numbers its own, and each sender is on a thread of its own. */
  readonly #numbers = new Map<number, number>();
  #keys = 0;
  #requests = 0;
  readonly #asked = new Map<number, (answer: QueueAnswer, generation: number) => void>();
  /** The incarnation that will hear of a connection's end. */
  readonly #watches = new Map<number, number>();
  /** Messages in the order in which they were published. */
  readonly #order = new Map<number, number>();
  readonly #seen = new Set<number>();
  readonly #acknowledged = new Set<number>();
  #connections = 20;
  #purged = false;

  constructor(args: FieldTable, actors: typeof QueueActor = QueueActor) {
    this.#arguments = args;
    this.#actors = actors;
    this.#actor = this.#start();
  }

  #start(): QueueActor {
    const self = { thread: 0, id: -QUEUE_ID, generation: ++this.#generation };
    const context: ActorContext = {
      self,
      tell: (to, letter) => {
        this.memory.step();
        letter.sender = self;
        if (to.id === self.id) this.#inbox.push(letter);
        else this.#hear(to, letter);
      },
      watch: (target) => {
        if (this.peers.some(({ ref }) => ref.id === target.id)) this.#watches.set(target.id, self.generation);
        else this.#tell(target, RuntimeLetter.down, () => {});
      },
      unwatch: (target) => void this.#watches.delete(target.id),
      armTimer: (key, ms) => {
        if (key === RESYNC_TIMER) this.#timerArmed = true;
        else this.#timers.set(key, this.#nowMs + ms);
      },
      cancelTimer: () => {},
      end: () => {
        this.ended = true;
      },
    };
    return new this.#actors(context, {
      priorityOf,
      record: {
        id: QUEUE_ID,
        vhost: '/',
        name: 'q',
        durable: true,
        autoDelete: false,
        exclusiveOwner: NO_OWNER,
        arguments: this.#arguments,
        thread: 0,
        slot: 0,
      },
      memory: this.memory,
      pool: this.#pool,
      store: undefined,
      unsent: new WordBatch(),
      hold: () => {},
      isMemoryShort: () => false,
      isMemoryScarce: () => false,
      times: { nowMs: () => this.#nowMs, publishedMs: () => 0, expirationMs: () => Infinity },
      watchers: this.peers.filter(({ watching }) => watching).map(({ ref }) => ref),
      flushReleases: () => {},
    });
  }

  // ---- the runtime

  /** One turn of the actor, over everything that waits. */
  turn(): void {
    if (this.ended) return;
    this.#nowMs += TURN_MS;
    for (const [key, timeMs] of this.#timers) if (timeMs <= this.#nowMs) this.#endTimer(key);
    if (this.#inHand === undefined && this.#inbox.length === 0) return;
    try {
      for (let letter = this.#inHand ?? this.#inbox.shift(); letter !== undefined; letter = this.#inbox.shift()) {
        this.#inHand = letter;
        this.#actor.receive(letter);
        this.#inHand = undefined;
      }
      this.#actor.endTurn();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      this.#restart();
    }
    this.#checkLent();
  }

  /** I7: whoever has not heard of the crash may be about to read what the incarnation before delivered. */
  #checkLent(): void {
    for (const { behind, held } of this.peers) {
      if (behind) for (const { address } of held) assert.ok(this.memory.lent.has(address), `message ${address} is on its way to a socket, and let go of`);
    }
  }

  #endTimer(key: number): void {
    this.#timers.delete(key);
    this.#tell({ thread: 0, id: -QUEUE_ID, generation: this.#generation }, RuntimeLetter.timer, (letter) => {
      letter.a = key;
    });
  }

  #restart(): void {
    this.#crashes++;
    this.#timers.clear();
    for (const peer of this.peers) peer.behind = peer.watching;
    for (let started = false; !started; ) {
      try {
        this.#actor = this.#start();
        started = true;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
      }
    }
  }

  #tell(from: ActorRef, type: number, fill: (letter: Letter) => void): void {
    const letter = new Letter(type);
    letter.sender = from;
    letter.number = (this.#numbers.get(from.id) ?? 0) + 1;
    this.#numbers.set(from.id, letter.number);
    fill(letter);
    this.#inbox.push(letter);
  }

  // ---- what connections do

  connect(): Peer {
    const peer = new Peer(++this.#connections);
    this.peers.push(peer);
    return peer;
  }

  publish(peer: Peer, count: number): void {
    this.#tell(peer.ref, QueueLetter.publish, (letter) => {
      letter.ints = this.#pool.take(count * PUBLISH_WORDS);
      letter.count = count * PUBLISH_WORDS;
      for (let index = 0; index < count; index++) {
        const address = this.memory.message();
        this.#order.set(address, this.#order.size);
        peer.published.push(address);
        letter.ints.set([address, 1, peer.published.length, 1], index * PUBLISH_WORDS);
      }
    });
  }

  #ask(peer: Peer, question: QueueQuestion, then: (answer: QueueAnswer, generation: number) => void): void {
    const request = ++this.#requests;
    this.#asked.set(request, then);
    this.#tell(peer.ref, QueueLetter.question, (letter) => {
      letter.a = request;
      letter.body = question;
    });
  }

  #spec(peer: Peer, key: number, fields: { readonly prefetch: number; readonly noAck: boolean }) {
    const { thread, id, generation } = peer.ref;
    return { thread, connection: id, generation, channel: 1, key, tag: '', exclusive: false, priority: 0, order: 0, ...fields };
  }

  consume(peer: Peer, fields: { readonly prefetch: number; readonly noAck: boolean }): void {
    const key = ++this.#keys;
    peer.watching = true;
    this.#ask(peer, { type: 'consume', spec: this.#spec(peer, key, fields) }, (answer) => {
      assert.is(answer.type, 'consuming');
      peer.consumers.set(key, fields);
    });
  }

  cancel(peer: Peer): void {
    const key = [...peer.consumers.keys()].find((each) => !peer.cancelling.has(each));
    if (key === undefined) return;
    peer.cancelling.add(key);
    this.#ask(peer, { type: 'cancel', key }, () => peer.consumers.delete(key));
  }

  /** Asked again after a crash until there is an answer, as connections do. */
  purge(peer: Peer): void {
    peer.watching = true;
    this.#purged = true;
    peer.purging = true;
    this.#ask(peer, { type: 'purge' }, (answer) => {
      assert.is(answer.type, 'purged');
      peer.purging = false;
    });
  }

  get(peer: Peer, noAck: boolean): void {
    peer.watching = true;
    this.#ask(peer, { type: 'get', spec: this.#spec(peer, 0, { prefetch: 0, noAck }) }, (answer, generation) => {
      if (answer.type === 'got') this.#take(peer, generation, answer.address, answer.position, answer.redelivered, noAck, true);
    });
  }

  /** Settles the oldest deliveries; those without acknowledgement are taken by the socket. */
  settle(peer: Peer, count: number, how: Settle): void {
    for (let index = 0; index < count; index++) {
      const held = peer.held.shift();
      if (held === undefined) return;
      const ending = held.noAck ? Settle.taken : how;
      if (ending === Settle.ack || ending === Settle.taken) this.#acknowledged.add(held.address);
      this.#settle(peer, held, ending);
    }
  }

  #settle(peer: Peer, { generation, position }: Pick<Held, 'generation' | 'position'>, how: Settle): void {
    this.#tell(peer.ref, QueueLetter.settle, (letter) => {
      letter.a = generation;
      letter.b = how;
      letter.ints = this.#pool.take(1);
      letter.ints[0] = position;
      letter.count = 1;
    });
  }

  /** The connection hears of the new incarnation. */
  hearRestart(peer: Peer): void {
    if (!peer.behind) return;
    peer.behind = false;
    peer.held = [];
    for (const [key, fields] of peer.consumers) {
      if (peer.cancelling.has(key)) continue;
      this.#ask(peer, { type: 'resubscribe', spec: this.#spec(peer, key, fields) }, (answer) => assert.is(answer.type, 'consuming'));
    }
    this.#tell(peer.ref, QueueLetter.resynced, (letter) => {
      letter.a = this.#generation;
    });
    if (peer.purging) this.purge(peer);
  }

  /** The connection ends without a word: only who watches it hears. */
  lose(peer: Peer): void {
    this.peers = this.peers.filter((each) => each !== peer);
    if (this.#watches.get(peer.ref.id) !== this.#generation) return;
    this.#tell(peer.ref, RuntimeLetter.down, (letter) => {
      letter.a = 1;
    });
  }

  // ---- what connections hear

  #hear(to: ActorRef, letter: Letter): void {
    const peer = this.peers.find(({ ref }) => ref.id === to.id);
    const words = letter.ints.slice(0, letter.count);
    if (peer === undefined) return this.#hearInVain(letter, words);
    if (letter.type === ConnectionLetter.deliver) {
      for (let at = 0; at < words.length; at += DELIVERY_WORDS) {
        const consumer = peer.consumers.get(words[at]!);
        // A connection gives nothing to a consumer that it does not know: what is sent to one stays where it is.
        assert.ok(consumer !== undefined, 'nothing is delivered before the answer to a consume or after that to a cancel');
        this.#take(peer, letter.a, words[at + 1]!, words[at + 2]!, words[at + 3] !== 0, consumer!.noAck);
      }
    } else if (letter.type === ConnectionLetter.confirmed) {
      for (let at = 0; at < words.length; at += CONFIRM_WORDS) {
        for (let one = 0; one < words[at + 2]!; one++) this.#hearVerdict(peer, words[at + 1]! + one, words[at + 3] === 1);
      }
    } else if (letter.type === ConnectionLetter.answer) {
      const then = this.#asked.get(letter.a);
      this.#asked.delete(letter.a);
      then?.(letter.body as QueueAnswer, letter.b);
    } else if (letter.type === ConnectionLetter.cancelled) {
      // It looks at nothing of the queue any more.
      peer.held = [];
      this.#tell(peer.ref, QueueLetter.released, () => {});
    }
  }

  /** The connection is gone: what was sent to it counts as seen, because without acknowledgements it is over. */
  #hearInVain(letter: Letter, words: Int32Array): void {
    const answer = letter.body as QueueAnswer | undefined;
    if (letter.type === ConnectionLetter.answer && answer?.type === 'got') this.#seen.add(answer.address);
    if (letter.type !== ConnectionLetter.deliver) return;
    for (let at = 0; at < words.length; at += DELIVERY_WORDS) this.#seen.add(words[at + 1]!);
  }

  #hearVerdict(peer: Peer, sequence: number, refused: boolean): void {
    const verdict = refused ? 'refused' : 'accepted';
    const before = peer.verdicts.get(sequence);
    assert.ok(before === undefined || (this.#crashes > 0 && before === verdict), `publish ${sequence} is ${verdict}, and was ${before}`);
    peer.verdicts.set(sequence, verdict);
    const address = peer.published[sequence - 1]!;
    if (refused && this.#crashes === 0) assert.not(this.memory.lent.has(address), 'who is refused has its lease ended');
  }

  #take(peer: Peer, generation: number, address: number, position: number, redelivered: boolean, noAck: boolean, isGet = false): void {
    assert.ok(this.memory.lent.has(address), `message ${address} is there while it is delivered`);
    assert.not(this.#acknowledged.has(address) && generation === this.#generation && this.#crashes === 0, 'what is settled is over');
    for (const other of this.peers) {
      const twice = other.held.some((held) => held.address === address && held.generation === generation);
      assert.not(twice, `message ${address} has one holder`);
    }
    if (this.#seen.has(address)) assert.ok(redelivered, `message ${address} was delivered before`);
    else {
      const at = this.#order.get(address)!;
      const level = this.#arguments.has('x-max-priority') ? priorityOf(address) : 0;
      const youngest = peer.youngest.get(level) ?? -1;
      assert.ok(isGet || redelivered || at > youngest, 'messages of one priority are delivered in the order in which they were published');
      peer.youngest.set(level, Math.max(at, youngest));
    }
    this.#seen.add(address);
    peer.held.push({ generation, position, address, noAck });
  }

  // ---- the end

  get crashes(): number {
    return this.#crashes;
  }

  /** As they are shown to those who only look. */
  get counts(): { readonly ready: number; readonly unsettled: number; readonly delayed: number } {
    const slots = this.memory.plainSlots;
    return { ready: slots[READY_COUNT]!, unsettled: slots[UNSETTLED_COUNT]!, delayed: slots[DELAYED_COUNT]! };
  }

  /** Everything that is left is consumed, then the queue is deleted. */
  finish(): void {
    this.memory.quench();
    this.connect();
    const last = this.peers.at(-1)!;
    for (const peer of this.peers) this.hearRestart(peer);
    if (this.#timerArmed) this.#tell({ thread: 0, id: -QUEUE_ID, generation: this.#generation }, RuntimeLetter.timer, () => {});
    this.turn();
    this.consume(last, { prefetch: 0, noAck: false });
    const slots = this.memory.plainSlots;
    for (let round = 0; round < 2000 && (round < 2 || slots[READY_COUNT]! + slots[UNSETTLED_COUNT]! + slots[DELAYED_COUNT]! > 0); round++) {
      this.turn();
      for (const peer of this.peers) this.settle(peer, 1000, Settle.ack);
    }
    this.turn();
    assert.is(slots[DELAYED_COUNT], 0, 'nothing waits for ever');
    assert.is(slots[READY_COUNT]! + slots[UNSETTLED_COUNT]!, 0, 'nothing stays with a connection that is gone');
    this.#checkBooks();
    this.#tell({ thread: 0, id: 2, generation: 0 }, QueueLetter.end, () => {});
    this.turn();
    this.turn();
    assert.ok(this.ended, 'the queue ends when every connection has released it');
    assert.ok(this.memory.lent.size <= this.#crashes, 'every lease has ended, but one for each crash');
  }

  #checkBooks(): void {
    let lost = 0;
    for (const peer of this.peers) {
      assert.is(peer.verdicts.size, peer.published.length, 'every publish has its answer');
      for (const [sequence, verdict] of peer.verdicts) {
        const address = peer.published[sequence - 1]!;
        if (verdict === 'refused') assert.not(this.#seen.has(address), 'what is refused is not delivered');
        else if (!this.#seen.has(address)) lost++;
      }
    }
    assert.ok(lost <= this.memory.plainSlots[DROPPED]! + this.#crashes, 'what was accepted is delivered, unless it was dropped');
    for (const peer of this.peers) assert.not(peer.purging, 'every purge has its answer');
    if (this.#arguments.size === 0 && !this.#purged) assert.is(lost, 0, 'a queue without a limit loses nothing');
  }
}
