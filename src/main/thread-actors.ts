/**
 * The actors of one scheduler thread and what they share: memory, replica, groups, rings. Where sockets, time and randomness
 * come from is the business of its host: the real thread in production, one of several virtual threads in a simulation.
 */
import { Purse } from '../../actors/connection/publish-throttle.ts';
import { ConnectionActor } from '../../actors/connection/connection-actor.ts';
import type { ConnectionLook } from '../../actors/connection/connection-look.ts';
import { connectionId } from '../../actors/connection/connection-id.ts';
import { ConnectionLetter } from '../../actors/messages/connection-messages.ts';
import { JANITOR_ID, JANITOR_THREAD, JanitorLetter } from '../../actors/messages/janitor-messages.ts';
import { KEEPER_ID, KEEPER_THREAD, KeeperLetter } from '../../actors/messages/keeper-messages.ts';
import { QueueLetter, confirmedType, queueActorId, queueRef } from '../../actors/messages/queue-messages.ts';
import { STORE_ID } from '../../actors/messages/store-messages.ts';
import { REPLICA_ID } from '../../actors/messages/replica-messages.ts';
import { tellEnded } from '../../actors/queue/end-notices.ts';
import { UNREADABLE } from '../../actors/queue/keeping.ts';
import { QueueActor } from '../../actors/queue/queue-actor.ts';
import { publisherOf } from '../../actors/queue/queue-setting.ts';
import type { ActorGroup } from '../../actors/runtime/actor-group.ts';
import type { ActorRef } from '../../actors/runtime/letter.ts';
import { Letter } from '../../actors/runtime/letter.ts';
import type { Doorbell } from '../../actors/runtime/ring/doorbell.ts';
import { type Mesh, MeshPort } from '../../actors/runtime/ring/mesh.ts';
import { Scheduler, type SchedulerHost } from '../../actors/runtime/scheduler.ts';
import type { ExitReason } from '../../actors/runtime/supervision/exit-reason.ts';
import type { TimerHost } from '../../actors/runtime/timers.ts';
import { Unrecoverable } from '../../actors/runtime/unrecoverable.ts';
import { CONNECTIONS_OF_THREAD_MAX, connectionGroup, groupOptions, queueGroup, replicaGroup } from '../../actors/supervision-tree.ts';
import type { NodeSettings, ThreadLog, ThreadNode } from '../../actors/thread/thread-node.ts';
import { ReplicaActor, type ReplicaHost } from '../../actors/topology/replica-actor.ts';
import { BlockTable } from '../../native-free-io/memory/block-table.ts';
import type { SharedMemory } from '../../native-free-io/memory/memory-layout.ts';
import type { CloseReason, Transport } from '../../native-free-io/socket/transport.ts';
import type { ThreadUsage } from '../../native-free-io/thread-usage.ts';
import {
  DAMAGED,
  LETTER_NUMBER,
  LETTER_SENDER,
  LETTER_TAIL,
  QUEUE_ID,
  SLOT_WORDS,
  TAIL,
} from '../broker/queue/ledger-layout.ts';
import { lastGeneration } from '../broker/queue/last-generation.ts';
import { type QueueQuestion, answerOfCrashed } from '../broker/queue/queue-question.ts';
import { PUBLISH_WORDS, PublishMark, WordBatch } from '../amqp/channel/queue-link.ts';
import { priorityOf } from '../amqp/message-priority.ts';
import { expirationMs, publishedMs } from '../amqp/message-times.ts';
import { chanceFrom } from '../broker/exchange/chance.ts';
import type { MessageTimes } from '../broker/queue/expiry.ts';
import type { TopologyEvent } from '../broker/topology/topology-event.ts';
import type { QueueRecord } from '../broker/topology/topology-records.ts';
import { Topology } from '../broker/topology/topology.ts';
import { deadLetterSetting, publishingQueues } from './dead-letter-setting.ts';
import { type Fault, FaultSchedule } from './fault-schedule.ts';
import { LOW_ON_MEMORY, turned } from './alarms.ts';
import { DESCRIBED_CHILDREN_MAX, type ThreadDescription } from './live-tree.ts';
import { TOLD_CONNECTIONS_MAX } from './node-stats.ts';
import { restartInGroup } from './queue-restart.ts';
import { releaseUnheard } from './unheard-answers.ts';
import { TimelinesOfThread } from './timelines-of-thread.ts';
import { THREAD_WORDS, ThreadWord } from './node-words.ts';
import { ThreadMemory } from './shared-memory.ts';
import { STORED_QUEUE_DAMAGED } from './stored-queue-damage.ts';

