/**
 * The store's thread: the only one that opens the database. It reads what the last run left, fills the queues' ledgers in shared
 * memory with it, and then runs the one actor that writes. The pool runs this as one task for as long as the node lives.
 */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { JANITOR_ID, JANITOR_THREAD, JanitorLetter } from '../../actors/messages/janitor-messages.ts';
import { KEEPER_ID, KEEPER_THREAD, KeeperLetter } from '../../actors/messages/keeper-messages.ts';
import { STORE_ID } from '../../actors/messages/store-messages.ts';
import { type ActorRef, Letter } from '../../actors/runtime/letter.ts';
import { type DoorbellPorts, PortDoorbell } from '../../actors/runtime/ring/doorbell.ts';
import { type Mesh, MeshPort } from '../../actors/runtime/ring/mesh.ts';
import { Scheduler, type SchedulerHost } from '../../actors/runtime/scheduler.ts';
import type { RestartIntensity } from '../../actors/runtime/supervision/restart-window.ts';
import { StoreActor, type StoreHost } from '../../actors/store/store-actor.ts';
import { groupOptions, storeGroup } from '../../actors/supervision-tree.ts';
import { type ThreadUsage, threadUsage } from '../../native-free-io/thread-usage.ts';
import { systemClock } from '../../native-free-io/clock.ts';
import { BlockTable } from '../../native-free-io/memory/block-table.ts';
import type { SharedMemory } from '../../native-free-io/memory/memory-layout.ts';
import { DEFINITION_KEYS } from '../store/definition-key.ts';
import { type DiskEntry, DiskFullError } from '../store/port.ts';
import { Store } from '../store/store.ts';
import { type CommitCounts, MeasuredDisk } from './commit-meter.ts';
import { describeGroups } from './descriptions.ts';
import { type Fault, FaultSchedule, applyFault } from './fault-schedule.ts';
import { type QueuePlace, fillLedgers } from './ledger-filling.ts';
import type { GroupDescription } from './live-tree.ts';
import { MessageRecords } from './message-records.ts';
import { OwnProfile, type ProfileMessage } from './profiling.ts';
import { ThreadMemory } from './shared-memory.ts';
import { collectStartingGarbage } from './starting-garbage.ts';
import { StoreDisk } from './store-disk.ts';

/** How durable a commit is: on the device, or handed to the system (for comparisons with brokers that promise no more). */
export type Durability = 'flushed' | 'written';

export type StoreTask = {
  readonly thread: number;
  readonly threads: number;
  readonly path: string;
  readonly durability: Durability;
  /** Publishers are stopped while less is free on the device. */
  readonly diskFreeLimitBytes: number;
  readonly memory: SharedMemory;
  /** Owner of the memory that contents are read back into. */
  readonly owner: number;
  readonly mesh: Mesh;
  readonly slots: SharedArrayBuffer;
  readonly ports: DoorbellPorts;
  /** Crashes of the writer that are forgiven; the default of the tree when absent. */
  readonly restarts?: RestartIntensity;
  readonly control: MessagePort;
};

export type StoreControl =
  | { readonly type: 'fill'; readonly queues: readonly QueuePlace[] }
  | { readonly type: 'describe' }
  | { readonly type: 'fault'; readonly fault: Fault }
  | ProfileMessage
  | { readonly type: 'replacePeer'; readonly peer: number; readonly port: MessagePort }
  /** Commit what is there and end. `clean`: every queue has said what it had to say. */
  | { readonly type: 'end'; readonly clean: boolean };

export type StoreNotice =
  | { readonly type: 'opened'; readonly faults: readonly string[]; readonly definitions: readonly DiskEntry[] }
  | { readonly type: 'filled'; readonly damaged: readonly { readonly queue: number; readonly why: string }[] }
  | ({ readonly type: 'described' } & StoreDescription)
  | { readonly type: 'failed'; readonly text: string };

