/**
 * The store's thread, virtual: the store and its actor over a disk of the simulation. A commit keeps the thread busy for a while;
 * what it says to other threads is heard only when that is over.
 */
import { crc32 } from 'node:zlib';
import { JANITOR_ID, JANITOR_THREAD, JanitorLetter } from '../../../actors/messages/janitor-messages.ts';
import { STORE_ID } from '../../../actors/messages/store-messages.ts';
import { type ActorRef, Letter } from '../../../actors/runtime/letter.ts';
import type { Doorbell } from '../../../actors/runtime/ring/doorbell.ts';
import { type Mesh, MeshPort } from '../../../actors/runtime/ring/mesh.ts';
import { Scheduler, type SchedulerHost } from '../../../actors/runtime/scheduler.ts';
import { StoreActor, type StoreHost } from '../../../actors/store/store-actor.ts';
import { groupOptions, storeGroup } from '../../../actors/supervision-tree.ts';
import { BlockTable } from '../../../native-free-io/memory/block-table.ts';
import type { SharedMemory } from '../../../native-free-io/memory/memory-layout.ts';
import { type QueuePlace, fillLedgers } from '../../../src/main/ledger-filling.ts';
import { MessageRecords } from '../../../src/main/message-records.ts';
import { ThreadMemory } from '../../../src/main/shared-memory.ts';
import { DEFINITION_KEYS } from '../../../src/store/definition-key.ts';
import { JournaledDisk } from '../../../src/store/journal/journaled-disk.ts';
import { type DiskEntry, DiskFullError } from '../../../src/store/port.ts';
import { Store } from '../../../src/store/store.ts';
import { EventLoop } from './event-loop.ts';
import type { SimClock } from './sim-clock.ts';
import { type SimDisk, ProcessEnd } from './sim-disk.ts';
import type { SimFaults } from './sim-faults.ts';
import type { SimRandom } from './sim-random.ts';
import type { ThreadWitness } from './sim-thread.ts';

/** Choices that the longest commit lasts. */
const COMMIT_STEPS_MAX = 80;
/** Of so many commits, one has nothing behind it for a while: what is in the journal goes into the database. */
const COMMITS_AN_IDLE_MOMENT = 25;

export type SimStoreSetting = {
  readonly thread: number;
  readonly memory: SharedMemory;
  /** Owner of the memory that contents are read back into. */
  readonly owner: number;
  readonly mesh: Mesh;
  readonly slots: Int32Array;
  readonly disk: SimDisk;
  readonly doorbell: Doorbell;
  readonly clock: SimClock;
  readonly random: SimRandom;
  readonly witness: ThreadWitness;
  readonly faults: SimFaults;
  /** Nothing can be confirmed any more. */
  onFailed(): void;
};

export class SimStoreThread implements SchedulerHost, StoreHost {
  readonly loop: EventLoop;
  readonly store: Store;
  /** What the store stands on: the database, and the journal in front of it. */
  readonly disk: JournaledDisk;
  readonly #setting: SimStoreSetting;
  readonly #scheduler: Scheduler;
  readonly #memory: ThreadMemory;
  #actor: StoreActor | undefined = undefined;
  #failed = false;
  /** What a commit that lasts has to say. */
  #unsaid: (readonly [to: ActorRef, letter: Letter])[] | undefined = undefined;

