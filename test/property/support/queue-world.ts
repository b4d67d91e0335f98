/** A queue under test beside its model: each step is taken by both, and after each both must be the same. */
import * as assert from 'uvu/assert';
import type { Consumer, ConsumerSpec } from '../../../src/broker/queue/consumer.ts';
import type { RetryPolicy } from '../../../src/broker/queue/delayed-retry.ts';
import { ACCEPTED, DROPPED, HEAD, SETTLED, TAIL } from '../../../src/broker/queue/ledger-layout.ts';
import { type QueueMachine, Settle } from '../../../src/broker/queue/queue-machine.ts';
import { Crash, CrashingMemory } from './crashing-memory.ts';
import { type Seen, dumpLedger } from './ledger-dump.ts';
import { type QueueModule, SMALL } from './queue-copy.ts';
import { type Entry, Holder, QueueModel, isWindowed } from './queue-model.ts';

export type WorldOptions = {
  readonly start: number;
  readonly single: boolean;
  /** How long each message may wait, milliseconds; undefined: as long as it says itself. */
  readonly ttlMs?: number | undefined;
  /** How often a message may come back. */
  readonly deliveryLimit?: number | undefined;
  /** The highest priority that is told apart; undefined: none are. */
  readonly maxPriority?: number | undefined;
  /** What comes back waits. */
  readonly delayedRetry?: RetryPolicy | undefined;
};

/** Bytes of the body of a message. */
const sizeOf = (address: number): number => address % 7;

/** What a crash in the middle of a step leaves open. */
type Doubt = {
  /** These may be gone or not. */
  readonly gone?: readonly Entry[];
  /** These may be marked as redelivered or not. */
  readonly marked?: readonly Entry[];
  /** These may still wait or not. */
  readonly waiting?: readonly Entry[];
};

export class QueueWorld {
  readonly memory = new CrashingMemory(2 ** SMALL.chunkShift);
  readonly model: QueueModel;
  readonly #module: QueueModule;
  readonly #options: WorldOptions;
  #machine: QueueMachine;
  #letters = 0;
  #nowMs = 1000;
  readonly #publishedMs = new Map<number, number>();
  readonly #expirationMs = new Map<number, number>();
  /** Messages from this position on were not offered to the consumers yet. */
  #offeredTo = 0;
  /** It is being dropped: a crash may find it gone or not. */
  #dropping: Entry | undefined = undefined;
  #dispatching = false;
  /** Each may have cut a chunk loose, those in a recovery as well. */
  #crashes = 0;
  /** Messages that a crash caught between the end of their stay and the end of their lease. */
  readonly #leaked: number[] = [];
  /** Changes until the crash that follows a crash, and whose consumers will not come back. */
  #next: { again: number; lost: number } = { again: -1, lost: 0 };

  constructor(module: QueueModule, options: WorldOptions) {
    this.#module = module;
    this.#options = options;
    this.model = new QueueModel(options.start, options.single, SMALL.window);
    this.#offeredTo = options.start;
    this.#machine = this.#make();
    this.#machine.create();
    // As if the queue had already accepted and settled everything up to `start`.
    for (const word of [HEAD, TAIL, ACCEPTED, SETTLED]) this.memory.plainSlots[word] = options.start;
    this.#machine = this.#make();
    this.#machine.recover();
  }