/** What the store tells of itself. */
export type StoreDescription = { readonly groups: readonly GroupDescription[]; readonly usage: ThreadUsage; readonly commits: CommitCounts };

/** How often the free room of the device is looked at, milliseconds. */
const DISK_CHECK_MS = 1_000;
/** Address space of the database; it grows past it by itself. */
const MAP_SIZE_BYTES = 64 * 1024 ** 3;

export async function runStoreThread(task: StoreTask): Promise<void> {
  await new StoreThread(task).run();
}

class StoreThread implements SchedulerHost, StoreHost {
  readonly #task: StoreTask;
  readonly #doorbell: PortDoorbell;
  readonly #scheduler: Scheduler;
  readonly #memory: ThreadMemory;
  readonly #disk: StoreDisk;
  readonly #measured: MeasuredDisk;
  readonly #store: Store;
  readonly #profile = new OwnProfile();
  #actor: StoreActor | undefined = undefined;
  #failed = false;
  #ending = false;
  #commitRefused = false;
  #belowLimit = false;
  #toldFull = false;
  #watch: object | undefined = undefined;
  #waitingRun: (() => void) | undefined = undefined;
  #leaveGarbage: () => void = () => {};

  constructor(task: StoreTask) {
    this.#task = task;
    this.#memory = new ThreadMemory(new BlockTable(task.memory), task.owner, new Int32Array(task.slots));
    this.#doorbell = new PortDoorbell(task.ports, () => this.#scheduler.poke());
    this.#scheduler = new Scheduler(task.thread, task.threads, this, new MeshPort(task.mesh, task.thread, this.#doorbell));
    this.#disk = StoreDisk.open({ path: task.path, durability: task.durability, mapSizeBytes: MAP_SIZE_BYTES });
    this.#measured = new MeasuredDisk(this.#disk, () => systemClock.nowMs());
    this.#store = new Store(this.#measured, new MessageRecords(this.#memory), crc32);
  }

