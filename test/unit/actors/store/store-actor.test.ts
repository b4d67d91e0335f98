/** What the store's actor answers, beside a disk in memory. */
import { crc32 } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { QueueLetter } from '../../../../actors/messages/queue-messages.ts';
import { STORE_ID, StoreLetter } from '../../../../actors/messages/store-messages.ts';
import { TOPOLOGY_ID, TOPOLOGY_THREAD, TopologyLetter } from '../../../../actors/messages/topology-messages.ts';
import type { ActorContext } from '../../../../actors/runtime/actor.ts';
import { BatchPool } from '../../../../actors/runtime/batch-pool.ts';
import { type ActorRef, Letter } from '../../../../actors/runtime/letter.ts';
import { StoreActor } from '../../../../actors/store/store-actor.ts';
import { Store } from '../../../../src/store/store.ts';
import { MemoryDisk } from '../../../support/memory-disk.ts';
import { LeasedMemory } from '../../../support/store-memory.ts';

const QUEUE = { thread: 1, id: -5, generation: 1 };
const [QUEUE_ID, SLOT] = [5, 3];

const test = suite("the store's actor");

class World {
  readonly memory = new LeasedMemory();
  readonly store = new Store(new MemoryDisk(), this.memory, crc32);
  readonly told: { readonly to: ActorRef; readonly type: number; readonly a: number; readonly b: number }[] = [];
  readonly #actor: StoreActor;
  #letters = 0;

  constructor() {
    this.store.open();
    const context: ActorContext = {
      self: { thread: 2, id: STORE_ID, generation: 1 },
      tell: (to, { type, a, b }) => void this.told.push({ to, type, a, b }),
      watch: () => {},
      unwatch: () => {},
      armTimer: () => {},
      cancelTimer: () => {},
      end: () => {},
    };
    const host = { pool: new BatchPool(), diskFull: () => {}, failed: (error: unknown) => assert.unreachable(String(error)), flushReleases: () => {} };
    this.#actor = new StoreActor(context, this.store, host, undefined);
  }

  hears(type: number, sender: ActorRef, a: number, b: number, words: readonly number[] = []): void {
    const letter = new Letter(type);
    Object.assign(letter, { sender, number: ++this.#letters, a, b, ints: Int32Array.from(words), count: words.length });
    this.#actor.receive(letter);
    this.#actor.endTurn();
  }

  /** What was said of a kind, and is not looked at again. */
  toldOf(wanted: number): readonly unknown[] {
    const found = this.told.filter(({ type }) => type === wanted);
    for (const one of found) this.told.splice(this.told.indexOf(one), 1);
    return found;
  }
}

test('the topology hears that a deleted queue is empty when the store has let go of it, as often as it is told', () => {
  const world = new World();
  const emptied = { to: { thread: TOPOLOGY_THREAD, id: TOPOLOGY_ID, generation: 0 }, type: TopologyLetter.emptied, a: SLOT, b: QUEUE_ID };
  world.hears(StoreLetter.append, QUEUE, QUEUE_ID, 0, [world.memory.add(Buffer.from('one')), 1, 0, 0, 0]);
  world.hears(StoreLetter.commit, { thread: 2, id: STORE_ID, generation: 1 }, 0, 0);
  assert.is(world.toldOf(QueueLetter.stored).length, 1);
  assert.equal(world.store.describe().queues.map(({ queue, kept }) => [queue, kept.messages]), [[QUEUE_ID, 1]]);
  assert.equal(world.toldOf(TopologyLetter.emptied), []);
  for (let time = 0; time < 2; time++) {
    world.hears(StoreLetter.forget, QUEUE, QUEUE_ID, SLOT);
    assert.equal(world.store.describe().queues, []);
    assert.equal(world.toldOf(TopologyLetter.emptied), [emptied]);
  }
  assert.is(world.memory.leases, 0);
});

test.run();