/** What the actors of a thread are started with: plain data and shared memory. */
export type ThreadStart = {
  readonly thread: number;
  readonly threads: number;
  readonly memory: SharedMemory;
  readonly mesh: Mesh;
  readonly slots: SharedArrayBuffer;
  readonly words: SharedArrayBuffer;
  readonly settings: NodeSettings;
  readonly snapshot: readonly TopologyEvent[];
  readonly version: number;
  readonly alarms: readonly string[];
  /** The thread of the store; absent where nothing is kept. */
  readonly storeThread?: number;
  /** Queues of this thread that are deleted and were not emptied before the thread that this one replaces was lost. */
  readonly ending?: readonly QueueRecord[];
};

/** What the thread itself gives: time, randomness, sockets. */
export interface ThreadHost extends TimerHost {
  /** Calls `run` soon: after the events that are waiting now. */
  soon(run: () => void): void;
  randomBytes(size: number): Buffer;
  /** A hash under Node's name for it, such as `sha256`. */
  digest(algorithm: string, bytes: Uint8Array): Uint8Array;
  closeListener(): void;
  /** A fault that is not the scheduler's own affair. */
  applyFault(fault: Exclude<Fault, { type: 'plan' }>): void;
  /** Memory of the process, bytes. */
  residentBytes(): number;
  usage(): ThreadUsage;
}

/** Memory in use below which an alarm ends, as a part of the limit. */
const ALARM_ENDS_BELOW = 0.95;
/**
 * Memory in use by messages above which queues page out what they do not need soon: this much, or a share of the limit
 * (RabbitMQ's vm_memory_high_watermark_paging_ratio) when that is less.
 */
const PAGING_BYTES = 256 * 1024 * 1024;
const PAGING_SHARE = 0.5;
const PAGING_ENDS_BELOW = 0.9;
/** So many times as much is scarce: publishers that are ahead of the paging wait for it. */
const SCARCE_TIMES = 1.5;
/**
 * Connections of one thread that may be in their handshake at once; the next one is closed. Each may hold a frame of
 * INITIAL_FRAME_MAX bytes and ten seconds, and whoever opens sockets faster than they time out must not have them all.
 */
export const STRANGERS_OF_THREAD_MAX = 4096;

