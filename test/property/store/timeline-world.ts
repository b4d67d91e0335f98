/**
 * Random histories of one timeline beside a model that is a list: what is handed out comes in order, once, as long as nobody lost it;
 * what was committed and not passed is there again after a restart; leases add up.
 */
import { crc32 } from 'node:zlib';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import type { Store } from '../../../src/store/store.ts';
import type { HandedMoment } from '../../../src/store/timeline.ts';
import { DiskFullError } from '../../../src/store/port.ts';
import { LeasedMemory } from '../../support/store-memory.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';
import type { StoreModule } from './store-copy.ts';

const ID = 7;
/** Few different times, so that many messages share one. */
const TIMES = 3;
const PERSISTENT = 1;

type Step =
  | { readonly type: 'delay'; readonly dueMs: number; readonly size: number; readonly persistent: boolean }
  | { readonly type: 'advance'; readonly untilMs: number }
  | { readonly type: 'commit' | 'refine' | 'rewind' | 'restart' | 'crash' | 'forget' | 'exhaust' }
  | { readonly type: 'full'; readonly full: boolean }
  | { readonly type: 'pass' | 'recede'; readonly which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ type: fc.constant('delay' as const), dueMs: fc.nat(TIMES), size: fc.integer({ min: 4, max: 40 }), persistent: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('commit' as const) }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('advance' as const), untilMs: fc.constantFrom(Infinity, 0, 1, 2, Infinity) }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('refine' as const) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('pass' as const), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('recede' as const), which: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom('rewind' as const, 'exhaust' as const, 'restart' as const, 'crash' as const, 'exhaust' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('full' as const), full: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('forget' as const, 'commit' as const, 'commit' as const) }) },
);

type Message = { readonly text: string; readonly dueMs: number; readonly persistent: boolean; committed: boolean; handed: boolean };
type Held = { readonly moment: HandedMoment; readonly texts: readonly string[] };

class World {
  readonly #module: StoreModule;
  disk = new MemoryDisk();
  memory = new LeasedMemory();
  store: Store;
  /** What must be there, in the order in which it came. */
  messages: Message[] = [];
  held: Held[] = [];
  /** Passed, and not committed yet: a crash brings these back. */
  passed: Message[] = [];
  /** Deleted, and not committed yet. */
  count = 0;

  constructor(module: StoreModule) {
    this.#module = module;
    this.store = this.#open();
  }