  constructor(setting: SimStoreSetting) {
    this.#setting = setting;
    const { thread, memory, owner, mesh, slots, disk, doorbell, clock, witness } = setting;
    this.#memory = new ThreadMemory(new BlockTable(memory), owner, slots);
    this.loop = new EventLoop(clock, () => this.#scheduler.poke());
    this.#scheduler = new Scheduler(thread, thread + 1, this, new MeshPort(mesh, thread, doorbell));
    const deliver = this.#scheduler.deliver.bind(this.#scheduler);
    this.#scheduler.deliver = (to, letter) => {
      witness.letter(thread, to, letter);
      deliver(to, letter);
    };
    const tell = this.#scheduler.tell.bind(this.#scheduler);
    this.#scheduler.tell = (to, letter) => {
      if (this.#unsaid === undefined || to.thread === thread) tell(to, letter);
      else this.#unsaid.push([to, letter]);
    };
    this.disk = new JournaledDisk(disk, disk.journal, crc32);
    this.store = new Store(this.disk, new MessageRecords(this.#memory), crc32);
    disk.onCommitted = () => this.#lasts();
    disk.journal.onWritten = () => this.#lasts();
  }

  /** What the last process left. */
  open(): { readonly definitions: readonly DiskEntry[]; readonly clean: boolean; readonly faults: readonly string[] } {
    const { clean, faults } = this.store.open();
    return { clean, faults, definitions: [...this.disk.entries(DEFINITION_KEYS.from, DEFINITION_KEYS.to)] };
  }

  /** Before any queue runs. Answers what is damaged. */
  start(queues: readonly QueuePlace[]): string[] {
    fillLedgers(this.#memory, this.store, queues);
    try {
      if (this.store.waiting !== 'nothing') this.store.commit();
    } catch (error) {
      if (!(error instanceof DiskFullError)) throw error;
    }
    this.#say();
    const options = { ...groupOptions(storeGroup), intensity: { restarts: 1_000, periodMs: 1_000 } };
    this.#scheduler.spawn(this.#scheduler.group(options), STORE_ID, (context) => {
      this.#actor = new StoreActor(context, this.store, this, this.#actor);
      return this.#actor;
    });
    this.#scheduler.faults = this.#setting.faults;
    this.#scheduler.poke();
    return queues.map(({ id }) => this.store.damageOf(id)).filter((damage) => damage !== undefined);
  }

  /** All that was handed over is committed, and the thread ends. */
  end(isClean: boolean): void {
    while (this.#scheduler.run());
    this.#scheduler.close();
    if (isClean && !this.#failed && this.store.waiting === 'nothing') this.store.markClean();
    if (!this.#failed) this.disk.close();
    this.loop.die();
  }

  #lasts(): void {
    this.loop.stalledSteps += this.#setting.random.below(COMMIT_STEPS_MAX);
    if (this.#setting.random.below(COMMITS_AN_IDLE_MOMENT) === 0) this.loop.soon(() => this.#idle());
    if (this.#unsaid !== undefined) return;
    this.#unsaid = [];
    this.loop.first(() => this.#say());
  }

  #idle(): void {
    try {
      for (let twice = 0; twice < 2; twice++) this.disk.idle();
    } catch (error) {
      this.failed(error);
    }
  }

  #say(): void {
    const unsaid = this.#unsaid ?? [];
    this.#unsaid = undefined;
    for (const [to, letter] of unsaid) this.#scheduler.tell(to, letter);
  }

  // ---- the store actor's host

  get pool(): Scheduler['pool'] {
    return this.#scheduler.pool;
  }

  diskFull(full: boolean): void {
    const letter = new Letter(JanitorLetter.disk);
    letter.a = full ? 1 : 0;
    letter.sender = { thread: this.#setting.thread, id: STORE_ID, generation: 0 };
    this.#scheduler.tell({ thread: JANITOR_THREAD, id: JANITOR_ID, generation: 0 }, letter);
  }

  failed(error: unknown): void {
    if (error instanceof ProcessEnd) throw error;
    this.#failed = true;
    this.#setting.onFailed();
  }

  flushReleases(): void {
    this.#memory.table.flushReleases();
  }

  // ---- the scheduler's host

  nowMs(): number {
    return this.#setting.clock.nowMs();
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
    this.#setting.witness.lostLetter(this.#setting.thread, to, letter);
  }

  crashed(group: string, id: number, error: unknown): void {
    if (error instanceof ProcessEnd) throw error;
    this.#setting.witness.crashed(this.#setting.thread, group, id, error);
  }
}
