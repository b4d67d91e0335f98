/**
 * A scheduler thread: the one place where a thread's sockets, shared memory, rings and actors meet. The pool runs this as
 * one task for as long as the thread lives; its rejection is the notice of the thread's death.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { MessagePort } from 'node:worker_threads';
import { ConnectionActor } from '../../actors/connection/connection-actor.ts';
import { connectionId } from '../../actors/connection/connection-id.ts';
import { ConnectionLetter } from '../../actors/messages/connection-messages.ts';
import { KEEPER_ID, KEEPER_THREAD, KeeperLetter } from '../../actors/messages/keeper-messages.ts';
import { QueueLetter, queueActorId } from '../../actors/messages/queue-messages.ts';
import { REPLICA_ID } from '../../actors/messages/replica-messages.ts';
import { QueueActor } from '../../actors/queue/queue-actor.ts';
import type { ActorGroup } from '../../actors/runtime/actor-group.ts';
import type { ActorRef } from '../../actors/runtime/letter.ts';
import { Letter } from '../../actors/runtime/letter.ts';
import { type DoorbellPorts, PortDoorbell } from '../../actors/runtime/ring/doorbell.ts';
import { type Mesh, MeshPort } from '../../actors/runtime/ring/mesh.ts';
import { Scheduler, type SchedulerHost } from '../../actors/runtime/scheduler.ts';
import type { NodeSettings, ThreadLog, ThreadNode } from '../../actors/thread/thread-node.ts';
import { CONNECTIONS_OF_THREAD_MAX, QUEUES_OF_THREAD_MAX } from '../../actors/supervision-tree.ts';
import { ReplicaActor, type ReplicaHost } from '../../actors/topology/replica-actor.ts';
import { systemClock } from '../../native-free-io/clock.ts';
import { BlockTable } from '../../native-free-io/memory/block-table.ts';
import type { SharedMemory } from '../../native-free-io/memory/memory-layout.ts';
import { BlockPool } from '../../native-free-io/socket/block-pool.ts';
import { READ_BUFFER_SIZE_BYTES } from '../../native-free-io/socket/inbound.ts';
import { type Listener, listen } from '../../native-free-io/socket/listener.ts';
import { SocketTransport } from '../../native-free-io/socket/socket-transport.ts';
import type { Socket } from 'node:net';
import type { CloseReason } from '../../native-free-io/socket/transport.ts';
import { GENERATION, QUEUE_ID, SLOT_WORDS } from '../broker/queue/ledger-layout.ts';
import type { TopologyEvent } from '../broker/topology/topology-event.ts';
import type { QueueRecord } from '../broker/topology/topology-records.ts';
import { Topology } from '../broker/topology/topology.ts';
import { THREAD_WORDS, ThreadWord } from './node-words.ts';
import { ThreadMemory } from './shared-memory.ts';
import { applyFault, type Fault, FaultSchedule } from './fault-schedule.ts';

/** What a thread is started with. */
export type SchedulerTask = {
  readonly thread: number;
  readonly threads: number;
  readonly memory: SharedMemory;
  readonly mesh: Mesh;
  readonly slots: SharedArrayBuffer;
  readonly words: SharedArrayBuffer;
  readonly ports: DoorbellPorts;
  readonly control: MessagePort;
  readonly settings: NodeSettings;
  readonly port: number;
  readonly snapshot: readonly TopologyEvent[];
  readonly version: number;
  readonly alarms: readonly string[];
};

/** From the main thread: what cannot go through rings. */
export type ControlMessage =
  | { readonly type: 'replacePeer'; readonly peer: number; readonly port: MessagePort }
  | { readonly type: 'end' };

/** Memory in use below which an alarm ends, as a part of the limit. */
const ALARM_ENDS_BELOW = 0.95;
const QUEUE_WINDOW = { restarts: 5, periodMs: 10_000 };

export async function runSchedulerThread(task: SchedulerTask): Promise<void> {
  const thread = new SchedulerThread(task);
  await thread.run();
}

class SchedulerThread implements SchedulerHost, ThreadNode, ReplicaHost {
  readonly thread: number;
  readonly settings: NodeSettings;
  readonly scheduler: Scheduler;
  readonly topology: Topology;
  readonly messages: ThreadMemory;
  readonly queues: ThreadMemory;
  readonly queueGroup: ActorGroup;
  readonly connectionGroup: ActorGroup;
  readonly log: ThreadLog;
  alarms: readonly string[];
  readonly #task: SchedulerTask;
  readonly #table: BlockTable;
  readonly #words: Int32Array;
  readonly #doorbell: PortDoorbell;
  readonly #pool = new BlockPool();
  readonly #readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_SIZE_BYTES);
  readonly #connections = new Set<number>();
  #listener: Listener | undefined = undefined;
  #aboveLimit = false;

