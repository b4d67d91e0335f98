/**
 * A node, put together: shared memory and rings, the main thread's actors, and the scheduler threads on piscina's pool. A
 * thread that is lost is replaced: its connections are gone, its queues come back with what shared memory holds.
 */
import { createHash, randomBytes } from 'node:crypto';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { KeeperActor, type KeeperHost } from '../../actors/keeper/keeper-actor.ts';
import { ConnectionLetter } from '../../actors/messages/connection-messages.ts';
import { KEEPER_ID } from '../../actors/messages/keeper-messages.ts';
import { REPLICA_ID, ReplicaLetter } from '../../actors/messages/replica-messages.ts';
import { TOPOLOGY_ID } from '../../actors/messages/topology-messages.ts';
import { type ActorRef, Letter } from '../../actors/runtime/letter.ts';
import { PortDoorbell, createDoorbellPorts, createReplacementPorts } from '../../actors/runtime/ring/doorbell.ts';
import { MeshPort, createMesh } from '../../actors/runtime/ring/mesh.ts';
import { Scheduler, type SchedulerHost } from '../../actors/runtime/scheduler.ts';
import { RestartWindow } from '../../actors/runtime/supervision/restart-window.ts';
import type { NodeSettings } from '../../actors/thread/thread-node.ts';
import { TopologyActor } from '../../actors/topology/topology-actor.ts';
import { systemClock } from '../../native-free-io/clock.ts';
import { siblingModule } from '../../native-free-io/file/sibling-module.ts';
import { createSharedMemory } from '../../native-free-io/memory/memory-layout.ts';
import { MESSAGE_SIZE_MAX } from '../amqp/bounds.ts';
import { threadOfConnection } from '../../actors/connection/connection-id.ts';
import { QUEUE_SLOTS_MAX, SLOT_WORDS } from '../broker/queue/ledger-layout.ts';
import { Topology } from '../broker/topology/topology.ts';
import type { TopologyCommand } from '../broker/topology/topology-command.ts';
import { NO_OWNER, UNLIMITED } from '../broker/topology/topology-records.ts';
import { passwordHash } from '../broker/user.ts';
import type { Fault } from './fault-schedule.ts';
import type { Logger } from './log.ts';
import { THREAD_WORDS } from './node-words.ts';
import { packageVersion } from './package-version.ts';
import type { ControlMessage, SchedulerTask } from './scheduler-thread.ts';
import { type ReplacementHost, ThreadReplacement } from './thread-replacement.ts';

/** What a node is started with; every field is decided, nothing is optional here but what tests turn. */
export type NodeConfig = {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  dataDir: string;
  schedulers: number;
  logLevel: string;
  memoryLimitBytes: number;
  users: readonly { name: string; password: string; tags: readonly string[] }[];
  vhost: string;
  heartbeatSeconds: number;
  frameMax: number;
  channelMax: number;
  handshakeTimeoutMs?: number;
  queueRestarts?: { restarts: number; periodMs: number };
};

export type RunningNode = {
  host: string;
  port: number;
  url: string;
  schedulers: number;
  close(reason: string): Promise<void>;
  liveTree(): Promise<unknown>;
  /** Orders a fault on a scheduler thread, counted from 1. For tests. */
  fault(thread: number, fault: Fault): void;
  /** Threads that were lost and replaced so far. */
  threadsLost(): number;
};

/** Bytes of one ring between two threads. */
const RING_BYTES = 1024 * 1024;
/** Connections get this long to close in order when the node stops, milliseconds. */
const CLOSE_TIMEOUT_MS = 5_000;
/** Threads that may be lost within a period before the node gives up: then the fault is not in one thread. */
const THREAD_LOSSES = { restarts: 250, periodMs: 60_000 };
const MAIN_THREAD = 0;

/** Starts everything and resolves when the node accepts connections. Rejects when it cannot. */
export async function startNode(config: NodeConfig, log: Logger): Promise<RunningNode> {
  const node = new Node(config, log);
  try {
    await node.start();
  } catch (error) {
    await node.close('start failed');
    throw error;
  }
  return node;
}

