/**
 * Random histories of a queue whose contents go to a store and come back: whatever is in memory, messages come in their order and with
 * their own contents, and what comes soon is not let go of. Each of the mistakes below is one that the histories find.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';

import { type QueueMachine, Settle } from '../../src/broker/queue/queue-machine.ts';
import { CrashingMemory } from './support/crashing-memory.ts';
import type { SourceChange } from '../support/source-change.ts';
import { type QueueModule, SMALL, loadSmallQueue } from './support/queue-copy.ts';
import { specOf } from './support/queue-commands.ts';

const SEED = process.env['LEVERET_SEED'];
const RUNS = 400;
const CONTROL_RUNS = 2000;
/** Messages ahead that are read back, and that stay. */
const AHEAD = 6;
const RESIDENT = 15;
const SMALLER: readonly SourceChange[] = [
  { file: 'contents.ts', right: 'READ_AHEAD = 4096', wrong: `READ_AHEAD = ${AHEAD}` },
  { file: 'contents.ts', right: 'RESIDENT = 16_384', wrong: `RESIDENT = ${RESIDENT}` },
];

type Message = { readonly position: number; readonly content: number; readonly priority: number; readonly kept: boolean };

class PagingWorld {
  readonly #module: QueueModule;
  readonly #maxPriority: number | undefined;
  readonly #memory = new CrashingMemory(2 ** SMALL.chunkShift);
  #machine: QueueMachine;
  /** Which content lies at an address; each copy has an address of its own. */
  readonly #contents = new Map<number, number>();
  /** In the order of positions. */
  #ready: Message[] = [];
  #unsettled: Message[] = [];
  #delivered: { readonly address: number; readonly position: number } | undefined = undefined;
  #tail = 0;
  #lastContent = 0;
  /** Kept messages below are stored. */
  #stored = 0;
  /** Contents by position: what the store has, and what it was handed since. */
  readonly #inStore = new Map<number, number>();
  readonly #handed = new Map<number, number>();
  #paging: number[] = [];
  #pagedFrom = 0;

  constructor(module: QueueModule, maxPriority: number | undefined) {
    this.#module = module;
    this.#maxPriority = maxPriority;
    this.#machine = this.#make();
    this.#machine.create();
  }

