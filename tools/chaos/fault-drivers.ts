/** Carries a plan out: each kind of fault in its own order, all kinds at the same time. */
import { IDLE_GROUPS } from './fault-plan.ts';
import type { CrashOrder, FaultPlan, KillOrder, Orders, ThreadOrder } from './fault-plan.ts';
import type { FaultyBroker, ManagedBroker } from './managed-broker.ts';
import { pause } from './stage.ts';

/** What has been done so far. */
export type FaultTally = { crashOrders: number; kills: Record<KillOrder['kind'], number>; stalls: number; skipped: number };

export function emptyTally(): FaultTally {
  return { crashOrders: 0, kills: { running: 0, recovering: 0, stopping: 0, store: 0 }, stalls: 0, skipped: 0 };
}

export type DriverWatch = {
  /** The run is to end early: nothing new is ordered. */
  readonly aborted: () => boolean;
  /** The process is started again, now. */
  readonly starts: () => void;
  /** A publish was confirmed since the last start. */
  readonly serves: () => boolean;
};

const STEP_MS = 2;
/** A group that reads no letter for so long on a thread is tried on the next thread. */
const CRASH_PATIENCE_MS = 150;
const IDLE_PATIENCE_MS = 1_000;
const THREAD_PATIENCE_MS = 2_000;
const ATTEMPTS_MAX = 40;
/** A broker that confirms nothing for so long after its start is killed all the same. */
const SERVE_PATIENCE_MS = 5_000;

export class FaultDrivers {
  readonly tally = emptyTally();
  readonly #watch: DriverWatch;

  constructor(watch: DriverWatch) {
    this.#watch = watch;
  }

  async hurt(broker: FaultyBroker, plan: Pick<FaultPlan, 'crashes' | 'threads'>): Promise<void> {
    await Promise.all([
      this.#each(plan.crashes, (order) => this.#crash(broker, order)),
      this.#each(plan.threads, (order) => this.#strikeThread(broker, order)),
    ]);
  }

  /** `firstStartMs`: how long the broker took to start. It serves when this begins, and again when it ends. */
  async kill(broker: ManagedBroker, orders: readonly KillOrder[], firstStartMs: number): Promise<void> {
    let startMs = firstStartMs;
    for (const [index, order] of orders.entries()) {
      if (order.kind !== 'recovering') {
        await this.#until(() => this.#watch.serves(), SERVE_PATIENCE_MS);
        await this.#until(() => false, order.afterMs);
        if (this.#watch.aborted()) return;
      }
      await this.#killOnce(broker, order, startMs);
      if (orders[index + 1]?.kind === 'recovering' && !this.#watch.aborted()) continue;
      this.#watch.starts();
      startMs = (await broker.start()) ?? startMs;
      if (this.#watch.aborted()) return;
    }
    if (orders.length > 0) await this.#until(() => this.#watch.serves(), SERVE_PATIENCE_MS);
  }

  async #killOnce(broker: ManagedBroker, { kind, share }: KillOrder, startMs: number): Promise<void> {
    if (kind === 'store') {
      if (!('loseStore' in broker)) throw new Error('only a Leveret can lose its store');
      await (broker as FaultyBroker).loseStore(share < 0.5 ? 'exhaust heap' : 'end thread');
      this.tally.kills.store++;
      return;
    }
    let starting: Promise<unknown> | undefined;
    if (kind === 'recovering') {
      this.#watch.starts();
      starting = broker.start();
    }
    if (kind === 'stopping') broker.signal('SIGTERM');
    if (kind !== 'running') await pause(share * startMs);
    broker.signal('SIGKILL');
    await Promise.all([starting, broker.ended()]);
    this.tally.kills[kind]++;
  }

  async #crash(broker: FaultyBroker, order: CrashOrder): Promise<void> {
    const { group, seed, everyLetters, crashes } = order;
    const isIdle = IDLE_GROUPS.has(group);
    let left: number = crashes;
    for (let attempt = 0; attempt < ATTEMPTS_MAX && !this.#watch.aborted(); attempt++) {
      await this.#until(() => broker.url !== undefined, THREAD_PATIENCE_MS);
      const goal = broker.crashes + left;
      const isScheduler = order.thread > 0 && order.thread <= broker.schedulers;
      const thread = !isScheduler ? order.thread : 1 + ((order.thread - 1 + attempt) % broker.schedulers);
      const plan = { group, seed, everyLetters, crashesMax: left };
      if (!(await broker.order(thread, { type: 'plan', plan }))) continue;
      if (isIdle) void broker.stir();
      await this.#until(() => broker.crashes >= goal || broker.url === undefined, isIdle ? IDLE_PATIENCE_MS : CRASH_PATIENCE_MS);
      if (broker.crashes >= goal) return void this.tally.crashOrders++;
      left = goal - broker.crashes;
      await broker.order(thread, { type: 'plan' });
    }
    this.tally.skipped++;
  }

  async #strikeThread(broker: FaultyBroker, order: ThreadOrder): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX && !this.#watch.aborted(); attempt++) {
      await this.#until(() => broker.url !== undefined, THREAD_PATIENCE_MS);
      const before = broker.threadsLost;
      const thread = 1 + ((order.thread - 1 + attempt) % broker.schedulers);
      if (!(await broker.order(thread, this.#threadFault(order)))) continue;
      if (order.kind === 'stall') {
        await pause(order.stallMs);
        return void this.tally.stalls++;
      }
      await this.#until(() => broker.threadsLost > before || broker.url === undefined, THREAD_PATIENCE_MS);
      if (broker.threadsLost > before) return;
    }
    this.tally.skipped++;
  }

  #threadFault({ kind, seed, stallMs }: ThreadOrder): object {
    if (kind === 'end') return { type: 'end thread' };
    if (kind === 'exhaust') return { type: 'exhaust heap' };
    if (kind === 'stall') return { type: 'stall', ms: stallMs };
    return { type: 'plan', plan: { group: 'queue', seed, everyLetters: 10, crashesMax: 1, endsThread: true } };
  }

  async #each<T>({ orders, atMs }: Orders<T>, carryOut: (order: T) => Promise<void>): Promise<void> {
    const beganAtMs = performance.now();
    for (const [index, order] of orders.entries()) {
      await this.#until(() => false, beganAtMs + (atMs[index] ?? 0) - performance.now());
      if (this.#watch.aborted()) return;
      await carryOut(order);
    }
  }

  /** Waits until `done`, `limitMs` at most, or until the run is to end. */
  async #until(done: () => boolean, limitMs: number): Promise<void> {
    const endMs = performance.now() + limitMs;
    while (!done() && !this.#watch.aborted() && performance.now() < endMs) await pause(Math.min(STEP_MS, Math.max(0, endMs - performance.now())));
  }
}
