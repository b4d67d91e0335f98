/**
 * A whole node on one real thread: the main thread's actors, virtual scheduler threads over real rings and real shared memory,
 * and the replacement of lost threads as in production. Small in everything, so that hundreds of runs cost little.
 */
import { createHash } from 'node:crypto';
import { JanitorActor, type JanitorHost } from '../../../actors/janitor/janitor-actor.ts';
import { KeeperActor, type KeeperHost } from '../../../actors/keeper/keeper-actor.ts';
import { KEEPER_ID, KeeperLetter } from '../../../actors/messages/keeper-messages.ts';
import { JANITOR_ID } from '../../../actors/messages/janitor-messages.ts';
import { REPLICA_ID, ReplicaLetter } from '../../../actors/messages/replica-messages.ts';
import { STORE_ID, storeThread } from '../../../actors/messages/store-messages.ts';
import { TOPOLOGY_ID } from '../../../actors/messages/topology-messages.ts';
import { type ActorRef, Letter } from '../../../actors/runtime/letter.ts';
import { createMesh, MeshPort } from '../../../actors/runtime/ring/mesh.ts';
import { Scheduler, type SchedulerHost } from '../../../actors/runtime/scheduler.ts';
import { TopologyActor } from '../../../actors/topology/topology-actor.ts';
import { REGION_BYTES, type SharedMemory, createTables } from '../../../native-free-io/memory/memory-layout.ts';
import { SLOT_WORDS } from '../../../src/broker/queue/ledger-layout.ts';
import { type QueueRecord, UNLIMITED } from '../../../src/broker/topology/topology-records.ts';
import { Topology } from '../../../src/broker/topology/topology.ts';
import { passwordHash } from '../../../src/broker/user.ts';
import { THREAD_WORDS, nextConnection } from '../../../src/main/node-words.ts';
import { restoreTopology, storeGate } from '../../../src/main/stored-topology.ts';
import type { ThreadStart } from '../../../src/main/thread-actors.ts';
import { type ReplacementHost, ThreadReplacement } from '../../../src/main/thread-replacement.ts';
import type { FakeNetwork, FakeTransport } from '../fake-transport.ts';
import { EventLoop } from './event-loop.ts';
import type { SimClock } from './sim-clock.ts';
import type { SimDisk } from './sim-disk.ts';
import type { SimFaults } from './sim-faults.ts';
import type { SimRandom } from './sim-random.ts';
import { SimStoreThread } from './sim-store-thread.ts';
import { SimThread, type ThreadWitness } from './sim-thread.ts';

const MAIN = 0;
/** Small rings, so that they run full and long letters go in fragments. */
const RING_BYTES = 4096;
const SLOTS = 64;
/** Bytes of memory for each thread. */
const ARENA_BYTES = 8 * 1024 * 1024;
export const USER = 'simulated';
export const PASSWORD = 'client';
export const VHOST = '/';

export class SimNode implements KeeperHost, JanitorHost, SchedulerHost, ReplacementHost {
  readonly schedulers: number;
  readonly memory: SharedMemory;
  readonly slots: Int32Array;
  /** Undefined in a node that keeps nothing. */
  readonly store: SimStoreThread | undefined;
  topology = new Topology();
  readonly loop: EventLoop;
  readonly threads = new Map<number, SimThread>();
  losses = 0;
  readonly #clock: SimClock;
  readonly #random: SimRandom;
  readonly #network: FakeNetwork;
  readonly #witness: ThreadWitness;
  readonly #faults: SimFaults;
  readonly #start: Omit<ThreadStart, 'thread' | 'snapshot' | 'version' | 'alarms' | 'ending'>;
  readonly #scheduler: Scheduler;
  readonly #live = new Set<number>();
  readonly #replacement = new ThreadReplacement(this);
  #topologyActor: TopologyActor | undefined = undefined;
  #alarms: readonly string[] = [];
  /** Threads whose connections are being closed because the node stops. */
  #emptying: Set<number> | undefined = undefined;
  /** The process before ended in order, as far as the store can tell. */
  foundClean = true;
  /** The store has failed: nothing is confirmed any more, and the node must stop. */
  storeFailed = false;

