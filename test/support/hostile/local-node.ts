/**
 * A whole node in one thread, without sockets: the real actors of the main thread and of one scheduler thread over the real
 * rings and memory. Time stands still, and everything happens inside `settle`, so that a seed replays a run.
 */
import { createHash } from 'node:crypto';
import { KeeperActor, type KeeperHost } from '../../../actors/keeper/keeper-actor.ts';
import { KEEPER_ID } from '../../../actors/messages/keeper-messages.ts';
import { TOPOLOGY_ID } from '../../../actors/messages/topology-messages.ts';
import { MeshPort, createMesh } from '../../../actors/runtime/ring/mesh.ts';
import { Scheduler, type SchedulerHost } from '../../../actors/runtime/scheduler.ts';
import type { NodeSettings } from '../../../actors/thread/thread-node.ts';
import { TopologyActor } from '../../../actors/topology/topology-actor.ts';
import { gaugeOf,
  BLOCK_BYTES,
  BLOCK_WORDS,
  LEASES,
  OPEN_BIAS,
  OPEN_BLOCK,
  OPEN_GRANTED,
  createSharedMemory,
} from '../../../native-free-io/memory/memory-layout.ts';
import { BlockPool } from '../../../native-free-io/socket/block-pool.ts';
import { QUEUE_SLOTS_MAX, SLOT_WORDS } from '../../../src/broker/queue/ledger-layout.ts';
import { Topology } from '../../../src/broker/topology/topology.ts';
import type { TopologyCommand } from '../../../src/broker/topology/topology-command.ts';
import { NO_OWNER, UNLIMITED } from '../../../src/broker/topology/topology-records.ts';
import { passwordHash } from '../../../src/broker/user.ts';
import { THREAD_WORDS } from '../../../src/main/node-words.ts';
import { ThreadActors, type ThreadHost } from '../../../src/main/thread-actors.ts';
import { LocalTransport } from './local-transport.ts';
import { Random } from './random.ts';
import { VirtualClock } from './virtual-clock.ts';

const THREADS = 2;
const RING_BYTES = 1024 * 1024;
/** More events than this without an end is a loop. */
const STEPS_MAX = 1_000_000;

export type LocalOptions = { readonly memoryLimitBytes?: number; readonly seed?: number; readonly messageSizeMax?: number };

export class LocalNode implements KeeperHost {
  readonly clock = new VirtualClock();
  readonly topology = new Topology();
  /** Exceptions that reached a scheduler. */
  readonly crashes: string[] = [];
  /** Warnings and errors of the log. */
  readonly complaints: string[] = [];
  readonly actors: ThreadActors;
  readonly pool = new BlockPool();
  readonly #random: Random;
  readonly #main: Scheduler;
  readonly #soon: (() => void)[] = [];
  readonly #topologyActor: { current: TopologyActor | undefined } = { current: undefined };
  #transports: LocalTransport[] = [];