class Node implements KeeperHost, SchedulerHost, ReplacementHost, RunningNode {
  readonly host: string;
  readonly schedulers: number;
  port: number;
  readonly #config: NodeConfig;
  readonly #log: Logger;
  readonly #settings: NodeSettings;
  readonly #threads: number;
  readonly #scheduler: Scheduler;
  readonly #topology = new Topology();
  readonly #slots: SharedArrayBuffer;
  readonly #words: SharedArrayBuffer;
  readonly #mesh: ReturnType<typeof createMesh>;
  readonly #memory: ReturnType<typeof createSharedMemory>;
  readonly #doorbell: PortDoorbell;
  readonly #ports: ReturnType<typeof createDoorbellPorts>;
  readonly #pool: Piscina;
  readonly #controls = new Map<number, MessagePort>();
  readonly #live = new Set<number>();
  readonly #awaited = new Map<string, { resolve(): void; reject(error: Error): void }>();
  readonly #described = new Map<number, (body: unknown) => void>();
  readonly #losses = new RestartWindow(THREAD_LOSSES);
  readonly #replacement = new ThreadReplacement(this);
  #topologyActor: TopologyActor | undefined = undefined;
  #alarms: readonly string[] = [];
  #closing = false;
  #lost = 0;
  #requests = 0;