  constructor(schedulers: number, parts: SimParts) {
    this.schedulers = schedulers;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#network = parts.network;
    this.#witness = parts.witness;
    this.#faults = parts.faults;
    const { kept } = parts;
    const threads = kept === undefined ? schedulers + 1 : storeThread(schedulers) + 1;
    this.memory = smallMemory(kept === undefined ? schedulers : schedulers + 1);
    const slots = new SharedArrayBuffer(SLOTS * SLOT_WORDS * 4);
    this.slots = new Int32Array(slots);
    this.#start = {
      threads,
      memory: this.memory,
      mesh: createMesh(threads, RING_BYTES),
      slots,
      words: new SharedArrayBuffer(threads * THREAD_WORDS * 4),
      settings: {
        host: '10.0.0.2',
        heartbeatSeconds: 0,
        frameMax: 65_536,
        channelMax: 16,
        memoryLimitBytes: kept?.memoryLimitBytes ?? ARENA_BYTES * schedulers,
        messageSizeMax: 1024 * 1024,
        version: '0.0.0',
        handshakeTimeoutMs: 10_000,
        consumerTimeoutMs: 1_800_000,
        consumerTimeoutCheckMs: 60_000,
        queueRestarts: { restarts: 1_000, periodMs: 1_000 },
      },
      ...(kept === undefined ? {} : { storeThread: storeThread(schedulers) }),
    };
    this.loop = new EventLoop(parts.clock, () => this.#scheduler.poke());
    this.#scheduler = new Scheduler(MAIN, threads, this, new MeshPort(this.#start.mesh, MAIN, this));
    const deliver = this.#scheduler.deliver.bind(this.#scheduler);
    this.#scheduler.deliver = (to, letter) => {
      this.#witness.letter(MAIN, to, letter);
      deliver(to, letter);
    };
        this.store =
      kept === undefined
        ? undefined
        : new SimStoreThread({
            ...parts,
            thread: storeThread(schedulers),
            memory: this.memory,
            owner: schedulers,
            mesh: this.#start.mesh,
            slots: this.slots,
            disk: kept.disk,
            doorbell: this,
            onFailed: () => (this.storeFailed = true),
          });
  }

  start(): void {
    const group = this.#scheduler.group({
      name: 'system',
      policy: { restart: 'permanent', shutdown: 5_000, kind: 'worker' },
      giveUp: 'escalate',
      intensity: { restarts: 3, periodMs: 60_000 },
      childrenMax: 16,
    });
    const opened = this.store?.open();
    for (const fault of opened?.faults ?? []) throw new Error(fault);
    this.foundClean = opened?.clean ?? true;
    if (opened !== undefined) this.topology = restoreTopology(opened.definitions, this.schedulers);
    const gate = this.store === undefined ? undefined : storeGate((letter) => this.#tellStore(letter));
    this.#scheduler.spawn(group, TOPOLOGY_ID, (context) => {
      this.#topologyActor = new TopologyActor(context, this.topology, this.slots, this.#topologyActor, gate);
      return this.#topologyActor;
    });
    this.#scheduler.spawn(group, KEEPER_ID, () => new KeeperActor(this));
    this.#scheduler.spawn(group, JANITOR_ID, () => new JanitorActor(this));
    if (this.topology.vhostCount === 0) this.#defineFirst(this.#topologyActor!);
    this.#scheduler.poke();
    const durable = [...this.queues()].filter((queue) => queue.durable);
    const damages = this.store?.start(durable.map(({ id, slot }) => ({ id, slot }))) ?? [];
    for (const damage of damages) throw new Error(damage);
    for (let thread = 1; thread <= this.schedulers; thread++) this.#startThread(thread);
  }

  #tellStore(letter: Letter): void {
    this.#scheduler.tell({ thread: storeThread(this.schedulers), id: STORE_ID, generation: 0 }, letter);
  }

  #defineFirst(actor: TopologyActor): void {
    const hashingAlgorithm = 'rabbit_password_hashing_sha256';
    const digest = (_algorithm: string, bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
    const hash = passwordHash({ digest }, hashingAlgorithm, Buffer.alloc(4), PASSWORD);
    actor.decideNow(
      { type: 'vhost.set', vhost: { name: VHOST, queueCountMax: UNLIMITED } },
      { type: 'user.set', user: { name: USER, passwordHash: hash, hashingAlgorithm, tags: [] } },
      { type: 'permission.set', permission: { user: USER, vhost: VHOST, configure: '.*', write: '.*', read: '.*' } },
    );
  }

  #startThread(thread: number): void {
    const each = new SimThread(thread, this.#clock, this.#random, this.#witness);
    const actor = this.#topologyActor!;
    const start = { ...this.#start, thread, snapshot: [...this.topology.snapshot()], version: this.topology.version, alarms: this.#alarms, ending: actor.endingQueues(thread) };
    actor.addReplica(thread);
    this.#live.add(thread);
    this.threads.set(thread, each);
    each.loop.soon(() => {
      const actors = each.boot(start, this);
      actors.scheduler.faults = this.#faults;
      actors.startQueues(start.ending);
      actors.tellKeeper(new Letter(KeeperLetter.listening));
      actors.scheduler.poke();
    });
  }

  /** A client connects; which thread accepts is the chooser's affair. */
  connect(): FakeTransport {
    const { accepted, connected } = this.#network.connect();
    const thread = this.threads.get(this.#random.between(1, this.schedulers))!;
    if (!thread.loop.alive || thread.actors === undefined) accepted.reset();
    else thread.dial(accepted);
    return connected;
  }

  /** The thread ends at once; the main thread hears of it in its own time. */
  endThread(thread: number): void {
    const each = this.threads.get(thread)!;
    if (!each.loop.alive) return;
    this.losses++;
    each.die();
    this.loop.soon(() => {
      this.#live.delete(thread);
      this.#replacement.lost(thread);
    });
  }

  // ---- its end

  get ended(): boolean {
    return !this.loop.alive;
  }

  /** Every thread runs, and none is being replaced. */
  get whole(): boolean {
    return this.#live.size === this.schedulers && [...this.threads.values()].every(({ loop }) => loop.alive);
  }

  /** Clients may connect. */
  get accepting(): boolean {
    return this.whole && [...this.threads.values()].every(({ actors }) => actors !== undefined);
  }

  /** kill -9. */
  kill(): void {
    for (const thread of this.threads.values()) thread.die();
    this.store?.loop.die();
    this.loop.die();
  }

  /** Stops in the order of the supervision tree; `ended` when it is over. Threads must not be lost meanwhile. */
  stop(): void {
    this.#emptying = new Set(this.#live);
    for (const thread of this.#live) this.tellReplica(thread, ReplicaLetter.shutdown, 0, 'shutdown');
  }

  #endThreads(): void {
    const left = new Set(this.#live);
    for (const number of this.#live) {
      const thread = this.threads.get(number)!;
      thread.loop.soon(() => {
        thread.actors!.scheduler.close();
        thread.die();
        this.loop.soon(() => left.delete(number) && left.size === 0 && this.#endStore());
      });
    }
  }

  #endStore(): void {
    this.#topologyActor!.stop();
    const { loop } = this.store!;
    loop.soon(() => {
      this.store!.end(true);
      this.loop.die();
    });
  }

  /** A Doorbell: whoever rings, the bell hangs at the thread's loop. */
  ring(to: number): void {
    if (to === MAIN) this.loop.ring();
    else if (to > this.schedulers) this.store?.loop.ring();
    else this.threads.get(to)?.loop.ring();
  }

  /** Queues as the main thread knows them. */
  *queues(): Iterable<QueueRecord> {
    for (const vhost of this.topology.vhosts()) yield* this.topology.queues(vhost.name);
  }

  // ---- the host of the replacement

  live(): Iterable<number> {
    return this.#live;
  }

  forgetThread(thread: number): void {
    this.#topologyActor!.dropReplica(thread);
    this.#scheduler.threadLost(thread);
  }

  endConnectionsOf(thread: number): void {
    this.#topologyActor!.connectionsLost(thread, nextConnection(this.#start.words, thread));
  }

  startReplacement(thread: number): void {
    this.#startThread(thread);
    // Bells may have been rung at the dead thread, or not been rung by it.
    for (let each = 0; each <= this.schedulers + 1; each++) this.ring(each);
  }

  tellReplica(to: number, type: number, a: number, body?: unknown): void {
    const letter = new Letter(type);
    letter.a = a;
    letter.body = body;
    letter.sender = { thread: MAIN, id: KEEPER_ID, generation: 0 };
    this.#scheduler.tell({ thread: to, id: REPLICA_ID, generation: 0 }, letter);
  }

  // ---- the keeper's host

  listening(thread: number): void {
    this.#replacement.listening(thread);
  }

  failed(thread: number, why: string): void {
    throw new Error(`thread ${thread} failed: ${why}`);
  }

  fenced(thread: number, lost: number): void {
    this.#replacement.fenced(thread, lost);
  }

  stopped(thread: number): void {
    if (this.#emptying?.delete(thread) === true && this.#emptying.size === 0) this.#endThreads();
  }

  // ---- the janitor's host

  memoryChanged(): void {}

  diskChanged(full: boolean): void {
    this.#alarms = full ? ['low on disk'] : [];
    for (const thread of this.#live) this.tellReplica(thread, ReplicaLetter.alarm, 0, this.#alarms);
  }

  log(): void {}

  described(): void {}

  // ---- the main scheduler's host

  nowMs(): number {
    return this.#clock.nowMs();
  }

  setTimer(delayMs: number, callback: () => void): object {
    return this.loop.setTimer(delayMs, callback);
  }

  clearTimer(timer: object): void {
    this.loop.clearTimer(timer);
  }

  soon(run: () => void): void {
    this.loop.soon(run);
  }

  undeliverable(to: ActorRef, letter: Letter): void {
    if (to.thread === MAIN && this.#scheduler.has(to.id)) this.#witness.lostLetter(MAIN, to, letter);
  }

  crashed(group: string, id: number, error: unknown): void {
    this.#witness.crashed(MAIN, group, id, error);
  }
}

export type SimParts = {
  readonly clock: SimClock;
  readonly random: SimRandom;
  readonly network: FakeNetwork;
  readonly witness: ThreadWitness;
  readonly faults: SimFaults;
  /** What a node that keeps messages has beside. */
  readonly kept?: { readonly disk: SimDisk; readonly memoryLimitBytes: number };
};

/** Memory of the layout of a real node's, with an arena of which only the beginning is there. */
function smallMemory(owners: number): SharedMemory {
  const bytes = owners * ARENA_BYTES;
  return { arenas: [new SharedArrayBuffer(bytes)], ...createTables(owners, bytes / REGION_BYTES) };
}
