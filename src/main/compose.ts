/**
 * A node, put together: shared memory and rings, and the parts that `actors/supervision-tree.ts` names below its root, each
 * started and stopped by `RootSupervision` in the tree's order. A thread that is lost is replaced: its connections are gone, its
 * queues come back with what shared memory holds.
 */
import { join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { KeeperActor, type KeeperHost } from '../../actors/keeper/keeper-actor.ts';
import { JanitorActor, type JanitorHost } from '../../actors/janitor/janitor-actor.ts';
import { ConnectionLetter } from '../../actors/messages/connection-messages.ts';
import { JANITOR_ID } from '../../actors/messages/janitor-messages.ts';
import { KEEPER_ID } from '../../actors/messages/keeper-messages.ts';
import { STORE_ID, storeThread } from '../../actors/messages/store-messages.ts';
import { REPLICA_ID, ReplicaLetter } from '../../actors/messages/replica-messages.ts';
import { TOPOLOGY_ID } from '../../actors/messages/topology-messages.ts';
import { type ActorRef, Letter } from '../../actors/runtime/letter.ts';
import { PortDoorbell } from '../../actors/runtime/ring/doorbell.ts';
import { MeshPort, createMesh } from '../../actors/runtime/ring/mesh.ts';
import { lookAtRings } from '../../actors/runtime/ring/ring-look.ts';
import { Scheduler, type SchedulerHost } from '../../actors/runtime/scheduler.ts';
import {
  connectionGroup,
  groupOptions,
  janitor,
  keeperGroup,
  soleOptions,
  supervisionTree,
  topologyGroup,
} from '../../actors/supervision-tree.ts';
import type { NodeSettings } from '../../actors/thread/thread-node.ts';
import { TopologyActor } from '../../actors/topology/topology-actor.ts';
import { systemClock } from '../../native-free-io/clock.ts';
import { createSharedMemory } from '../../native-free-io/memory/memory-layout.ts';
import { listen } from '../../native-free-io/socket/listener.ts';
import { MESSAGE_SIZE_MAX } from '../amqp/bounds.ts';
import { CONSUMER_TIMEOUT_CHECK_MS } from '../../actors/connection/delivery-watch.ts';
import { QUEUE_SLOTS_MAX, SLOT_WORDS, UNSETTLED_COUNT } from '../broker/queue/ledger-layout.ts';
import { Topology } from '../broker/topology/topology.ts';
import { durableQueues, firstObjects, restoreTopology, storeGate } from './stored-topology.ts';
import { Alarms } from './alarms.ts';
import { Acceptors, type AcceptorsHost } from './acceptors.ts';
import { type Fault, FaultSchedule } from './fault-schedule.ts';
import { ConnectionsEnd } from './connections-end.ts';
import { describeGroups } from './descriptions.ts';
import { placeOf } from './ledger-filling.ts';
import type { LiveTree, ThreadDescription } from './live-tree.ts';
import type { Logger } from './log.ts';
import type { NodeConfig, RunningNode } from './node.ts';
import { MainActor } from './main-actor.ts';
import { THREAD_WORDS, nextConnection } from './node-words.ts';
import { type NodeStats, type QueueOrder, lookAtQueues, nodeStats } from './node-stats.ts';
import { packageVersion } from './package-version.ts';
import { type ProfileMessage, Profiling, type ProfilingHost } from './profiling.ts';
import { type QueueRestart, restartQueue } from './queue-restart.ts';
import { ThreadQuestions } from './thread-questions.ts';
import { type NodePart, RootSupervision } from './root-supervision.ts';
import type { SchedulerTask, ThreadNotice } from './scheduler-thread.ts';
import { SchedulerThreads, type SchedulerThreadsHost } from './scheduler-threads.ts';
import { StorePart, type StorePartHost } from './store-part.ts';
import type { StoreDescription, StoreTask } from './store-thread.ts';
import { STORE_FILE } from './store-file.ts';
import { STORED_QUEUE_DAMAGED } from './stored-queue-damage.ts';

/** Bytes of one ring between two threads. */
const RING_BYTES = 1024 * 1024;
const MAIN_THREAD = 0;
/** How profiles name the other threads. */
const SCHEDULER = 'scheduler-';
const STORE = 'store';

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

class Node implements KeeperHost, JanitorHost, SchedulerHost, SchedulerThreadsHost, AcceptorsHost, StorePartHost, ProfilingHost, RunningNode {
  readonly host: string;
  readonly schedulers: number;
  port: number;
  readonly #config: NodeConfig;
  readonly #log: Logger;
  readonly #settings: NodeSettings;
  readonly #threadCount: number;
  readonly #scheduler: Scheduler;
  #topology = new Topology();
  readonly #slots: SharedArrayBuffer;
  readonly #words: SharedArrayBuffer;
  readonly #mesh: ReturnType<typeof createMesh>;
  readonly #memory: ReturnType<typeof createSharedMemory>;
  readonly #doorbell: PortDoorbell;
  readonly #store: StorePart;
  readonly #threads: SchedulerThreads;
  readonly #acceptors: Acceptors;
  readonly #gate = storeGate((letter) => {
    this.#scheduler.tell({ thread: storeThread(this.schedulers), id: STORE_ID, generation: 0 }, letter);
  });
  readonly #root: RootSupervision;
  readonly profiling = new Profiling(this);
  readonly #alarms: Alarms;
  #connectionsEnd = new ConnectionsEnd();
  readonly #questions = new ThreadQuestions((thread, type, request, body) => this.#tellThread(thread, type, request, body));
  #topologyActor: TopologyActor | undefined = undefined;
  #closeReason = 'shutdown';
  #closed: Promise<void> | undefined = undefined;

  constructor(config: NodeConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.host = config.host;
    this.port = config.port;
    this.schedulers = config.schedulers;
    this.#threadCount = config.schedulers + 2;
    this.#settings = {
      host: config.host,
      heartbeatSeconds: config.heartbeatSeconds,
      frameMax: config.frameMax,
      channelMax: config.channelMax,
      memoryLimitBytes: config.memoryLimitBytes,
      messageSizeMax: MESSAGE_SIZE_MAX,
      version: packageVersion(),
      handshakeTimeoutMs: config.handshakeTimeoutMs ?? 10_000,
      consumerTimeoutMs: config.consumerTimeoutMs,
      consumerTimeoutCheckMs: config.consumerTimeoutCheckMs ?? CONSUMER_TIMEOUT_CHECK_MS,
      ...(config.queueRestarts === undefined ? {} : { queueRestarts: config.queueRestarts }),
      ...(config.nodeRestarts === undefined ? {} : { nodeRestarts: config.nodeRestarts }),
    };
    this.#slots = new SharedArrayBuffer(QUEUE_SLOTS_MAX * SLOT_WORDS * 4);
    this.#words = new SharedArrayBuffer(this.#threadCount * THREAD_WORDS * 4);
    this.#memory = createSharedMemory(config.schedulers + 1, config.memoryLimitBytes);
    this.#mesh = createMesh(this.#threadCount, RING_BYTES);
    this.#doorbell = new PortDoorbell(new Array<undefined>(this.#threadCount).fill(undefined), () => this.#scheduler.poke());
    this.#scheduler = new Scheduler(MAIN_THREAD, this.#threadCount, this, new MeshPort(this.#mesh, MAIN_THREAD, this.#doorbell));
    this.#store = new StorePart(this, storeThread(config.schedulers), this.#doorbell, config.threadHeapMiB);
    this.#threads = new SchedulerThreads(this, config.schedulers, this.#doorbell, config);
    this.#acceptors = new Acceptors(this);
    this.#alarms = new Alarms(log, config.memoryLimitBytes, () => {
      for (const thread of this.#threads.live()) this.#tellThread(thread, ReplicaLetter.alarm, 0, this.#alarms.reasons);
    });
    this.#root = new RootSupervision(supervisionTree, this.#parts(), this, ({ text }) => this.#gaveUp(text));
  }

  /** What stands below the root of the tree, by the tree's names. */
  #parts(): Record<string, NodePart> {
    const exited = (id: string) => (text: string) => this.#root.exited(id, text);
    const topology = new MainActor(
      this.#scheduler,
      groupOptions(topologyGroup, this.#config.nodeRestarts),
      TOPOLOGY_ID,
      (context) => {
        this.#topologyActor = new TopologyActor(context, this.#topology, new Int32Array(this.#slots), this.#topologyActor, this.#gate);
        return this.#topologyActor;
      },
      exited('topology'),
    );
    const keeper = new MainActor(this.#scheduler, groupOptions(keeperGroup, this.#config.nodeRestarts), KEEPER_ID, () => new KeeperActor(this), exited('queues'));
    return {
      store: this.#store,
      topology: { start: () => this.#startTopology(topology), stop: () => topology.stop(), kill: () => topology.kill() },
      queues: {
        start: async () => {
          keeper.start();
          // Awake until it has looked once: only a thread that announced its sleep is rung for.
          this.#scheduler.poke();
          await this.#fillQueues();
          await this.#threads.start().catch((error: unknown) => {
            keeper.stop();
            throw error;
          });
        },
        stop: () => this.#threads.stop().then(() => keeper.stop()),
        kill: () => keeper.kill(),
      },
      // They are started by clients.
      connections: { start: () => {}, stop: () => this.#closeConnections(), kill: () => {} },
      listener: { start: () => this.#startListener(), stop: () => this.#acceptors.stop(), kill: () => {} },
      janitor: new MainActor(this.#scheduler, soleOptions(janitor), JANITOR_ID, () => new JanitorActor(this), exited('janitor')),
    };
  }

  get url(): string {
    const { vhost } = this.#config;
    const host = this.host.includes(':') ? `[${this.host}]` : this.host;
    return `amqp://${host}:${this.port}${vhost === '/' ? '' : `/${encodeURIComponent(vhost)}`}`;
  }

  start(): Promise<void> {
    return this.#root.start();
  }

  storeTask(): Omit<StoreTask, 'ports' | 'control' | 'thread' | 'threads'> {
    return {
      path: join(this.#config.dataDir, STORE_FILE),
      durability: this.#config.durability,
      diskFreeLimitBytes: this.#config.diskFreeLimitBytes,
      memory: this.#memory,
      owner: this.schedulers,
      mesh: this.#mesh,
      slots: this.#slots,
      ...(this.#config.nodeRestarts === undefined ? {} : { restarts: this.#config.nodeRestarts }),
    };
  }

  /** What was confirmed is on the device; what is to come cannot be. */
  storeFailed(text: string): void {
    this.#log.fatal({ reason: text }, 'the store has failed: the node stops, and the next start recovers what was confirmed');
    process.exitCode = 1;
    void this.close(text);
  }

  /** A queue that crashed for good, or was cut off with its thread, has not told the store what it had delivered. */
  allTold(): boolean {
    const words = new Int32Array(this.#slots);
    return !this.#threads.forced && durableQueues(this.#topology).every(({ slot }) => words[slot * SLOT_WORDS + UNSETTLED_COUNT] === 0);
  }

  bellOfStore(peer: number, port: MessagePort): void {
    this.#store.post({ type: 'replacePeer', peer, port }, [port]);
  }

  /** The topology outlives its actor; a new process reads it from the store. */
  #startTopology(actor: MainActor): void {
    if (this.#topology.version === 0) this.#topology = restoreTopology(this.#store.definitions, this.schedulers);
    actor.start();
    if (this.#topology.vhostCount === 0) this.#topologyActor!.decideNow(...firstObjects(this.#config));
  }

  /** Durable queues find their messages before they run. */
  async #fillQueues(): Promise<void> {
    const queues = durableQueues(this.#topology);
    for (const why of this.#store.faults) this.#log.error({ why }, 'the store is damaged');
    const damaged = await this.#store.fill(queues.map(placeOf));
    for (const { queue, why } of damaged) {
      const record = queues.find(({ id }) => id === queue);
      this.#log.error({ vhost: record?.vhost, queue: record?.name, reason: why }, STORED_QUEUE_DAMAGED);
    }
  }

  // ---- threads

  taskOf(thread: number): Omit<SchedulerTask, 'ports' | 'control'> {
    return {
      thread,
      threads: this.#threadCount,
      memory: this.#memory,
      mesh: this.#mesh,
      slots: this.#slots,
      words: this.#words,
      settings: this.#settings,
      snapshot: [...this.#topology.snapshot()],
      version: this.#topology.version,
      alarms: this.#alarms.reasons,
      ending: this.#topologyActor!.endingQueues(thread),
      storeThread: storeThread(this.schedulers),
    };
  }

  threadStarts(thread: number): void {
    this.#topologyActor!.addReplica(thread);
  }

  threadStands(thread: number): void {
    this.#acceptors.threadStands(thread);
  }

  threadLost(thread: number, error: unknown): void {
    this.#log.error({ thread, err: error }, 'a scheduler thread was lost and is replaced');
    this.#acceptors.threadLost(thread);
    this.stopped(thread);
    this.#questions.threadLost(thread);
  }

  noticed(thread: number, notice: ThreadNotice): void {
    if (notice.type === 'deaf') this.#acceptors.deaf(thread);
  }

  threadsGaveUp(text: string): void {
    this.#root.exited('queues', text);
  }

  forgetThread(thread: number): void {
    this.#topologyActor!.dropReplica(thread);
    this.#scheduler.threadLost(thread);
  }

  tellReplica(to: number, type: number, a: number): void {
    this.#tellThread(to, type, a, undefined);
  }

  /** Exclusive queues go with their connections, also when those went without a word. */
  endConnectionsOf(thread: number): void {
    this.#topologyActor!.connectionsLost(thread, nextConnection(this.#words, thread));
  }

  #tellThread(thread: number, type: number, a: number, body: unknown): void {
    const letter = new Letter(type);
    letter.a = a;
    letter.body = body;
    letter.sender = { thread: MAIN_THREAD, id: KEEPER_ID, generation: 0 };
    this.#scheduler.tell({ thread, id: REPLICA_ID, generation: 0 }, letter);
  }

  // ---- connections and acceptors

  standing(): readonly number[] {
    return this.#threads.standing();
  }

  listen(thread: number): void {
    this.#threads.post(thread, { type: 'listen', port: this.port, shared: this.schedulers > 1 });
  }

  deafen(thread: number): void {
    this.#threads.post(thread, { type: 'deafen' });
  }

  acceptorsGaveUp(text: string): void {
    this.#root.exited('listener', text);
  }

  /**
   * Threads that share a port would share it with the threads of another broker just as well; so the port is taken once for
   * this broker alone, to see that it is free.
   */
  async #startListener(): Promise<void> {
    if (this.port !== 0 && this.schedulers > 1) {
      const probe = await listen({ host: this.host, port: this.port, onSocket: (socket) => socket.destroy() });
      if (!probe.listening) throw errorOf(probe.code, probe.message);
      probe.close();
    }
    await this.#acceptors.start();
  }

  #closeConnections(): Promise<void> {
    this.#connectionsEnd = new ConnectionsEnd();
    const tell = (thread: number): void => this.#tellThread(thread, ReplicaLetter.shutdown, 0, this.#closeReason);
    return this.#connectionsEnd.run(this.#threads.live(), tell, this, Number(connectionGroup.member.shutdown));
  }

  // ---- the keeper's host

  listening(thread: number, port: number): void {
    this.port = port;
    this.#acceptors.listening(thread);
  }

  failed(thread: number, why: string): void {
    this.#acceptors.failed(thread, errorOf(why.slice(0, why.indexOf(':')), why));
  }

  fenced(thread: number, lost: number): void {
    this.#threads.fenced(thread, lost);
  }

  stopped(thread: number): void {
    this.#connectionsEnd.stopped(thread);
  }

  diskChanged(full: boolean): void {
    this.#alarms.disk(full);
  }

  memoryChanged(above: boolean): void {
    this.#alarms.memory(above);
  }

  log(level: number, fields: object, text: string): void {
    if (level === 0) this.#log.info(fields, text);
    else if (level === 1) this.#log.warn(fields, text);
    else this.#log.error(fields, text);
  }

  described(_thread: number, request: number, body: unknown): void {
    this.#questions.answered(request, body);
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
    if (thread === MAIN_THREAD && fault.type === 'plan') {
      this.#scheduler.faults = fault.plan === undefined ? undefined : new FaultSchedule(fault.plan);
      return;
    }
    if (thread === storeThread(this.schedulers)) this.#store.post({ type: 'fault', fault });
    else this.#tellThread(thread, ReplicaLetter.fault, 0, fault);
  }

  profiledThreads(): readonly string[] {
    return [...Array.from(this.#threads.live(), (thread) => `${SCHEDULER}${thread}`), STORE];
  }

  postProfile(thread: string, message: ProfileMessage): void {
    if (thread === STORE) this.#store.post(message, [message.reply]);
    else this.#threads.post(Number(thread.slice(SCHEDULER.length)), message, [message.reply]);
  }

  threadsLost(): number {
    return this.#threads.lost;
  }

  restartQueue(vhost: string, name: string): Promise<QueueRestart> {
    return restartQueue(this.#topology, this.#threads.standing(), this.#questions, vhost, name);
  }

  async liveTree(): Promise<LiveTree> {
    return this.#treeWith(await this.#store.describe());
  }

  async stats(order: QueueOrder, count: number): Promise<NodeStats> {
    const store = await this.#store.describe();
    const tree = await this.#treeWith(store);
    return nodeStats(tree, store, lookAtQueues(this.#topology, new Int32Array(this.#slots), order, count), {
      limitBytes: this.#config.memoryLimitBytes,
      alarms: this.#alarms.reasons,
      rings: lookAtRings(this.#mesh),
    });
  }

  async #treeWith(store: StoreDescription | undefined): Promise<LiveTree> {
    const threads = await Promise.all(this.#threads.standing().map((thread) => this.#questions.ask(thread, ReplicaLetter.describe)));
    return {
      root: this.#root.snapshot(),
      queues: this.#threads.snapshot(),
      listener: this.#acceptors.snapshot(),
      main: describeGroups(this.#scheduler.groups()),
      store: store?.groups ?? [],
      threads: threads.filter((thread): thread is ThreadDescription => thread !== undefined),
    };
  }

  #gaveUp(text: string): void {
    this.#log.fatal({ reason: text }, 'the node has crashed more often than it bears, and stops');
    process.exitCode = 1;
    void this.close(text);
  }

  close(reason: string): Promise<void> {
    return (this.#closed ??= this.#close(reason));
  }

  async #close(reason: string): Promise<void> {
    this.#closeReason = reason;
    await this.#root.stop();
    this.#scheduler.close();
    await this.#threads.close();
    await this.#store.close();
    this.#doorbell.close();
  }
}

function errorOf(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