  constructor(config: NodeConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.host = config.host;
    this.port = config.port;
    this.schedulers = config.schedulers;
    this.#threads = config.schedulers + 1;
    this.#settings = {
      host: config.host,
      heartbeatSeconds: config.heartbeatSeconds,
      frameMax: config.frameMax,
      channelMax: config.channelMax,
      memoryLimitBytes: config.memoryLimitBytes,
      messageSizeMax: MESSAGE_SIZE_MAX,
      version: packageVersion(),
      handshakeTimeoutMs: config.handshakeTimeoutMs ?? 10_000,
      ...(config.queueRestarts === undefined ? {} : { queueRestarts: config.queueRestarts }),
    };
    this.#slots = new SharedArrayBuffer(QUEUE_SLOTS_MAX * SLOT_WORDS * 4);
    this.#words = new SharedArrayBuffer(this.#threads * THREAD_WORDS * 4);
    this.#memory = createSharedMemory(config.schedulers, config.memoryLimitBytes);
    this.#mesh = createMesh(this.#threads, RING_BYTES);
    this.#ports = createDoorbellPorts(this.#threads);
    this.#doorbell = new PortDoorbell(this.#ports[MAIN_THREAD]!, () => this.#scheduler.poke());
    this.#scheduler = new Scheduler(MAIN_THREAD, this.#threads, this, new MeshPort(this.#mesh, MAIN_THREAD, this.#doorbell));
    this.#pool = new Piscina({
      filename: siblingModule(import.meta.url, './scheduler-thread').href,
      name: 'runSchedulerThread',
      minThreads: config.schedulers,
      maxThreads: config.schedulers,
      concurrentTasksPerWorker: 1,
      atomics: 'disabled',
      idleTimeout: Infinity,
    });
  }

  get url(): string {
    const { vhost } = this.#config;
    const host = this.host.includes(':') ? `[${this.host}]` : this.host;
    return `amqp://${host}:${this.port}${vhost === '/' ? '' : `/${encodeURIComponent(vhost)}`}`;
  }

  async start(): Promise<void> {
    this.#startMainActors();
    this.#createFirstObjects();
    // Awake until it has looked once: only a thread that announced its sleep is rung for.
    this.#scheduler.poke();
    // The first thread finds the port when the system is to choose one; the others share it.
    const first = this.#config.port === 0 ? 1 : this.schedulers;
    for (let thread = 1; thread <= first; thread++) this.#startThread(thread, this.#ports[thread]!);
    await Promise.all(Array.from({ length: first }, (_, index) => this.#await(`listening ${index + 1}`)));
    for (let thread = first + 1; thread <= this.schedulers; thread++) this.#startThread(thread, this.#ports[thread]!);
    await Promise.all(
      Array.from({ length: this.schedulers - first }, (_, index) => this.#await(`listening ${first + index + 1}`)),
    );
  }

  #startMainActors(): void {
    const group = this.#scheduler.group({
      name: 'system',
      policy: { restart: 'permanent', shutdown: 5_000, kind: 'worker' },
      giveUp: 'escalate',
      intensity: { restarts: 3, periodMs: 60_000 },
      childrenMax: 16,
      onEnded: (reason) => {
        if (!this.#closing) throw new Error(`the main actors gave up: ${reason.text}`);
      },
    });
    this.#scheduler.spawn(group, TOPOLOGY_ID, (context) => {
      const actor = new TopologyActor(context, this.#topology, new Int32Array(this.#slots), this.#topologyActor);
      this.#topologyActor = actor;
      return actor;
    });
    this.#scheduler.spawn(group, KEEPER_ID, () => new KeeperActor(this));
  }

  #createFirstObjects(): void {
    const { vhost, users } = this.#config;
    this.#decide({ type: 'vhost.set', vhost: { name: vhost, queueCountMax: UNLIMITED } });
    const digest = (algorithm: string, bytes: Uint8Array): Uint8Array =>
      createHash(algorithm.replace('rabbit_password_hashing_', '')).update(bytes).digest();
    for (const { name, password, tags } of users) {
      const hashingAlgorithm = 'rabbit_password_hashing_sha256';
      const hash = passwordHash({ digest }, hashingAlgorithm, randomBytes(4), password);
      this.#decide({ type: 'user.set', user: { name, passwordHash: hash, hashingAlgorithm, tags } });
      this.#decide({ type: 'permission.set', permission: { user: name, vhost, configure: '.*', write: '.*', read: '.*' } });
    }
  }

  #decide(command: TopologyCommand): void {
    this.#topologyActor!.decideNow(command);
  }

  // ---- threads

  #startThread(thread: number, ports: readonly (MessagePort | undefined)[]): void {
    const { port1, port2 } = new MessageChannel();
    this.#controls.set(thread, port1);
    port1.unref();
    const task: SchedulerTask = {
      thread,
      threads: this.#threads,
      memory: this.#memory,
      mesh: this.#mesh,
      slots: this.#slots,
      words: this.#words,
      ports,
      control: port2,
      settings: this.#settings,
      port: this.port,
      snapshot: [...this.#topology.snapshot()],
      version: this.#topology.version,
      alarms: this.#alarms,
      ending: this.#topologyActor!.endingQueues(thread),
    };
    this.#topologyActor!.addReplica(thread);
    this.#live.add(thread);
    const transferList = [port2, ...ports.filter((port) => port !== undefined)];
    this.#pool.run(task, { transferList: transferList as MessagePort[] }).then(
      () => {
        this.#live.delete(thread);
        if (!this.#closing) this.#lostThread(thread, new Error('the thread ended by itself'));
      },
      (error: unknown) => {
        this.#live.delete(thread);
        if (!this.#closing) this.#lostThread(thread, error);
      },
    );
  }

  #lostThread(thread: number, error: unknown): void {
    this.#lost++;
    this.#log.error({ thread, err: error }, 'a scheduler thread was lost and is replaced');
    this.#controls.get(thread)?.close();
    this.#rejectAwaited(thread, error);
    if (this.#losses.admit(systemClock.nowMs())) return this.#replacement.lost(thread);
    this.#log.fatal({ thread }, 'too many scheduler threads were lost, the node stops');
    process.exitCode = 1;
    void this.close('too many threads were lost');
  }

  // ---- the host of the replacement

  live(): Iterable<number> {
    return this.#live;
  }

  forgetThread(thread: number): void {
    this.#topologyActor!.dropReplica(thread);
    this.#scheduler.threadLost(thread);
  }

  startReplacement(thread: number): void {
    if (this.#closing) return;
    const { own, peers } = createReplacementPorts(this.#threads, thread);
    this.#doorbell.replacePeer(thread, peers[MAIN_THREAD]!);
    for (const other of this.#live) {
      const port = peers[other]!;
      this.#controls.get(other)?.postMessage({ type: 'replacePeer', peer: thread, port } satisfies ControlMessage, [port]);
    }
    this.#startThread(thread, own);
  }

  tellReplica(to: number, type: number, a: number): void {
    this.#tellThread(to, type, a, undefined);
  }

  /** Exclusive queues go with their connections, also when those went without a word. */
  endConnectionsOf(thread: number): void {
    const owners = new Set<number>();
    for (const vhost of this.#topology.vhosts()) {
      for (const queue of this.#topology.queues(vhost.name)) {
        const owner = queue.exclusiveOwner;
        if (owner !== NO_OWNER && threadOfConnection(owner) === thread) owners.add(owner);
      }
    }
    for (const connection of owners) this.#decide({ type: 'connection.end', connection });
  }

  #tellThread(thread: number, type: number, a: number, body: unknown): void {
    const letter = new Letter(type);
    letter.a = a;
    letter.body = body;
    letter.sender = { thread: MAIN_THREAD, id: KEEPER_ID, generation: 0 };
    this.#scheduler.tell({ thread, id: REPLICA_ID, generation: 0 }, letter);
  }

  #await(key: string): Promise<void> {
    return new Promise((resolve, reject) => this.#awaited.set(key, { resolve, reject }));
  }

  #settleAwaited(key: string): void {
    this.#awaited.get(key)?.resolve();
    this.#awaited.delete(key);
  }

  #rejectAwaited(thread: number, error: unknown): void {
    for (const key of [`listening ${thread}`, `stopped ${thread}`]) {
      this.#awaited.get(key)?.reject(error instanceof Error ? error : new Error(String(error)));
      this.#awaited.delete(key);
    }
  }

  // ---- the keeper's host

  listening(thread: number, port: number): void {
    this.port = port;
    this.#settleAwaited(`listening ${thread}`);
    this.#replacement.listening(thread);
  }

  failed(thread: number, why: string): void {
    const error = new Error(why) as NodeJS.ErrnoException;
    error.code = why.slice(0, why.indexOf(':'));
    this.#rejectAwaited(thread, error);
  }

  fenced(thread: number, lost: number): void {
    this.#replacement.fenced(thread, lost);
  }

  stopped(thread: number): void {
    this.#settleAwaited(`stopped ${thread}`);
  }

  memoryChanged(above: boolean): void {
    const alarms = above ? ['low on memory'] : [];
    if (alarms.length === this.#alarms.length) return;
    this.#alarms = alarms;
    if (above) this.#log.warn({ limitBytes: this.#config.memoryLimitBytes }, 'memory high watermark set: publishers are blocked');
    else this.#log.warn('memory high watermark cleared: publishers go on');
    for (const thread of this.#live) this.#tellThread(thread, ReplicaLetter.alarm, 0, alarms);
  }

  log(level: number, fields: object, text: string): void {
    if (level === 0) this.#log.info(fields, text);
    else if (level === 1) this.#log.warn(fields, text);
    else this.#log.error(fields, text);
  }

  described(_thread: number, request: number, body: unknown): void {
    this.#described.get(request)?.(body);
    this.#described.delete(request);
  }

  // ---- the main scheduler's host

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
    setImmediate(run);
  }

  undeliverable(_to: ActorRef, letter: Letter): void {
    if (letter.type === ConnectionLetter.outcome) return;
    this.#log.debug({ type: letter.type }, 'a letter on the main thread had no receiver');
  }

  crashed(group: string, id: number, error: unknown): void {
    this.#log.error({ group, id, err: error }, 'an actor of the main thread crashed');
  }

  // ---- for those who hold the node

  fault(thread: number, fault: Fault): void {
    this.#tellThread(thread, ReplicaLetter.fault, 0, fault);
  }

  threadsLost(): number {
    return this.#lost;
  }

  async liveTree(): Promise<unknown> {
    const threads = await Promise.all(
      [...this.#live].map(
        (thread) =>
          new Promise<unknown>((resolve) => {
            const request = ++this.#requests;
            this.#described.set(request, resolve);
            this.#tellThread(thread, ReplicaLetter.describe, request, undefined);
          }),
      ),
    );
    const main = [...this.#scheduler.groups()].map((group) => ({ name: group.name, ...group.snapshot() }));
    return { main, threads };
  }

  async close(reason: string): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    const stopped = [...this.#live].map((thread) => this.#await(`stopped ${thread}`));
    for (const thread of this.#live) this.#tellThread(thread, ReplicaLetter.shutdown, 0, reason);
    let timer: object | undefined;
    const timeout = new Promise<void>((resolve) => (timer = systemClock.setTimer(CLOSE_TIMEOUT_MS, resolve)));
    await Promise.race([Promise.allSettled(stopped), timeout]);
    if (timer !== undefined) systemClock.clearTimer(timer);
    for (const control of this.#controls.values()) control.postMessage({ type: 'end' } satisfies ControlMessage);
    this.#scheduler.close();
    await this.#pool.destroy();
    for (const control of this.#controls.values()) control.close();
    this.#doorbell.close();
  }
}