  async run(): Promise<void> {
    const { control } = this.#task;
    const { faults } = this.#store.open();
    const definitions = [...this.#disk.entries(DEFINITION_KEYS.from, DEFINITION_KEYS.to)];
    const ended = Promise.withResolvers<boolean>();
    control.on('message', (message: StoreControl) => {
      switch (message.type) {
        case 'fill':
          return this.#start(message.queues);
        case 'describe':
          return this.#notice({ type: 'described', groups: describeGroups(this.#scheduler.groups()), usage: threadUsage(), commits: this.#measured.counts });
        case 'fault':
          return this.#fault(message.fault);
        case 'profile':
          return void this.#profile.answer(message);
        case 'replacePeer':
          return this.#doorbell.replacePeer(message.peer, message.port);
        case 'end':
          return ended.resolve(message.clean);
      }
    });
    this.#notice({ type: 'opened', faults: [...this.#disk.faults, ...faults], definitions });
    await ended.promise.then((isClean) => this.#end(isClean));
    control.close();
  }

  /** Before any queue runs: each finds what it held as if an incarnation before it had left it so. */
  #start(queues: readonly QueuePlace[]): void {
    fillLedgers(this.#memory, this.#store, queues);
    // The mark of the clean stop must be gone before anything is delivered.
    this.#commitMark();
    const group = this.#scheduler.group({
      ...groupOptions(storeGroup, this.#task.restarts),
      onEnded: ({ text }) => {
        if (text !== '') this.failed(new Error(`the store crashed too often: ${text}`));
      },
    });
    this.#scheduler.spawn(group, STORE_ID, (context) => {
      this.#actor = new StoreActor(context, this.#store, this, this.#actor);
      return this.#actor;
    });
    const damaged = queues.map(({ id }) => ({ queue: id, why: this.#store.damageOf(id) ?? '' })).filter(({ why }) => why !== '');
    this.#notice({ type: 'filled', damaged });
    if (this.#waitingRun === undefined) this.#scheduler.poke();
    else setImmediate(this.#waitingRun);
    this.#watchDisk();
    this.#leaveGarbage = collectStartingGarbage(systemClock);
  }

  /** A disk that is full here is full at the first commit of the actor, too, which waits for room. */
  #commitMark(): void {
    try {
      if (this.#store.waiting !== 'nothing') this.#store.commit();
    } catch (error) {
      if (!(error instanceof DiskFullError)) throw error;
    }
  }

  #end(isClean: boolean): void {
    this.#ending = true;
    this.#leaveGarbage();
    // What queues have handed over and nobody has read yet is in the rings.
    if (this.#watch !== undefined) systemClock.clearTimer(this.#watch);
    while (this.#scheduler.run());
    this.#scheduler.close();
    if (isClean && !this.#failed && !this.#store.unfinished) this.#store.markClean();
    this.#disk.close();
    this.#doorbell.close();
  }

  #fault(fault: Fault): void {
    if (fault.type !== 'plan') return applyFault(fault);
    this.#scheduler.faults = fault.plan === undefined ? undefined : new FaultSchedule(fault.plan);
  }

  #notice(notice: StoreNotice): void {
    this.#task.control.postMessage(notice);
  }

  // ---- the store actor's host

  get pool(): Scheduler['pool'] {
    return this.#scheduler.pool;
  }

  diskFull(full: boolean): void {
    this.#commitRefused = full;
    this.#tellDisk();
  }

  /** RabbitMQ's disk alarm: too little is free, whether or not anything was refused. */
  #watchDisk(): void {
    const { bavail, bsize } = statfsSync(dirname(this.#task.path));
    this.#belowLimit = bavail * bsize < this.#task.diskFreeLimitBytes;
    this.#tellDisk();
    this.#tidy();
    this.#watch = systemClock.setTimer(DISK_CHECK_MS, () => this.#watchDisk());
  }

  #tidy(): void {
    if (this.#failed) return;
    try {
      this.#disk.idle();
    } catch (error) {
      this.failed(error);
    }
  }

  #tellDisk(): void {
    const full = this.#commitRefused || this.#belowLimit;
    if (full === this.#toldFull) return;
    this.#toldFull = full;
    const letter = new Letter(JanitorLetter.disk);
    letter.a = full ? 1 : 0;
    letter.sender = this.#self;
    this.#scheduler.tell({ thread: JANITOR_THREAD, id: JANITOR_ID, generation: 0 }, letter);
  }

  get #self(): ActorRef {
    return { thread: this.#task.thread, id: STORE_ID, generation: 0 };
  }

  failed(error: unknown): void {
    this.#failed = true;
    this.#notice({ type: 'failed', text: error instanceof Error ? error.message : String(error) });
  }

  flushReleases(): void {
    this.#memory.table.flushReleases();
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

  /** Letters that come before the actor stands wait in the rings. */
  soon(run: () => void): void {
    if (this.#actor === undefined) this.#waitingRun = run;
    else setImmediate(run);
  }

  /**
   * Only of a letter that has crashed the writer again and again is there anything to lose: what queues handed over with it would be
   * missing, and positions after it would say that it is there. Nothing can be confirmed any more.
   */
  undeliverable(_to: ActorRef, letter: Letter): void {
    if (this.#ending || this.#failed || !this.#scheduler.has(STORE_ID)) return;
    this.#actor?.giveUp();
    this.failed(new Error(`the store has crashed over one letter again and again (type 0x${letter.type.toString(16)})`));
  }

  crashed(_group: string, _id: number, error: unknown): void {
    const letter = new Letter(KeeperLetter.log);
    letter.a = 2;
    letter.body = { fields: { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }, text: 'the store crashed' };
    letter.sender = this.#self;
    this.#scheduler.tell({ thread: KEEPER_THREAD, id: KEEPER_ID, generation: 0 }, letter);
  }
}