  constructor(task: SchedulerTask) {
    this.#task = task;
    this.thread = task.thread;
    this.settings = task.settings;
    this.alarms = task.alarms;
    this.topology = Topology.restore(task.snapshot, task.version);
    this.#words = new Int32Array(task.words);
    this.#table = new BlockTable(task.memory);
    // Owner 0 of the memory is thread 1: the main thread holds no messages.
    this.messages = new ThreadMemory(this.#table, task.thread - 1, new Int32Array(task.slots));
    this.queues = this.messages;
    this.log = {
      info: (fields, text) => this.#log(0, fields, text),
      warn: (fields, text) => this.#log(1, fields, text),
      error: (fields, text) => this.#log(2, fields, text),
    };
    this.#doorbell = new PortDoorbell(task.ports, () => this.scheduler.poke());
    this.scheduler = new Scheduler(task.thread, task.threads, this, new MeshPort(task.mesh, task.thread, this.#doorbell));
    const system = this.scheduler.group({
      name: 'system',
      policy: { restart: 'permanent', shutdown: 5_000, kind: 'worker' },
      giveUp: 'escalate',
      intensity: { restarts: 3, periodMs: 60_000 },
      childrenMax: 16,
      onEnded: (reason) => {
        throw new Error(`the replica of thread ${task.thread} gave up: ${reason.text}`);
      },
    });
    this.queueGroup = this.scheduler.group({
      name: 'queue',
      policy: { restart: 'transient', shutdown: 5_000, kind: 'worker' },
      giveUp: 'mark',
      intensity: task.settings.queueRestarts ?? QUEUE_WINDOW,
      childrenMax: QUEUES_OF_THREAD_MAX,
      onMarked: (id, reason) => this.log.error({ queue: -id, reason: reason.text }, 'a queue crashed too often and stays down'),
    });
    this.connectionGroup = this.scheduler.group({
      name: 'connection',
      policy: { restart: 'temporary', shutdown: 10_000, kind: 'worker' },
      giveUp: 'escalate',
      intensity: { restarts: 0, periodMs: 1_000 },
      childrenMax: CONNECTIONS_OF_THREAD_MAX,
    });
    this.scheduler.spawn(system, REPLICA_ID, (context) => new ReplicaActor(context, this));
  }

  async run(): Promise<void> {
    // Queues first: letters that wait for them in the rings must find them.
    for (const { record } of this.#ownQueues()) this.startQueue(record);
    const { settings, port, control } = this.#task;
    const listener = await listen({
      host: settings.host,
      port,
      reusePort: true,
      onSocket: (socket) => this.#accept(socket),
      onAcceptFailed: (message) => this.log.warn({}, message),
    });
    const letter = new Letter(listener.listening ? KeeperLetter.listening : KeeperLetter.failed);
    if (listener.listening) {
      this.#listener = listener;
      letter.a = listener.port;
    } else {
      letter.body = `${listener.code}: ${listener.message}`;
    }
    this.#tellKeeper(letter);
    this.scheduler.poke();
    await new Promise<void>((resolve) => {
      control.on('message', (message: ControlMessage) => {
        if (message.type === 'replacePeer') this.#doorbell.replacePeer(message.peer, message.port);
        else resolve();
      });
    });
    this.scheduler.close();
    this.#listener?.close();
    this.#doorbell.close();
    control.close();
  }

  *#ownQueues(): Iterable<{ readonly record: QueueRecord }> {
    for (const vhost of this.topology.vhosts()) {
      for (const record of this.topology.queues(vhost.name)) if (record.thread === this.thread) yield { record };
    }
  }

  #log(level: number, fields: object, text: string): void {
    const letter = new Letter(KeeperLetter.log);
    letter.a = level;
    letter.body = { fields, text };
    this.#tellKeeper(letter);
  }

  #tellKeeper(letter: Letter): void {
    letter.sender = { thread: this.thread, id: REPLICA_ID, generation: 0 };
    this.scheduler.tell({ thread: KEEPER_THREAD, id: KEEPER_ID, generation: 0 }, letter);
  }

  // ---- connections

  #accept(socket: Socket): void {
    const serial = this.#words[this.thread * THREAD_WORDS + ThreadWord.connectionSerial]!++;
    const id = connectionId(this.thread, serial);
    if (this.scheduler.has(id) || this.#connections.size >= CONNECTIONS_OF_THREAD_MAX) {
      socket.destroy();
      return;
    }
    const transport = new SocketTransport(socket, { pool: this.#pool, readBuffer: this.#readBuffer, clock: systemClock });
    const { scheduler } = this;
    this.#connections.add(id);
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
        enter((actor) => actor.onClosed(reason));
      },
    });
  }

  // ---- the node, for actors

  checkMemory(): void {
    const used = this.#table.usedBytes();
    const { memoryLimitBytes } = this.settings;
    const above = used > memoryLimitBytes * (this.#aboveLimit ? ALARM_ENDS_BELOW : 1);
    if (above === this.#aboveLimit) return;
    this.#aboveLimit = above;
    const letter = new Letter(KeeperLetter.memory);
    letter.a = above ? 1 : 0;
    this.#tellKeeper(letter);
  }

  flushReleases(): void {
    this.#table.flushReleases();
  }

  randomBytes(size: number): Buffer {
    return randomBytes(size);
  }

  digest(algorithm: string, bytes: Uint8Array): Uint8Array {
    return createHash(algorithm.replace('rabbit_password_hashing_', '')).update(bytes).digest();
  }

  // ---- the replica's host

  startQueue(record: QueueRecord): void {
    const { slots } = this.queues;
    const slot = record.slot * SLOT_WORDS;
    const afterGeneration = slots[slot + QUEUE_ID] === record.id ? slots[slot + GENERATION]! : 0;
    const id = queueActorId(record.id);
    this.scheduler.spawn(
      this.queueGroup,
      id,
      (context) =>
        new QueueActor(context, {
          record,
          memory: this.queues,
          pool: this.scheduler.pool,
          watchers: this.scheduler.watchersOf(id),
          flushReleases: () => this.#table.flushReleases(),
        }),
      afterGeneration,
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
  }

  closeListener(): void {
    this.#listener?.close();
    this.#listener = undefined;
  }

  setAlarms(alarms: readonly string[]): void {
    this.alarms = alarms;
    this.#aboveLimit = alarms.includes('low on memory');
  }

  fault(what: unknown): void {
    const fault = what as Fault;
    if (fault.type === 'plan') this.scheduler.faults = fault.plan === undefined ? undefined : new FaultSchedule(fault.plan);
    else applyFault(fault);
  }

  describe(): unknown {
    return {
      thread: this.thread,
      groups: [...this.scheduler.groups()].map((group) => ({ name: group.name, ...group.snapshot() })),
      usedBytes: this.#table.usedBytes(),
      connections: this.#connections.size,
      rss: process.memoryUsage.rss(),
    };
  }

  // ---- the scheduler's host

  nowMs(): number {
    return systemClock.nowMs();
  }

  setTimer(delayMs: number, callback: () => void): object {
    return systemClock.setTimer(delayMs, callback);
  }

  clearTimer(timer: object): void {
    systemClock.clearTimer(timer);
  }

  soon(run: () => void): void {
    setImmediate(() => {
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
      case ConnectionLetter.reply:
        return this.messages.release(letter.b);
      case ConnectionLetter.probe: {
        const answer = new Letter(ConnectionLetter.probed);
        answer.a = letter.a;
        return this.scheduler.tell(letter.sender, answer);
      }
    }
  }

  /** The queue is deleted, which confirms; or it crashed too often, which refuses. */
  #publishedToNobody(to: ActorRef, letter: Letter): void {
    const refused = this.scheduler.has(to.id) ? 1 : 0;
    const ints = this.scheduler.pool.take(letter.count);
    let words = 0;
    for (let at = 0; at < letter.count; at += 4) {
      this.messages.release(letter.ints[at]!);
      if (letter.ints[at + 2] === 0) continue;
      ints[words] = letter.ints[at + 1]!;
      ints[words + 1] = letter.ints[at + 2]!;
      ints[words + 2] = 1;
      ints[words + 3] = refused;
      words += 4;
    }
    this.#table.flushReleases();
    if (words === 0) return this.scheduler.pool.give(ints);
    const answer = new Letter(ConnectionLetter.confirmed);
    answer.ints = ints;
    answer.count = words;
    this.scheduler.tell(letter.sender, answer);
  }

  #answerForNobody(to: ActorRef, letter: Letter): void {
    if (letter.a === 0) return;
    const answer = new Letter(ConnectionLetter.answer);
    answer.sender = to;
    answer.a = letter.a;
    answer.body = { type: 'gone' };
    this.scheduler.tell(letter.sender, answer);
  }
}