  #open(): Store {
    this.memory = new LeasedMemory();
    const store = new this.#module.Store(this.disk, this.memory, crc32);
    const { faults } = store.open();
    assert.equal(faults, []);
    return store;
  }

  run(step: Step): void {
    switch (step.type) {
      case 'delay':
        return this.#delay(step);
      case 'commit':
        return this.#commit();
      case 'advance':
        return this.#advance(step.untilMs);
      case 'refine':
        this.store.timelines.of(ID).refine(this.disk);
        return this.#check();
      case 'pass':
        return this.#pass(step.which);
      case 'recede':
        return this.#recede(step.which);
      case 'rewind':
        return this.#rewind();
      case 'restart':
        this.disk.full = false;
        this.#commit();
        return this.#restart();
      case 'crash':
        return this.#restart();
      case 'full':
        this.disk.full = step.full;
        return;
      case 'forget':
        return this.#forget();
      case 'exhaust':
        this.memory.capacity = this.memory.leases + 1;
        this.#advance(Infinity);
        this.memory.capacity = Infinity;
        return;
    }
  }

  #delay({ dueMs, size, persistent }: Extract<Step, { type: 'delay' }>): void {
    const text = String(this.count++).padEnd(size, '.');
    this.store.timelines.of(ID).delay(dueMs, this.memory.add(Buffer.from(text)), persistent ? PERSISTENT : 0);
    this.messages.push({ text, dueMs, persistent, committed: false, handed: false });
  }

  #commit(): void {
    try {
      this.store.commit();
    } catch (error) {
      if (!(error instanceof DiskFullError)) throw error;
      return;
    }
    this.passed = [];
    for (const message of this.messages) message.committed = true;
    this.store.timelines.takeFresh((_, moments) => {
      for (const moment of moments) this.#take(moment);
    });
    this.#check();
  }

  #advance(untilMs: number): void {
    const timeline = this.store.timelines.of(ID);
    let last: HandedMoment | undefined;
    timeline.advance(this.disk, untilMs, (moment) => {
      assert.ok(moment.dueMs <= untilMs, 'nothing comes that was not asked for');
      assert.ok(last === undefined || moment.dueMs > last.dueMs || (moment.dueMs === last.dueMs && moment.number > last.number), 'moments come in order');
      last = moment;
      this.#take(moment);
    });
    assert.is(timeline.damage, undefined);
    this.#check();
  }

  #take(moment: HandedMoment): void {
    const texts = moment.addresses.map((address) => String(this.memory.recordOf(address)));
    for (const text of texts) {
      const message = this.messages.find((each) => each.text === text);
      assert.ok(message, `${text} is none of those that wait`);
      assert.ok(!message!.handed, `${text} is handed out twice`);
      assert.is(message!.dueMs, moment.dueMs);
      message!.handed = true;
      // They stand in the order in which they came.
      const overtaken = this.messages.slice(0, this.messages.indexOf(message!)).find(({ dueMs, committed, handed }) => dueMs === moment.dueMs && committed && !handed);
      assert.is(overtaken, undefined, `${text} comes before what came before it`);
    }
    this.held.push({ moment, texts });
  }

  #pass(which: number): void {
    const [done] = this.held.splice(which % Math.max(this.held.length, 1), 1);
    if (done === undefined) return;
    for (const address of done.moment.addresses) this.memory.release(address);
    this.store.timelines.of(ID).pass(done.moment.number);
    this.passed.push(...this.messages.filter(({ text }) => done.texts.includes(text)));
    this.messages = this.messages.filter(({ text }) => !done.texts.includes(text));
  }

  #recede(which: number): void {
    const at = this.held[which % Math.max(this.held.length, 1)]?.moment;
    if (at === undefined) return;
    this.store.timelines.of(ID).recede(at);
    this.#letGo(({ moment }) => moment.dueMs > at.dueMs || (moment.dueMs === at.dueMs && moment.number > at.number));
    this.#check();
  }

  #rewind(): void {
    this.store.timelines.of(ID).rewind(0);
    this.#letGo(() => true);
    this.#check();
  }

  #letGo(isGone: (held: Held) => boolean): void {
    for (const held of this.held.filter(isGone)) {
      for (const address of held.moment.addresses) this.memory.release(address);
      for (const message of this.messages) if (held.texts.includes(message.text)) message.handed = false;
    }
    this.held = this.held.filter((held) => !isGone(held));
  }

  /** The process ends here: what was not committed is as it was. */
  #restart(): void {
    this.messages = [...this.messages.filter(({ committed }) => committed), ...this.passed].filter(({ persistent }) => persistent);
    this.messages.sort((left, right) => Number.parseInt(left.text, 10) - Number.parseInt(right.text, 10));
    for (const message of this.messages) message.handed = false;
    this.passed = [];
    this.held = [];
    this.store = this.#open();
  }

  #forget(): void {
    this.disk.full = false;
    this.#commit();
    this.#letGo(() => true);
    this.messages = [];
    this.passed = [];
    this.store.forget(ID);
    assert.is(this.memory.leases, 0);
    while (this.store.waiting !== 'nothing') this.store.commit();
    // Only the store's own record is left.
    assert.ok(this.disk.size <= 1, 'a deleted timeline leaves nothing behind');
  }

  /** What is committed and due up to the horizon is handed out, and nothing else is. */
  #check(): void {
    const { horizon, nextMs } = this.store.timelines.of(ID);
    for (const { text, dueMs, committed, handed } of this.messages) {
      if (committed && !handed) assert.ok(dueMs >= nextMs, `${text} is due before what is said to be next`);
      if (committed && dueMs < horizon.dueMs) assert.ok(handed, `${text} is due before the horizon and not handed out`);
      if (dueMs > horizon.dueMs || !committed) assert.not.ok(handed, `${text} is handed out too early`);
    }
    const texts = this.held.flatMap((held) => held.texts);
    assert.is(texts.length, this.messages.filter(({ handed }) => handed).length);
    assert.is(this.memory.leases, texts.length + this.messages.filter(({ committed }) => !committed).length, 'leases');
  }

  /** Everything that must be there comes, in order, from a new process too. */
  end(): void {
    this.run({ type: 'restart' });
    for (let round = 0; this.store.timelines.of(ID).horizon.dueMs !== Infinity; round++) {
      assert.ok(round < 10_000, 'the end is reached');
      this.#advance(Infinity);
    }
    const order = [...this.messages].sort((left, right) => left.dueMs - right.dueMs);
    assert.equal(this.held.flatMap((held) => held.texts), order.map(({ text }) => text));
  }
}

export function timelineHistories(module: StoreModule): fc.IProperty<[Step[]]> {
  return fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
    const world = new World(module);
    for (const each of steps) world.run(each);
    world.end();
  }) as fc.IProperty<[Step[]]>;
}
