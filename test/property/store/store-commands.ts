/** Random histories of a store, as commands that are the same whatever became of those before them. */
import fc from 'fast-check';
import type { StoreModule } from './store-copy.ts';
import { StoreWorld } from './store-world.ts';

type Model = Record<string, never>;

class Step implements fc.Command<Model, StoreWorld> {
  readonly #text: string;
  readonly #take: (world: StoreWorld) => void;

  constructor(text: string, take: (world: StoreWorld) => void) {
    this.#text = text;
    this.#take = take;
  }

  check(): boolean {
    return true;
  }

  run(_: Model, world: StoreWorld): void {
    this.#take(world);
    world.check();
  }

  toString(): string {
    return this.#text;
  }
}

function step<T extends unknown[]>(
  name: string,
  fields: { [K in keyof T]: fc.Arbitrary<T[K]> },
  take: (world: StoreWorld, ...values: T) => void,
): fc.Arbitrary<Step> {
  return fc
    .tuple<T>(...fields)
    .map((values) => new Step(`${name}(${JSON.stringify(values).slice(1, -1)})`, (world) => take(world, ...(values as unknown as T))));
}

const queue = fc.constantFrom(0, 0, 0, 1, 2);
const sizeBytes = fc.constantFrom(0, 4, 8, 8, 12, 40, 90, 400, 401, 1500);
const offset = fc.integer({ min: -3, max: 150 });
const seldom = fc.nat(3).map((one) => one === 0);
/** Where positions begin: at 0, short of the ends of int32 numbers, anywhere. */
const start = fc.oneof(fc.constant(0), fc.integer({ min: 2 ** 31 - 60, max: 2 ** 31 - 1 }), fc.integer({ min: -60, max: -1 }), fc.nat(9000));

const append = step<[number, number, number, number, boolean]>(
  'append',
  [queue, fc.integer({ min: 1, max: 50 }), fc.constantFrom(0, 0, 0, 1, 5, 80), sizeBytes, seldom],
  (world, ...values) => world.append(...values),
);
const single = step<[number, number, number]>('append one', [queue, fc.constantFrom(0, 0, 2), sizeBytes], (world, id, gap, size) => {
  world.append(id, 1, gap, size, false);
  world.commit();
});
const commit = step('commit', [], (world) => world.commit());
const settle = step<[number, number, number]>('settle', [queue, offset, fc.constantFrom(1, 1, 2, 7, 40, 200)], (world, ...values) =>
  world.settle(...values),
);

const queues = fc.subarray([0, 1, 2], { minLength: 1 });
const fanOut = step<[number[], number, number, boolean]>('fan out', [queues, fc.integer({ min: 1, max: 6 }), sizeBytes, fc.boolean()], (world, ...values) =>
  world.fanOut(...values),
);
const fanOutLate = step<[number, number]>('fan out late', [fc.nat(20), queue], (world, ...values) => world.fanOutLate(...values));
/** The body is needed again when it is gone, or nearly. */
const lateReference = step<[number, number, boolean]>('late reference', [queue, queue, fc.boolean()], (world, early, late, committed) => {
  world.fanOut([early, late], 1, 8, false);
  world.commit();
  world.fanOut([early], 1, 12, true);
  world.commit();
  world.settle(early, 1, 1);
  if (committed) world.commit();
  world.fanOutLate(world.heldCount - 1, late);
  world.read(late, 1, 1, false);
  world.commit();
  world.read(late, 1, 1, false);
});
/** A body goes before it is written, and others are beside it. */
const cancelledBody = step<[number]>('cancelled body', [queue], (world, id) => {
  world.commit();
  world.fanOut([id], 4, 8, false);
  world.settle(id, 3, 1);
  world.commit();
  world.read(id, 4, 4, false);
});
/** What one stop leaves is told from what the next one leaves. */
const stops = step<[boolean, number, number]>('stops', [fc.boolean(), queue, fc.integer({ min: 1, max: 4 })], (world, clean, id, count) => {
  world.append(id, 4, 0, 8, false);
  world.commit();
  world.restart(clean, 0);
  world.settle(id, count, count);
  world.restart(true, 0);
  world.append(id, 2, 0, 8, false);
  world.commit();
  world.restart(true, 0);
});

const commands: readonly fc.Arbitrary<Step>[] = [
  append,
  append,
  single,
  single,
  commit,
  commit,
  commit,
  settle,
  settle,
  settle,
  step<[number, number, number]>('page out', [queue, fc.integer({ min: 1, max: 20 }), sizeBytes], (world, ...values) => world.pageOut(...values)),
  fanOut,
  fanOut,
  fanOutLate,
  lateReference,
  cancelledBody,
  step<[number]>('let go', [fc.nat(20)], (world, at) => world.letGo(at)),
  step<[number, number]>('repeat', [queue, fc.nat(50)], (world, ...values) => world.repeat(...values)),
  step<[number, number, number]>('returned', [queue, offset, fc.constantFrom(1, 2, 300)], (world, ...values) => world.returned(...values)),
  step<[number, number, number]>('read', [queue, offset, fc.integer({ min: 1, max: 60 })], (world, id, from, count) => world.read(id, from, count, false)),
  step<[number, number, number]>('read', [queue, offset, fc.integer({ min: 1, max: 60 })], (world, id, from, count) => world.read(id, from, count, false)),
  step<[number, number]>('read without memory', [queue, offset], (world, id, from) => world.read(id, from, 5, true)),
  step<[number, number, number]>('retain', [queue, offset, fc.integer()], (world, ...values) => world.retain(...values)),
  step<[number, boolean]>('forget', [queue, seldom], (world, id, wanted) => {
    if (wanted) world.forget(id);
  }),
  step('commit in vain', [], (world) => world.commitInVain()),
  stops,
  step<[boolean, number]>('restart', [fc.boolean(), start], (world, ...values) => world.restart(...values)),
];

/** The property: whatever happens, the store knows what its model knows, after a restart too. */
export function storeHistories(module: StoreModule) {
  const history = fc.commands([...commands], { maxCommands: 60, size: 'max' });
  return fc.property(start, fc.boolean(), history, (where, restarted, steps) => {
    const world = new StoreWorld(module, where);
    fc.modelRun(() => ({ model: {}, real: world }), steps);
    world.clear(restarted);
  });
}