  #make(): QueueMachine {
    const times = {
      nowMs: () => this.#nowMs,
      publishedMs: (address: number) => this.#publishedMs.get(address)!,
      expirationMs: (address: number) => this.#expirationMs.get(address)!,
    };
    const { single, ttlMs, deliveryLimit, delayedRetry, maxPriority } = this.#options;
    const priorities = maxPriority === undefined ? undefined : { max: maxPriority, of: (address: number) => this.#priorityOf(address) };
    const rules = { singleActiveConsumer: single, sizeOf, messageTtlMs: ttlMs, times, deliveryLimit, delayedRetry, priorities };
    const traits = { title: "queue 'q' in vhost '/'", ...rules };
    return new this.#module.QueueMachine(this.memory, 0, traits, {
      keptGone: () => {},
      keptReturned: () => {},
      dropped: (position, reason) => {
        if (reason === 'rejected') return;
        this.#commitDrop();
        if (reason === 'delivery_limit') return this.#dropSpent(position);
        assert.is(reason, 'expired');
        const [oldest] = this.model.ready;
        assert.is(position, oldest?.position, 'the next message expires');
        assert.ok(this.#isOver(oldest!), 'what expires has waited too long');
        const isFresh = ((position - this.#offeredTo) | 0) >= 0;
        assert.not(this.#dispatching && isFresh, 'what may not wait is offered first');
        this.#dropping = oldest;
      },
      deliver: (consumer, address, position, redelivered) => {
        this.#commitDrop();
        this.memory.step();
        const [oldest] = this.model.ready;
        const isFresh = ((position - this.#offeredTo) | 0) >= 0;
        assert.not(oldest !== undefined && !isFresh && this.#isOver(oldest), 'what has expired is not delivered');
        if (deliveryLimit !== undefined) assert.is(this.#machine.deliveries(position), oldest?.deliveries, 'how often it came back');
        this.model.deliver(consumer, address, position, redelivered);
      },
    });
  }

  /** What a publisher gave a message: some are above what the queue tells apart. */
  #priorityOf(address: number): number {
    return ((Math.imul(address, 0x9e3779b1) >>> 20) % 5) * (this.#options.maxPriority === 2 ? 1 : 12);
  }

  /** Takes a step of the queue. Answers undefined when it crashed; then the queue goes on as another incarnation. */
  #attempt<T>(doubt: () => Doubt, step: () => T): { readonly value: T } | undefined {
    try {
      const value = step();
      this.#commitDrop();
      return { value };
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      const open = doubt();
      const gone = open.gone ?? [];
      this.#comeBack({ ...open, gone: this.#dropping === undefined || gone.includes(this.#dropping) ? gone : [...gone, this.#dropping] });
      this.#dropping = undefined;
      this.#offeredTo = this.memory.plainSlots[TAIL]!;
      return undefined;
    }
  }

  #commitDrop(): void {
    if (this.#dropping !== undefined) this.model.release(this.#dropping, undefined, 'dropped');
    this.#dropping = undefined;
  }

  #dropSpent(position: number): void {
    const entry = this.model.unsettled.find((each) => each.position === position);
    assert.ok(entry !== undefined && this.#isSpent(entry), 'what comes back too often had its deliveries');
    this.#dropping = entry;
  }

  /** When what comes back in this way is ready again. */
  #readyAtMs({ deliveries }: Entry, how: Settle = Settle.requeue): number | undefined {
    const policy = this.#options.delayedRetry;
    if (policy === undefined || (policy.type === 'failed' && how !== Settle.requeue)) return undefined;
    if (policy.type === 'returned' && how !== Settle.returned) return undefined;
    return this.#nowMs + Math.min(policy.minMs * Math.max(deliveries, 1), policy.maxMs);
  }

  #release(entry: Entry, how: Settle): void {
    this.model.release(entry, 'redelivered');
    entry.readyAtMs = this.#readyAtMs(entry, how);
    this.model.refresh();
  }

  /** Its next return is its end. */
  #isSpent({ deliveries }: Entry): boolean {
    return deliveries >= (this.#options.deliveryLimit ?? Infinity);
  }

  #isOver({ address }: Entry): boolean {
    const waitsMs = Math.min(this.#options.ttlMs ?? Infinity, this.#expirationMs.get(address) ?? Infinity);
    return this.#nowMs >= this.#publishedMs.get(address)! + waitsMs;
  }

  #comeBack(doubt: Doubt): void {
    this.#crashes++;
    const { again, lost } = this.#next;
    this.#next = { again: -1, lost: 0 };
    if (again >= 0) this.memory.lightFuse(again);
    let isSure = true;
    for (let recovered = false; !recovered; ) {
      this.#machine = this.#make();
      try {
        this.#machine.recover();
        recovered = true;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        this.#crashes++;
        isSure = false;
      }
    }
    const { active, consumers } = this.model;
    this.#countReturns(doubt, isSure);
    this.model.crash();
    this.#settleDoubt(doubt);
    if (active !== undefined) this.#machine.consumers.expect(active.spec.connection, active.spec.key);
    for (const before of consumers.reverse()) {
      if (before.spec.connection === lost) continue;
      const spec = { ...before.spec, order: before.order };
      const holder = new Holder(spec, this.#machine.resubscribe(spec), false, before.order);
      if (before === active) this.model.active = holder;
      this.model.holders.push(holder);
    }
    if (this.model.active === undefined) this.#machine.consumers.expectNobody();
    this.model.activate();
    this.model.refresh();
  }

  /** A crash counts what was unsettled once, up to the limit. Only where it fell, and where the recovery crashed, a count may be missing. */
  #countReturns({ gone = [], marked = [] }: Doubt, isSure: boolean): void {
    const doubtful = new Set([...gone, ...marked]);
    const seen = new Map(dumpLedger(this.memory, SMALL.chunkShift).map((each) => [each.position, each]));
    for (const entry of this.model.entries) {
      const found = seen.get(entry.position);
      if (found === undefined) continue;
      const most = Math.min(entry.deliveries + 1, Math.max(entry.deliveries, this.#options.deliveryLimit ?? Infinity));
      const wasHeld = entry.holder !== undefined;
      if (doubtful.has(entry) || (wasHeld && !isSure)) {
        assert.ok(found.deliveries >= entry.deliveries && found.deliveries <= most, 'a crash counts once at most');
      } else assert.is(found.deliveries, wasHeld ? most : entry.deliveries, 'a crash counts what was unsettled');
      entry.deliveries = found.deliveries;
    }
  }

  /** The ledger decides what the crash left open, and nothing else. */
  #settleDoubt({ gone = [], marked = [], waiting = [] }: Doubt): void {
    const seen = new Map(dumpLedger(this.memory, SMALL.chunkShift).map((each) => [each.position, each]));
    this.#beginAnew(new Set([...gone, ...marked, ...waiting]), seen);
    const over = gone.filter((entry) => !seen.has(entry.position) && this.model.entries.includes(entry));
    this.model.entries = this.model.entries.filter((entry) => !over.includes(entry));
    const leaked = over.filter(({ address }) => this.memory.lent.has(address));
    assert.ok(leaked.length <= 1, 'a crash costs one lease at most');
    this.#leaked.push(...leaked.map(({ address }) => address));
    for (const entry of marked) entry.redelivered ||= seen.get(entry.position)?.redelivered === true;
    const dropped = this.#machine.counter(DROPPED);
    assert.ok(dropped >= this.model.dropped && dropped <= this.model.dropped + over.length, 'dropped after a crash');
    this.model.settled += over.length - (dropped - this.model.dropped);
    this.model.dropped = dropped;
  }

  /** What waited when it crashed waits as long again. */
  #beginAnew(doubtful: ReadonlySet<Entry>, seen: ReadonlyMap<number, Seen>): void {
    for (const entry of this.model.entries) {
      const found = seen.get(entry.position);
      if (found === undefined) continue;
      if (!doubtful.has(entry)) assert.is(found.delayed, entry.readyAtMs !== undefined, 'what waits is known after a crash');
      const { type } = this.#options.delayedRetry ?? { type: 'all' };
      entry.readyAtMs = found.delayed ? this.#readyAtMs(entry, type === 'returned' ? Settle.returned : Settle.requeue) : undefined;
    }
  }

  get crashes(): number {
    return this.#crashes;
  }

  // ---- steps

  lightFuse(changes: number, again: number, lost: number): void {
    this.memory.lightFuse(changes);
    this.#next = { again, lost };
  }

  /** A letter is given again after a crash until it is read to its end. */
  publish(sender: number, count: number, expirationMs?: number): void {
    const number = ++this.#letters;
    const letter = Array.from({ length: count }, () => this.memory.message());
    for (const address of letter) {
      this.#publishedMs.set(address, this.#nowMs);
      if (expirationMs !== undefined) this.#expirationMs.set(address, expirationMs);
    }
    const read = (): void => {
      const done = this.#machine.beginLetter(sender, number);
      for (const address of letter.slice(done)) assert.ok(this.#machine.publish(address, false, expirationMs !== undefined));
    };
    const before = this.model.tail;
    for (let attempt = this.#attempt(() => ({}), read); attempt === undefined; ) attempt = this.#attempt(() => ({}), read);
    assert.is((this.memory.plainSlots[TAIL]! - before) | 0, count, 'each message of a letter is there once');
    for (const address of letter) this.model.accept(address, Math.min(this.#priorityOf(address), this.#options.maxPriority ?? 0));
  }

  consume(spec: ConsumerSpec): void {
    const { consumers } = this.model;
    const refused =
      consumers.some((each) => each.spec.exclusive) || (spec.exclusive && (consumers.length > 0 || this.#options.single));
    const result = this.#machine.consume(spec);
    assert.is('code' in result, refused, 'exclusive use');
    if (!('code' in result)) this.model.add(new Holder(spec, result, false, result.order));
  }

  cancel(holder: Holder): void {
    this.#machine.cancel(holder.real);
    this.model.retire(holder);
    this.model.forgetIdle();
  }

  dispatch(): void {
    this.#dispatching = true;
    this.#dispatch();
    this.#dispatching = false;
  }

  #dispatch(): void {
    const before = this.model.ready.length;
    const attempt = this.#attempt(() => ({ marked: this.model.ready.slice(0, this.#dropping === undefined ? 1 : 2) }), () => this.#machine.dispatch());
    if (attempt === undefined) return;
    const delivered = before - this.model.ready.length;
    const more = this.model.ready.length > 0 && this.model.holders.some((holder) => this.model.able(holder));
    assert.ok(delivered <= SMALL.dispatchMax, 'a dispatch has a limit');
    if (attempt.value) assert.is(delivered, SMALL.dispatchMax, 'a dispatch stops at its limit');
    else assert.not(more, 'a dispatch stops when nobody can take anything');
  }

  /** Time goes on. */
  pass(ms: number): void {
    this.#nowMs += ms;
  }

  /** Drops what has expired at the head, however often it crashes. */
  dropExpired(): void {
    const attempt = this.#attempt(() => ({}), () => this.#machine.dropExpired());
    if (attempt === undefined) return this.dropExpired();
    this.#offeredTo = this.model.tail;
    const [oldest] = this.model.ready;
    if (oldest === undefined) return assert.is(attempt.value, Infinity);
    assert.not(this.#isOver(oldest), 'the head has not expired');
    const waitsMs = Math.min(this.#options.ttlMs ?? Infinity, this.#expirationMs.get(oldest.address) ?? Infinity);
    assert.is(attempt.value, this.#publishedMs.get(oldest.address)! + waitsMs, 'when the head expires');
  }

  /** What has waited long enough is ready again, however often it crashes. */
  endDelays(): void {
    const over = this.model.delayed.filter(({ readyAtMs }) => readyAtMs! <= this.#nowMs).sort(byTime);
    const attempt = this.#attempt(() => ({ waiting: over }), () => this.#machine.endDelays());
    if (attempt === undefined) return this.endDelays();
    for (const entry of over.slice(0, SMALL.retryMax)) entry.readyAtMs = undefined;
    assert.is(attempt.value, this.model.delayed.sort(byTime)[0]?.readyAtMs ?? Infinity, 'when the next is ready');
    this.model.refresh();
    if (attempt.value <= this.#nowMs) this.endDelays();
  }

  get(spec: ConsumerSpec): void {
    this.dropExpired();
    const real = this.#machine.consumers.getter(spec);
    if (!this.model.holders.some((each) => each.real === real)) this.model.holders.push(new Holder(spec, real, true, 0));
    const before = this.model.ready.length;
    const attempt = this.#attempt(() => ({ marked: this.model.ready.slice(0, 1) }), () => this.#machine.get(real));
    if (attempt !== undefined) assert.is(attempt.value, before > 0);
  }

  settle(entry: Entry, how: Settle): void {
    const { spec } = entry.holder!;
    const holder = entry.holder!;
    const comesBack = how === Settle.requeue || how === Settle.returned;
    const isSpent = comesBack && this.#isSpent(entry);
    const open = { gone: (comesBack && !isSpent) || how === Settle.unsent || how === Settle.surplus ? [] : [entry], marked: [entry] };
    const { redelivered } = entry;
    const doubt = (): Doubt => {
      entry.redelivered = redelivered || how !== Settle.unsent;
      return open;
    };
    if (this.#attempt(doubt, () => this.#machine.settle(entry.position, how, spec.connection)) === undefined) return;
    if (isWindowed(holder, SMALL.window) && (how === Settle.taken || how === Settle.unsent)) holder.unreported--;
    if (isSpent) assert.not(this.model.entries.includes(entry), 'what comes back too often goes');
    else if (comesBack) this.#release(entry, how);
    else if (how === Settle.unsent) this.model.release(entry, 'as it was');
    else if (how === Settle.surplus) this.model.release(entry, 'marked');
    else this.model.release(entry, undefined, how === Settle.discard ? 'dropped' : 'settled');
  }

  /** Acknowledges several deliveries of one connection, or reports them as taken, among what is over. */
  settleAll(entries: readonly Entry[], vain: number): void {
    const { noAck, connection } = entries[0]!.holder!.spec;
    const how = noAck ? Settle.taken : Settle.ack;
    const positions = entries.map(({ position }) => position);
    positions.splice(vain % (positions.length + 1), 0, (this.model.tail + 5) | 0);
    const batch = Int32Array.from([...positions, ...positions]);
    const doubt = (): Doubt => ({ gone: entries, marked: entries.map((entry) => Object.assign(entry, { redelivered: true })) });
    if (this.#attempt(doubt, () => this.#machine.settleAll(batch, positions.length, how, connection)) === undefined) return;
    for (const entry of entries) {
      if (isWindowed(entry.holder!, SMALL.window) && how === Settle.taken) entry.holder!.unreported--;
      this.model.release(entry, undefined, 'settled');
    }
  }

  /** A settle that speaks of what is over, or not of the sender's. */
  settleInVain(position: number, connection: number): void {
    const entry = this.model.entries.find((each) => each.position === position);
    if (entry?.holder?.spec.connection === connection) return;
    this.#machine.settleAll(Int32Array.of(position), 1, Settle.ack, connection);
  }

  report(holder: Holder): void {
    this.#machine.taken(holder.real, holder.unreported);
    for (const entry of this.model.unsettled) if (entry.holder === holder) entry.reported = true;
    holder.unreported = 0;
    this.model.refresh();
  }

  setStopped(holder: Holder, stopped: boolean): void {
    this.#machine.setStopped(holder.real, stopped);
    holder.stopped = stopped;
    this.model.refresh();
  }

  purge(): void {
    const free = [...this.model.ready, ...this.model.delayed];
    const attempt = this.#attempt(() => ({ gone: free, marked: [] }), () => this.#machine.purge());
    if (attempt === undefined) return;
    assert.is(attempt.value, free.length);
    for (const entry of free) this.model.release(entry, undefined, 'dropped');
  }

  dropHead(): void {
    const ready = this.model.ready.slice(0, 1);
    if (this.#attempt(() => ({ gone: ready }), () => this.#machine.dropHead()) === undefined) return;
    this.model.release(ready[0]!, undefined, 'dropped');
  }

  /** A channel (0: a whole connection) holds nothing any more. */
  detach(connection: number, channel: number): void {
    const isGone = ({ spec }: Consumer): boolean =>
      spec.connection === connection && (channel === 0 || spec.channel === channel);
    const held = this.model.unsettled.filter(({ holder }) => holder!.is(connection, channel));
    const noAck = held.filter(({ holder }) => holder!.spec.noAck);
    const spent = held.filter((entry) => !noAck.includes(entry) && this.#isSpent(entry));
    for (const holder of this.model.consumers) {
      if (!holder.is(connection, channel)) continue;
      this.#machine.cancel(holder.real);
      this.model.retire(holder);
    }
    const attempt = this.#attempt(
      () => ({ gone: [...noAck, ...spent], marked: held }),
      () => {
        this.#machine.returnHeldBy(isGone);
        this.#machine.consumers.forgetGetters(isGone);
      },
    );
    if (attempt === undefined) return;
    for (const entry of held) {
      if (spent.includes(entry)) assert.not(this.model.entries.includes(entry), 'what comes back too often goes');
      else if (noAck.includes(entry)) this.model.release(entry, undefined);
      else this.#release(entry, Settle.requeue);
    }
    this.model.holders = this.model.holders.filter((holder) => !(holder.getter && holder.is(connection, channel)));
    this.model.forgetIdle();
  }

  /** The queue is deleted, and its memory is all back; then a new one begins in its place. */
  clear(): void {
    this.memory.quench();
    this.#machine.clear();
    for (const address of this.#leaked) this.memory.lent.delete(address);
    assert.is(this.memory.lent.size, 0, 'every lease ends with the queue');
    assert.ok(this.memory.chunkCount <= this.#crashes, 'every chunk comes back but those that a crash cut loose');
  }

  // ---- what must be true after each step

  check(): void {
    const { model } = this;
    assert.is(this.#machine.ready, model.ready.length, 'ready');
    assert.is(this.#machine.unsettled, model.unsettled.length, 'unsettled');
    assert.is(this.#machine.delayed, model.delayed.length, 'delayed');
    assert.is(this.#machine.readyBytes, model.ready.reduce((sum, { address }) => sum + sizeOf(address), 0), 'bytes of ready messages');
    assert.equal(
      dumpLedger(this.memory, SMALL.chunkShift),
      model.entries.map(({ position, address, redelivered, deliveries, readyAtMs, holder }) => {
        return { position, address, ready: holder === undefined, redelivered, deliveries, delayed: readyAtMs !== undefined };
      }),
      'the ledger holds what the model holds',
    );
    assert.is(this.memory.plainSlots[HEAD], model.entries[0]?.position ?? model.tail, 'head stands at the oldest message');
    const start = this.#options.start;
    const counters = [ACCEPTED, SETTLED, DROPPED].map((word) => this.#machine.counter(word));
    assert.equal(counters, [(start + model.accepted) | 0, (start + model.settled) | 0, model.dropped], 'accepted, settled, dropped');
    assert.is(model.entries.length + model.settled + model.dropped, model.accepted, 'conservation');
    this.#checkLeases();
    this.#checkHolders();
  }

  #checkLeases(): void {
    const held = new Set([...this.model.entries.map(({ address }) => address), ...this.#leaked]);
    assert.is(this.memory.lent.size, held.size, 'one lease for each message that is not gone');
    for (const address of held) assert.ok(this.memory.lent.has(address), `message ${address} has its lease`);
    const { entries, tail } = this.model;
    const chunks = new Set(entries.map(({ position }) => position >>> SMALL.chunkShift));
    const span = ((tail - (entries[0]?.position ?? tail)) | 0) / 2 ** SMALL.chunkShift;
    // Beside TAIL's: those between which a link would be too long, for each of which it would be longer than the longest.
    const allowed = chunks.size + 1 + (2 * (span + 1)) / SMALL.gapMax + this.#crashes;
    assert.ok(this.memory.chunkCount <= allowed, `${this.memory.chunkCount} chunks, of which ${chunks.size} hold something`);
  }

  #checkHolders(): void {
    assert.is(this.#machine.consumers.count, this.model.consumers.length, 'consumers');
    if (this.#options.single) assert.is(this.#machine.consumers.active, this.model.active?.real, 'the active consumer');
    for (const { real, outstanding, unreported, getter, retired } of this.model.holders) {
      assert.is(real.outstanding, outstanding, 'unsettled at a consumer');
      assert.ok(outstanding >= 0 && outstanding <= real.limit, 'credit');
      if (real.windowed && !getter && !retired) assert.is(real.onTheWay, unreported, 'on the way to a consumer');
    }
  }
}

function byTime(one: Entry, other: Entry): number {
  return one.readyAtMs! - other.readyAtMs! || (one.position - other.position) | 0;
}