  #make(): QueueMachine {
    const priorities =
      this.#maxPriority === undefined ? undefined : { max: this.#maxPriority, of: (address: number) => this.#contents.get(address)! % 5 };
    return new this.#module.QueueMachine(this.#memory, 0, { title: 'q', singleActiveConsumer: false, priorities }, {
      keptGone: () => {},
      keptReturned: () => {},
      deliver: (_consumer, address, position) => {
        this.#delivered = { address, position };
      },
    });
  }

  #copy(content: number): number {
    const address = this.#memory.message();
    this.#contents.set(address, content);
    return address;
  }

  /** The next one first. */
  get #order(): Message[] {
    return [...this.#ready].sort((a, b) => b.priority - a.priority);
  }

  publish(count: number, kept: boolean): void {
    for (let each = 0; each < count; each++) {
      const content = ++this.#lastContent;
      const position = this.#machine.tail;
      assert.ok(this.#machine.publish(this.#copy(content), kept));
      this.#ready.push({ position, content, priority: Math.min(content % 5, this.#maxPriority ?? 0), kept });
      if (kept) this.#handed.set(position, content);
      this.#tail = position + 1;
    }
  }

  /** The store has all that it was given. */
  store(): void {
    this.#stored = this.#tail;
    for (const [position, content] of this.#handed) this.#inStore.set(position, content);
    this.#handed.clear();
    const through = this.#paging.at(-1);
    if (through === undefined) return;
    this.#machine.contents.paged(this.#pagedFrom, through + 1);
    this.#pagedFrom = through + 1;
    this.#paging = [];
  }

  pageOut(budget: number, short: boolean): void {
    const { contents } = this.#machine;
    const near = this.#order.slice(0, short ? AHEAD : RESIDENT).filter(({ position }) => contents.address(position) !== 0);
    contents.pageOut(budget, this.#stored, short, (position, address) => {
      assert.ok(this.#paging.length === 0 || position > this.#paging.at(-1)!, 'the store takes positions as they rise');
      this.#paging.push(position);
      this.#handed.set(position, this.#contents.get(address)!);
    }, () => true);
    for (const { position } of near) assert.is.not(contents.address(position), 0, 'what comes soon stays');
  }

  /** What is asked for comes. */
  read(max: number): void {
    const { contents } = this.#machine;
    const wanted = new Int32Array(max);
    const count = contents.wanted(wanted, max);
    assert.is(new Set(wanted.subarray(0, count)).size, count, 'nothing is asked for twice');
    for (const position of wanted.subarray(0, count)) assert.ok(contents.fill(position, this.#copy(this.#inStore.get(position)!)));
  }

  take(connection: number): void {
    const machine = this.#machine;
    const [next] = this.#order;
    for (let reads = 0; next !== undefined && machine.nextLacksContent; reads++) {
      assert.ok(reads < 3, 'what is next is asked for');
      this.read(4);
    }
    this.#delivered = undefined;
    machine.get(machine.consumers.getter(specOf({ connection, channel: 1 })));
    if (next === undefined) return assert.is(this.#delivered, undefined);
    const { address, position } = this.#delivered as unknown as { address: number; position: number };
    assert.equal([position, this.#contents.get(address)], [next.position, next.content], 'the next one, with its content');
    this.#ready = this.#ready.filter((message) => message !== next);
    this.#unsettled.push(next);
  }

  settle(at: number, how: Settle): void {
    const message = this.#unsettled[at % Math.max(this.#unsettled.length, 1)];
    if (message === undefined) return;
    this.#unsettled = this.#unsettled.filter((each) => each !== message);
    for (const connection of [1, 2]) this.#machine.settle(message.position, how, connection);
    if (how === Settle.requeue) this.#comeBack([message]);
  }

  #comeBack(messages: readonly Message[]): void {
    this.#ready = [...this.#ready, ...messages].sort((a, b) => a.position - b.position);
  }

  crash(): void {
    this.#machine = this.#make();
    this.#machine.recover();
    this.#comeBack(this.#unsettled);
    this.#unsettled = [];
    this.#paging = [];
  }

  check(): void {
    const { contents } = this.#machine;
    assert.is(this.#machine.ready, this.#ready.length, 'ready');
    const lacking = this.#ready.filter(({ position }) => contents.address(position) === 0);
    assert.is(contents.lacking, lacking.length, 'contents that are in the store alone');
    for (const { position } of lacking) assert.ok(this.#inStore.has(position), 'nothing leaves the memory before the store has it');
    assert.is(this.#memory.lent.size, this.#ready.length - lacking.length + this.#unsettled.length, 'leases');
  }

  drain(): void {
    while (this.#ready.length > 0) this.take(1);
    this.check();
  }
}

type Step = (world: PagingWorld) => void;

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ count: fc.integer({ min: 1, max: 30 }), kept: fc.boolean() }).map(({ count, kept }): Step => (world) => world.publish(count, kept)),
  fc.constant<Step>((world) => world.store()),
  fc.record({ budget: fc.integer({ min: 1, max: 60 }), short: fc.boolean() }).map(({ budget, short }): Step => (world) => world.pageOut(budget, short)),
  fc.integer({ min: 1, max: 8 }).map((max): Step => (world) => world.read(max)),
  fc.record({ count: fc.integer({ min: 1, max: 12 }), by: fc.constantFrom(1, 2) }).map(({ count, by }): Step => (world) => {
    for (let each = 0; each < count; each++) world.take(by);
  }),
  fc.record({ at: fc.nat(40), how: fc.constantFrom(Settle.ack, Settle.requeue, Settle.requeue) }).map(({ at, how }): Step => (world) => world.settle(at, how)),
  { weight: 1, arbitrary: fc.nat(3).map((one): Step => (world) => (one === 0 ? world.crash() : undefined)) },
);

function histories(module: QueueModule) {
  return fc.property(fc.constantFrom(undefined, 3, 40), fc.array(step, { maxLength: 60, size: 'max' }), (maxPriority, steps) => {
    const world = new PagingWorld(module, maxPriority);
    for (const take of steps) {
      take(world);
      world.check();
    }
    world.drain();
  });
}

const paging = suite('histories of paging');

paging('agree with the model, whatever the order of delivery', async () => {
  fc.assert(histories(await loadSmallQueue(SMALLER)), { numRuns: RUNS, ...(SEED !== undefined && { seed: Number(SEED) }) });
});

const contents = 'contents.ts';
const priority = 'priority-order.ts';

const MISTAKES: Readonly<Record<string, readonly SourceChange[]>> = {
  'what comes soon is let go of': [{ file: contents, right: 'if (!order.isFar(position)) {', wrong: 'if (!order.isFar(position) && short) {' }],
  'what is next is never asked for': [{ file: priority, right: '      for (const position of this.#levels[number]?.positions() ?? []) {', wrong: '      for (const position of number > 2 ? [] : (this.#levels[number]?.positions() ?? [])) {' }],
  'a message goes before the store has it': [{ file: contents, right: 'if (((stored - position) | 0) <= 0) break;', wrong: '' }],
  'a content is counted as there when it is not': [{ file: contents, right: '    this.lacking++;\n', wrong: '' }],
};

for (const [mistake, changes] of Object.entries(MISTAKES)) {
  paging(`find that ${mistake}`, async () => {
    const found = fc.check(histories(await loadSmallQueue([...SMALLER, ...changes])), { numRuns: CONTROL_RUNS, endOnFailure: true });
    assert.ok(found.failed, `${CONTROL_RUNS} histories passed`);
  });
}

paging.run();