export class ThreadActors implements SchedulerHost, ThreadNode, ReplicaHost {
  readonly thread: number;
  readonly settings: NodeSettings;
  readonly scheduler: Scheduler;
  readonly topology: Topology;
  readonly messages: ThreadMemory;
  readonly queues: ThreadMemory;
  readonly #times: MessageTimes = {
    nowMs: () => this.#host.nowMs(),
    publishedMs: (address) => publishedMs(this.messages, address),
    expirationMs: (address) => expirationMs(this.messages, address),
  };
  readonly chance = chanceFrom(() => this.randomBytes(4).readInt32LE());
  readonly queueGroup: ActorGroup;
  readonly connectionGroup: ActorGroup;
  readonly log: ThreadLog;
  readonly purse = new Purse();
  alarms: readonly string[];
  readonly #host: ThreadHost;
  readonly #table: BlockTable;
  readonly #words: Int32Array;
  readonly #store: ActorRef | undefined;
  readonly #timelines: TimelinesOfThread;
  readonly #connections = new Set<number>();
  /** Those of them that have not passed their handshake. */
  readonly #strangers = new Set<number>();
  #memoryShort = false;
  #memoryScarce = false;

  constructor(start: ThreadStart, doorbell: Doorbell, host: ThreadHost) {
    const { thread, threads, settings } = start;
    this.thread = thread;
    this.settings = settings;
    this.alarms = start.alarms;
    this.#store = start.storeThread === undefined ? undefined : { thread: start.storeThread, id: STORE_ID, generation: 0 };
    this.#host = host;
    this.topology = Topology.restore(start.snapshot, start.version);
    this.#words = new Int32Array(start.words);
    this.#table = new BlockTable(start.memory);
    // Owner 0 of the memory is thread 1: the main thread holds no messages.
    this.messages = new ThreadMemory(this.#table, thread - 1, new Int32Array(start.slots));
    this.queues = this.messages;
    this.log = {
      info: (fields, text) => this.#log(0, fields, text),
      warn: (fields, text) => this.#log(1, fields, text),
      error: (fields, text) => this.#log(2, fields, text),
    };
    this.scheduler = new Scheduler(thread, threads, this, new MeshPort(start.mesh, thread, doorbell));
    const replica = this.scheduler.group({
      ...groupOptions(replicaGroup, settings.nodeRestarts),
      onEnded: (reason) => {
        // An end that was asked for has no text.
        if (reason.text !== '') throw new Error(`the replica of thread ${thread} gave up: ${reason.text}`);
      },
    });
    this.queueGroup = this.scheduler.group({
      ...groupOptions(queueGroup, settings.queueRestarts),
      onMarked: (id, reason) => this.#queueMarked(-id, reason),
    });
    this.connectionGroup = this.scheduler.group(groupOptions(connectionGroup));
    this.#timelines = new TimelinesOfThread(this, this.#store);
    let before: ReplicaActor | undefined;
    this.scheduler.spawn(replica, REPLICA_ID, (context) => (before = new ReplicaActor(context, this, before)));
  }

  /** Starts the queues that live on this thread. Before its first run: letters that wait for them in the rings must find them. */
  startQueues(ending: readonly QueueRecord[] = []): void {
    for (const vhost of this.topology.vhosts()) {
      for (const record of this.topology.queues(vhost.name)) if (record.thread === this.thread) this.startQueue(record);
    }
    for (const record of ending) {
      if (this.queues.slots[record.slot * SLOT_WORDS + QUEUE_ID] === record.id) this.startQueue(record);
      // Emptied before the thread was lost; whether that was heard is unknown.
      else tellEnded(this.scheduler, this.#store, record);
    }
  }

  /** Damage that was known before the queue was started has been told already: its reason has no text. */
  #queueMarked(id: number, { text, final }: ExitReason): void {
    if (final === true && text === '') return;
    const record = this.topology.queueById(id)?.record;
    const fields = { vhost: record?.vhost, queue: record?.name ?? id, reason: text };
    this.log.error(fields, final === true ? STORED_QUEUE_DAMAGED : 'a queue crashed too often and stays down');
  }

  #log(level: number, fields: object, text: string): void {
    const letter = new Letter(KeeperLetter.log);
    letter.a = level;
    letter.body = { fields, text };
    this.tellKeeper(letter);
  }

  tellKeeper(letter: Letter): void {
    letter.sender = { thread: this.thread, id: REPLICA_ID, generation: 0 };
    this.scheduler.tell({ thread: KEEPER_THREAD, id: KEEPER_ID, generation: 0 }, letter);
  }

  // ---- connections

  /** A connection came in. Answers false, and opens nothing, when the thread has as many as it may. */
  accept(open: () => Transport): boolean {
    const serial = this.#words[this.thread * THREAD_WORDS + ThreadWord.connectionSerial]!++;
    const id = connectionId(this.thread, serial);
    const full = this.#connections.size >= CONNECTIONS_OF_THREAD_MAX || this.#strangers.size >= STRANGERS_OF_THREAD_MAX;
    if (full || this.scheduler.has(id)) return false;
    const transport = open();
    const { scheduler } = this;
    this.#connections.add(id);
    this.#strangers.add(id);
    scheduler.spawn(this.connectionGroup, id, (context) => new ConnectionActor(context, this, transport));
    const enter = (step: (actor: ConnectionActor) => void): void =>
      scheduler.enter(id, (actor) => {
        if (actor instanceof ConnectionActor) step(actor);
      });
    transport.start({
      onBytes: (buffer, length) => enter((actor) => actor.onBytes(buffer, length)),
      onTaken: (bytes) => enter((actor) => actor.onTaken(bytes)),
      onUncongested: () => enter((actor) => actor.onUncongested()),
      onClosed: (reason: CloseReason) => {
        this.#connections.delete(id);
        this.#strangers.delete(id);
        enter((actor) => actor.onClosed(reason));
      },
    });
    return true;
  }

  // ---- the node, for actors

  checkMemory(): void {
    const used = this.#table.usedBytes();
    const { memoryLimitBytes } = this.settings;
    this.#checkPaging(used);
    const wasAbove = this.alarms.includes(LOW_ON_MEMORY);
    const above = used > memoryLimitBytes * (wasAbove ? ALARM_ENDS_BELOW : 1);
    if (above === wasAbove) return;
    // Here at once: until the other threads have been told by the janitor, this one could take in as much again.
    this.setAlarms(turned(this.alarms, LOW_ON_MEMORY, above));
    const letter = new Letter(JanitorLetter.memory);
    letter.a = above ? 1 : 0;
    letter.sender = { thread: this.thread, id: REPLICA_ID, generation: 0 };
    this.scheduler.tell({ thread: JANITOR_THREAD, id: JANITOR_ID, generation: 0 }, letter);
  }

  /** Queues that are idle hear of it by a letter, the others see it at the end of their turn. */
  #checkPaging(usedBytes: number): void {
    const limit = Math.min(PAGING_BYTES, this.settings.memoryLimitBytes * PAGING_SHARE);
    this.#memoryScarce = usedBytes > limit * SCARCE_TIMES;
    const short = usedBytes > limit * (this.#memoryShort ? PAGING_ENDS_BELOW : 1);
    if (short === this.#memoryShort) return;
    this.#memoryShort = short;
    if (!short || this.#store === undefined) return;
    for (const { id } of this.queueGroup.snapshot().children) {
      this.scheduler.tell({ thread: this.thread, id: Number(id), generation: 0 }, new Letter(QueueLetter.goOn));
    }
  }

  welcome(connection: number): void {
    this.#strangers.delete(connection);
  }

  flushReleases(): void {
    this.#table.flushReleases();
  }

  randomBytes(size: number): Buffer {
    return this.#host.randomBytes(size);
  }

  digest(algorithm: string, bytes: Uint8Array): Uint8Array {
    return this.#host.digest(algorithm.replace('rabbit_password_hashing_', ''), bytes);
  }

  // ---- the replica's host

  startQueue(record: QueueRecord): void {
    if (this.#timelines.start(record)) return;
    const { slots } = this.queues;
    const slot = record.slot * SLOT_WORDS;
    const id = queueActorId(record.id);
    const unsent = new WordBatch();
    const { topology, messages: memory } = this;
    const deadLetters = deadLetterSetting(record, { topology, memory, pool: this.scheduler.pool, chance: this.chance });
    this.scheduler.spawn(
      this.queueGroup,
      id,
      (context) => {
        // Deleted, but not yet empty: an incarnation that crashed or was lost with its thread took the order with it.
        if (this.topology.queueById(record.id) === undefined) this.scheduler.tell(context.self, new Letter(QueueLetter.end));
        else if (slots[slot + QUEUE_ID] === record.id && slots[slot + DAMAGED] === 1) throw new Unrecoverable('');
        return new QueueActor(context, {
          record,
          memory: this.queues,
          pool: this.scheduler.pool,
          watchers: this.scheduler.watchersOf(id),
          store: this.#store,
          unsent,
          deadLetters,
          hold: (address) => this.messages.hold(address),
          times: this.#times,
          priorityOf: (address) => priorityOf(this.messages, address),
          isMemoryShort: () => this.#memoryShort,
          isMemoryScarce: () => this.#memoryScarce,
          flushReleases: () => this.#table.flushReleases(),
        });
      },
      lastGeneration(slots, record),
    );
  }

  tellConnections(make: () => Letter): void {
    for (const id of this.#connections) this.scheduler.tell({ thread: this.thread, id, generation: 0 }, make());
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  threadLost(thread: number): void {
    this.scheduler.threadLost(thread);
    for (const queue of publishingQueues(this.topology, this.thread)) this.scheduler.tell(queueRef(queue), new Letter(QueueLetter.threadLost));
  }

  closeListener(): void {
    this.#host.closeListener();
  }

  setAlarms(alarms: readonly string[]): void {
    this.alarms = alarms;
    this.tellConnections(() => new Letter(ConnectionLetter.alarm));
  }

  fault(what: unknown): void {
    const fault = what as Fault;
    if (fault.type === 'plan') this.scheduler.faults = fault.plan === undefined ? undefined : new FaultSchedule(fault.plan);
    else this.#host.applyFault(fault);
  }

  restartQueue(id: number): unknown {
    const record = this.topology.queueById(id)?.record;
    const isDamaged = record !== undefined && this.queues.slots[record.slot * SLOT_WORDS + DAMAGED] === 1;
    return restartInGroup(this.queueGroup, id, isDamaged ? STORED_QUEUE_DAMAGED : undefined);
  }

  describe(): ThreadDescription {
    return {
      thread: this.thread,
      groups: [...this.scheduler.groups()].map((group) => {
        const excerpt = group.excerpt(DESCRIBED_CHILDREN_MAX);
        const children = excerpt.children.map((child) => ({ ...child, name: this.#nameOf(group, Number(child.id)) }));
        return { name: group.name, ...excerpt, children };
      }),
      usedBytes: this.#table.usedBytes(),
      connections: this.#connections.size,
      rss: this.#host.residentBytes(),
      connectionLooks: this.#lookAtConnections(),
      usage: this.#host.usage(),
    };
  }

  #lookAtConnections(): ConnectionLook[] {
    const looks: ConnectionLook[] = [];
    for (const id of this.#connections) {
      const actor = this.scheduler.actor(id);
      if (actor instanceof ConnectionActor) looks.push(actor.look());
    }
    const traffic = ({ receivedBytes, sentBytes }: ConnectionLook): number => receivedBytes + sentBytes;
    return looks.toSorted((one, other) => traffic(other) - traffic(one)).slice(0, TOLD_CONNECTIONS_MAX);
  }

  #nameOf(group: ActorGroup, id: number): string {
    const queue = group === this.queueGroup ? this.topology.queueById(-id)?.record : undefined;
    if (queue === undefined) return String(id);
    return queue.vhost === '/' ? queue.name : `${queue.vhost}/${queue.name}`;
  }

  // ---- the scheduler's host

  nowMs(): number {
    return this.#host.nowMs();
  }

  setTimer(delayMs: number, callback: () => void): object {
    return this.#host.setTimer(delayMs, callback);
  }

  clearTimer(timer: object): void {
    this.#host.clearTimer(timer);
  }

  soon(run: () => void): void {
    this.#host.soon(() => {
      run();
      this.checkMemory();
    });
  }

  crashed(group: string, id: number, error: unknown): void {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.log.error({ group, id, error: stack }, 'an actor crashed');
  }

  /** What a letter without a receiver owns is given back; who waits for an answer gets one. */
  undeliverable(to: ActorRef, letter: Letter): void {
    switch (letter.type) {
      case QueueLetter.publish:
        return this.#publishedToNobody(to, letter);
      case QueueLetter.question:
        return this.#answerForNobody(to, letter);
      case QueueLetter.content:
        return this.#readForNobody(letter);
      case QueueLetter.end:
        // Deleted while it was down: one more incarnation gives back what it holds.
        return this.queueGroup.supervisor.restartChild(0, to.id);
      case ConnectionLetter.reply:
        return this.messages.release(letter.b);
      case ConnectionLetter.probe: {
        const answer = new Letter(ConnectionLetter.probed);
        answer.a = letter.a;
        return this.scheduler.tell(letter.sender, answer);
      }
      default:
        releaseUnheard(letter, this.messages);
        return this.#timelines.undeliverable(to, letter);
    }
  }

  /**
   * The queue is deleted, which confirms; or it crashed too often, or over this very letter, which refuses. What of it stands
   * in the ledger already is the queue's.
   */
  #publishedToNobody(to: ActorRef, letter: Letter): void {
    const isThere = this.scheduler.has(to.id);
    let accepted = isThere ? this.#acceptedOf(to, letter) : 0;
    const ints = this.scheduler.pool.take(letter.count);
    let words = 0;
    for (let at = 0; at < letter.count; at += PUBLISH_WORDS) {
      // Without an address it was refused, and its lease is over.
      const address = letter.ints[at]!;
      const isAccepted = address !== 0 && accepted-- > 0;
      if (address !== 0 && !isAccepted) this.messages.release(address);
      const refused = isThere && !isAccepted ? 1 : 0;
      if ((letter.ints[at + 3]! & PublishMark.confirm) === 0) continue;
      ints[words] = letter.ints[at + 1]!;
      ints[words + 1] = letter.ints[at + 2]!;
      ints[words + 2] = 1;
      ints[words + 3] = refused;
      words += 4;
    }
    this.#table.flushReleases();
    if (words === 0) return this.scheduler.pool.give(ints);
    const answer = new Letter(confirmedType(letter.sender.id));
    answer.ints = ints;
    answer.count = words;
    this.scheduler.tell(letter.sender, answer);
  }

  /** Publishes of a letter that a queue has accepted. */
  #acceptedOf(to: ActorRef, letter: Letter): number {
    const record = this.topology.queueById(-to.id)?.record;
    if (record === undefined) return 0;
    const { slots } = this.queues;
    const slot = record.slot * SLOT_WORDS;
    const isBegun = slots[slot + LETTER_SENDER] === publisherOf(letter.sender) && slots[slot + LETTER_NUMBER] === letter.number;
    return isBegun ? (slots[slot + TAIL]! - slots[slot + LETTER_TAIL]!) | 0 : 0;
  }

  /** The queue was deleted, or went down, while the store read for it. */
  #readForNobody({ ints, count }: Letter): void {
    for (let at = 1; at < count; at += 2) if (ints[at] !== 0 && ints[at] !== UNREADABLE) this.messages.release(ints[at]!);
    this.#table.flushReleases();
  }

  #answerForNobody(to: ActorRef, letter: Letter): void {
    if (letter.a === 0) return;
    const answer = new Letter(ConnectionLetter.answer);
    answer.sender = to;
    answer.a = letter.a;
    const record = this.scheduler.has(to.id) ? this.topology.queueById(-to.id)?.record : undefined;
    answer.body = record === undefined ? { type: 'gone' } : answerOfCrashed(record.vhost, record.name, letter.body as QueueQuestion);
    this.scheduler.tell(letter.sender, answer);
  }
}