  constructor({ memoryLimitBytes = 512 * 1024 * 1024, seed = 1, messageSizeMax = 134_217_728 }: LocalOptions = {}) {
    this.#random = new Random(seed);
    const settings: NodeSettings = {
      host: '127.0.0.1',
      heartbeatSeconds: 0,
      frameMax: 131_072,
      channelMax: 2047,
      memoryLimitBytes,
      messageSizeMax,
      version: '0.0.0',
      handshakeTimeoutMs: 10_000,
      consumerTimeoutMs: 1_800_000,
      consumerTimeoutCheckMs: 60_000,
    };
    const mesh = createMesh(THREADS, RING_BYTES);
    const slots = new SharedArrayBuffer(QUEUE_SLOTS_MAX * SLOT_WORDS * 4);
    const base = {
      nowMs: () => this.clock.nowMs(),
      setTimer: (delayMs: number, callback: () => void) => this.clock.setTimer(delayMs, callback),
      clearTimer: (timer: object) => this.clock.clearTimer(timer),
      soon: (run: () => void) => void this.#soon.push(run),
    };
    const mainHost: SchedulerHost = {
      ...base,
      undeliverable: () => {},
      crashed: (group, id, error) => this.#crashed(group, id, error),
    };
    const ring = { ring: (to: number) => (to === 0 ? this.#main : this.actors.scheduler).poke() };
    this.#main = new Scheduler(0, THREADS, mainHost, new MeshPort(mesh, 0, ring));
    const system = this.#main.group({
      name: 'system',
      policy: { restart: 'permanent', shutdown: 5_000, kind: 'worker' },
      giveUp: 'escalate',
      intensity: { restarts: 3, periodMs: 60_000 },
      childrenMax: 16,
    });
    this.#main.spawn(system, TOPOLOGY_ID, (context) => {
      return (this.#topologyActor.current = new TopologyActor(context, this.topology, new Int32Array(slots), this.#topologyActor.current));
    });
    this.#main.spawn(system, KEEPER_ID, () => new KeeperActor(this));
    this.#createFirstObjects();
    const threadHost: ThreadHost = {
      ...base,
      randomBytes: (size) => this.#random.bytes(size),
      digest: (algorithm, bytes) => createHash(algorithm).update(bytes).digest(),
      closeListener: () => {},
      applyFault: () => {},
      residentBytes: () => 0,
      usage: () => ({ activeMs: 0, idleMs: 0, heapUsedBytes: 0, heapLimitBytes: 0 }),
    };
    this.actors = new ThreadActors(
      {
        thread: 1,
        threads: THREADS,
        memory: createSharedMemory(1, memoryLimitBytes),
        mesh,
        slots,
        words: new SharedArrayBuffer(THREADS * THREAD_WORDS * 4),
        settings,
        snapshot: [...this.topology.snapshot()],
        version: this.topology.version,
        alarms: [],
      },
      ring,
      threadHost,
    );
    this.#topologyActor.current!.addReplica(1);
    const { crashed } = this.actors;
    this.actors.crashed = (group, id, error) => {
      this.#crashed(group, id, error);
      crashed.call(this.actors, group, id, error);
    };
    this.#main.poke();
    this.actors.scheduler.poke();
    this.settle();
  }

  #createFirstObjects(): void {
    const digest = (_algorithm: string, bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
    const hashingAlgorithm = 'rabbit_password_hashing_sha256';
    const hash = passwordHash({ digest }, hashingAlgorithm, this.#random.bytes(4), 'guest');
    this.decide({ type: 'vhost.set', vhost: { name: '/', queueCountMax: UNLIMITED } });
    this.decide({ type: 'user.set', user: { name: 'guest', passwordHash: hash, hashingAlgorithm, tags: ['administrator'] } });
    this.decide({ type: 'permission.set', permission: { user: 'guest', vhost: '/', configure: '.*', write: '.*', read: '.*' } });
  }

  #crashed(group: string, id: number, error: unknown): void {
    this.crashes.push(`${group} ${id}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }

  decide(command: TopologyCommand): void {
    this.#topologyActor.current!.decideNow(command);
    this.#main?.poke();
  }

  connect(): LocalTransport {
    const transport = new LocalTransport(this.pool);
    if (this.actors.accept(() => transport)) this.#transports.push(transport);
    return transport;
  }

  /** Runs until nothing is left to do but to wait for time to pass. */
  settle(): void {
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      const runs = this.#soon.splice(0);
      for (const run of runs) run();
      let moved = runs.length > 0;
      for (const transport of this.#transports) if (transport.step()) moved = true;
      if (!moved) return;
    }
    throw new Error(`the node is still busy after ${STEPS_MAX} steps`);
  }

  advance(byMs: number): void {
    this.clock.advance(byMs, () => this.settle());
    this.settle();
  }

  /** Forgets connections that are over. Answers how many are not. */
  sweep(): number {
    this.#transports = this.#transports.filter((transport) => transport.closed === undefined);
    return this.#transports.length;
  }

  /** Deletes every queue and every exchange of clients; what is left in memory then is a leak. */
  clear(): void {
    const who = { user: 'guest', vhost: '/', connection: NO_OWNER };
    for (const { name } of [...this.topology.queues('/')]) {
      this.decide({ type: 'queue.delete', who, queue: name, ifUnused: false, ifEmpty: false, facts: undefined });
    }
    for (const { name } of [...this.topology.exchanges('/')]) {
      if (name !== '' && !name.startsWith('amq.')) this.decide({ type: 'exchange.delete', who, exchange: name, ifUnused: false });
    }
    this.settle();
  }

  get usedBytes(): number {
    return this.actors.messages.table.usedBytes();
  }

  /** Leases that somebody holds, and blocks taken besides the one that is being filled: 0 and 0 when nothing leaks. */
  get held(): { readonly blocks: number; readonly leasesInOpenBlock: number } {
    const { table } = this.actors.messages;
    table.flushReleases();
    const open = table.gauges[gaugeOf(0) + OPEN_BLOCK]! - 1;
    if (open < 0) return { blocks: table.usedBytes() / BLOCK_BYTES, leasesInOpenBlock: 0 };
    const ended = OPEN_BIAS - table.blocks[open * BLOCK_WORDS + LEASES]!;
    return { blocks: table.usedBytes() / BLOCK_BYTES - 1, leasesInOpenBlock: table.gauges[gaugeOf(0) + OPEN_GRANTED]! - ended };
  }

  // ---- the keeper's host

  listening(): void {}
  failed(): void {}
  fenced(): void {}
  stopped(): void {}
  memoryChanged(): void {}
  described(): void {}

  log(level: number, fields: object, text: string): void {
    if (level > 0) this.complaints.push(`${text} ${JSON.stringify(fields)}`);
  }
}
