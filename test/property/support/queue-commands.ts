/** Random histories of a queue, as commands that are the same whatever became of those before them. */
import fc from 'fast-check';
import type { ConsumerSpec } from '../../../src/broker/queue/consumer.ts';
import type { RetryPolicy } from '../../../src/broker/queue/delayed-retry.ts';
import { Settle } from '../../../src/broker/queue/queue-machine.ts';
import type { QueueModule } from './queue-copy.ts';
import { QueueWorld, type WorldOptions } from './queue-world.ts';

type Model = Record<string, never>;

class Step implements fc.Command<Model, QueueWorld> {
  readonly #text: string;
  readonly #take: (world: QueueWorld) => void;

  constructor(text: string, take: (world: QueueWorld) => void) {
    this.#text = text;
    this.#take = take;
  }

  check(): boolean {
    return true;
  }

  run(_: Model, world: QueueWorld): void {
    this.#take(world);
    world.check();
  }

  toString(): string {
    return this.#text;
  }
}

const connection = fc.constantFrom(1, 2, 3);
const channel = fc.constantFrom(1, 2);
const index = fc.nat(1000);

function pick<T>(from: readonly T[], at: number): T | undefined {
  return from[at % Math.max(from.length, 1)];
}

function step<T extends unknown[]>(
  name: string,
  fields: { [K in keyof T]: fc.Arbitrary<T[K]> },
  take: (world: QueueWorld, ...values: T) => void,
): fc.Arbitrary<Step> {
  return fc
    .tuple<T>(...fields)
    .map((values) => new Step(`${name}(${JSON.stringify(values).slice(1, -1)})`, (world) => take(world, ...(values as unknown as T))));
}

let keys = 0;
const subscription = fc.record({
  connection,
  channel,
  noAck: fc.boolean(),
  exclusive: fc.nat(11).map((one) => one === 0),
  priority: fc.constantFrom(0, 0, 0, 1, -1),
  prefetch: fc.constantFrom(0, 1, 2, 3, 5, 20),
});

/** A consumer that asks for nothing special but `fields`. */
export function specOf(fields: Partial<ConsumerSpec> & { readonly connection: number; readonly channel: number }): ConsumerSpec {
  const blank = { thread: 0, generation: 1, key: 0, tag: '', noAck: false, exclusive: false, priority: 0, prefetch: 0, order: 0 };
  return { ...blank, ...fields };
}

const HOW = [Settle.ack, Settle.ack, Settle.requeue, Settle.discard, Settle.unsent, Settle.returned, Settle.surplus];

const commands: readonly fc.Arbitrary<Step>[] = [
  step<[number, number]>('publish', [connection, fc.integer({ min: 1, max: 12 })], (world, sender, count) => world.publish(sender, count)),
  step<[number, number]>('publish', [connection, fc.integer({ min: 1, max: 40 })], (world, sender, count) => world.publish(sender, count)),
  step<[number, number, number]>('publish what expires', [connection, fc.integer({ min: 1, max: 6 }), fc.nat(6)], (world, sender, count, ms) => {
    world.publish(sender, count, ms * 10);
  }),
  step('dispatch', [], (world) => world.dispatch()),
  step('dispatch', [], (world) => world.dispatch()),
  step<[number]>('pass', [fc.integer({ min: 1, max: 30 })], (world, ms) => world.pass(ms)),
  step('end delays', [], (world) => world.endDelays()),
  step('drop expired', [], (world) => world.dropExpired()),
  step('consume', [subscription], (world, fields) => world.consume(specOf({ ...fields, key: ++keys }))),
  step<[number]>('cancel', [index], (world, at) => {
    const consumer = pick(world.model.consumers, at);
    if (consumer !== undefined) world.cancel(consumer);
  }),
  step<[number, number, number]>('settle', [index, index, fc.integer({ min: 1, max: 6 })], (world, at, how, count) => {
    for (let one = 0; one < count; one++) {
      const entry = pick(world.model.unsettled, at);
      if (entry === undefined) return;
      const wanted = entry.holder!.spec.noAck ? Settle.taken : pick(HOW, how)!;
      // A delivery is sent back only by a connection that has not said that the socket took it.
      if (wanted !== Settle.unsent || (!entry.reported && !entry.holder!.getter)) world.settle(entry, wanted);
    }
  }),
  step<[number, number, number]>('settle many', [fc.oneof(fc.constant(0), index), index, fc.integer({ min: 2, max: 30 })], (world, at, vain, count) => {
    const { unsettled } = world.model;
    const first = pick(unsettled, at)?.holder!.spec;
    if (first === undefined) return;
    const own = unsettled.filter(({ holder }) => holder!.spec.connection === first.connection && holder!.spec.noAck === first.noAck);
    const from = at === 0 ? 0 : at % own.length;
    world.settleAll(own.slice(from, from + count), vain);
  }),
  step<[number, number]>('settle in vain', [fc.integer({ min: -40, max: 5 }), connection], (world, offset, by) => {
    world.settleInVain((world.model.tail + offset) | 0, by);
  }),
  step<[number]>('report', [index], (world, at) => {
    const consumer = pick(world.model.consumers.filter(({ spec, real }) => real.windowed && !spec.noAck), at);
    if (consumer !== undefined) world.report(consumer);
  }),
  step<[number, boolean]>('stop', [index, fc.boolean()], (world, at, stopped) => {
    const consumer = pick(world.model.consumers, at);
    if (consumer !== undefined) world.setStopped(consumer, stopped);
  }),
  step<[number, number, boolean]>('get', [connection, channel, fc.boolean()], (world, by, on, noAck) => {
    world.get(specOf({ connection: by, channel: on, noAck }));
  }),
  step<[number]>('purge', [fc.nat(2)], (world, one) => {
    if (one === 0) world.purge();
  }),
  step('drop head', [], (world) => {
    if (world.model.ready.length > 0) world.dropHead();
  }),
  step<[number, number]>('detach', [connection, fc.nat(2)], (world, by, on) => world.detach(by, on)),
  step<[number, number, number]>('crash', [fc.nat(60), fc.integer({ min: -20, max: 20 }), fc.nat(3)], (world, changes, again, lost) => {
    world.lightFuse(changes, again, lost);
  }),
];

/** Where positions begin: at 0, short of the ends of int32 numbers, in the middle of a chunk. */
const options: fc.Arbitrary<WorldOptions> = fc.record({
  start: fc.oneof(fc.constant(0), fc.integer({ min: 2 ** 31 - 60, max: 2 ** 31 - 1 }), fc.integer({ min: -60, max: -1 }), fc.nat(9000)),
  single: fc.nat(3).map((one) => one === 0),
  ttlMs: fc.constantFrom(undefined, undefined, 0, 25),
  delayedRetry: fc.constantFrom<(RetryPolicy | undefined)[]>(
    undefined,
    undefined,
    { type: 'all', minMs: 10, maxMs: 15 },
    { type: 'failed', minMs: 5, maxMs: 8 },
    { type: 'returned', minMs: 0, maxMs: 40 },
  ),
  deliveryLimit: fc.constantFrom(undefined, undefined, 0, 1, 3, Infinity),
  maxPriority: fc.constantFrom(undefined, undefined, 2, 40),
});

/** The property: whatever happens, and wherever it crashes, the queue is what its model is. */
export function queueHistories(module: QueueModule) {
  const history = fc.commands([...commands], { maxCommands: 100, size: 'max' });
  return fc.property(options, history, (where, steps) => {
    const world = new QueueWorld(module, where);
    fc.modelRun(() => ({ model: {}, real: world }), steps);
    world.clear();
  });
}
