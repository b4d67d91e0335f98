/**
 * The timers of one thread: a hierarchical wheel for a hundred thousand heartbeats and more, behind a single timer of the host.
 * Arming, moving and cancelling take constant time; so does a tick, apart from the timers that fire in it. Time is passed in.
 *
 * Time is cut into ticks of 10 ms. Four wheels of 64 slots turn at different speeds; a timer lies in the wheel whose reach its
 * distance fits, in the slot of its tick, and is taken one wheel down when the slower wheel comes to its slot:
 *
 *   wheel   one slot     reach        slot of a tick
 *     0     10 ms        640 ms       tick           mod 64     fires from here
 *     1     640 ms       41 s         tick / 64      mod 64     \
 *     2     41 s         43 min       tick / 64^2    mod 64      > taken down when the slot begins
 *     3     43 min       46 h         tick / 64^3    mod 64     /      (what is further away waits in the last slot)
 *
 * A wheel whose current block is k holds the blocks k+1 to k+64, which are all different mod 64; so a slot never mixes two turns.
 *
 * A timer never fires early, and at most one tick after its time when `advance` is called at `nextAtMs()`. Timers of one tick fire
 * in no particular order. Nobody may rely on a cancelled timer being silent across threads; hence the epochs.
 */

/** The coarseness of the wheel, milliseconds. */
export const TICK_MS = 10;

const SLOTS = 64;
/** Ticks in one slot of each wheel, and the reach of the last. */
const SPANS = [1, SLOTS, SLOTS ** 2, SLOTS ** 3] as const;
const REACH_TICKS = SLOTS ** 4;

type Timer<Key> = {
  readonly key: Key;
  tick: number;
  epoch: number;
  wheel: number;
  slot: number;
  /** Neighbours in the slot. */
  before: Timer<Key> | null;
  after: Timer<Key> | null;
};

/** Told of a timer that fires; `epoch` is what `arm` answered. It may arm and cancel any timer, this one included. */
export type TimerFired<Key> = (key: Key, epoch: number) => void;

export class TimerWheel<Key> {
  readonly #timers = new Map<Key, Timer<Key>>();
  /** The first timer of each slot, wheel after wheel. */
  readonly #slots: (Timer<Key> | null)[] = new Array<Timer<Key> | null>(SPANS.length * SLOTS).fill(null);
  readonly #counts = new Int32Array(SPANS.length);
  #tick: number;
  #epoch = 0;

  /** `nowMs`: monotonic, as in all calls. */
  constructor(nowMs: number) {
    this.#tick = Math.floor(nowMs / TICK_MS);
  }

  /** Timers that are armed. */
  get size(): number {
    return this.#timers.size;
  }

  /** Arms the timer, or moves it when it is armed already. Answers the epoch of this arming, which no other arming has. */
  arm(key: Key, atMs: number): number {
    this.#epoch += 1;
    let timer = this.#timers.get(key);
    if (timer === undefined) {
      timer = { key, tick: 0, epoch: 0, wheel: 0, slot: 0, before: null, after: null };
      this.#timers.set(key, timer);
    } else this.#unlink(timer);
    timer.epoch = this.#epoch;
    // What is due already fires with the next tick, so that a timer that arms itself in the past does not hold up `advance`.
    timer.tick = Math.max(Math.ceil(atMs / TICK_MS), this.#tick + 1);
    this.#link(timer);
    return timer.epoch;
  }

  /** Whether there was such a timer. */
  cancel(key: Key): boolean {
    const timer = this.#timers.get(key);
    if (timer === undefined) return false;
    this.#unlink(timer);
    return this.#timers.delete(key);
  }

  /** Fires all timers that are due at `nowMs`, in the order of their ticks. Time that goes backwards is ignored. */
  advance(nowMs: number, fire: TimerFired<Key>): void {
    const nowTick = Math.floor(nowMs / TICK_MS);
    for (let tick = this.#nextTick(); tick <= nowTick; tick = this.#nextTick()) {
      this.#tick = tick;
      this.#takeDown();
      const slot = tick % SLOTS;
      for (let timer = this.#slots[slot]; timer != null; timer = this.#slots[slot]) {
        this.#unlink(timer);
        this.#timers.delete(timer.key);
        fire(timer.key, timer.epoch);
      }
    }
    this.#tick = Math.max(this.#tick, nowTick);
  }

  /**
   * When `advance` wants to be called next, milliseconds; infinity when no timer is armed. Never later than one tick after the
   * earliest timer; earlier when a slot has to be taken down first, and then nothing fires.
   */
  nextAtMs(): number {
    return this.#nextTick() * TICK_MS;
  }

  /** The first tick at which a slot fires or is taken down: at most 64 looks in each wheel that holds anything. */
  #nextTick(): number {
    let next = Number.POSITIVE_INFINITY;
    for (let wheel = 0; wheel < SPANS.length; wheel++) {
      if (this.#counts[wheel] === 0) continue;
      const span = SPANS[wheel] as number;
      const block = Math.floor(this.#tick / span);
      for (let ahead = 1; ahead <= SLOTS; ahead++) {
        if (this.#slots[wheel * SLOTS + ((block + ahead) % SLOTS)] === null) continue;
        next = Math.min(next, (block + ahead) * span);
        break;
      }
    }
    return next;
  }

  /** Moves the timers of the slots that begin with this tick to faster wheels, from the slowest wheel on. */
  #takeDown(): void {
    for (let wheel = SPANS.length - 1; wheel > 0; wheel--) {
      const span = SPANS[wheel] as number;
      if (this.#tick % span !== 0) continue;
      const slot = wheel * SLOTS + ((this.#tick / span) % SLOTS);
      let timer = this.#slots[slot] ?? null;
      this.#slots[slot] = null;
      while (timer !== null) {
        const after: Timer<Key> | null = timer.after;
        this.#counts[wheel] = (this.#counts[wheel] ?? 0) - 1;
        this.#link(timer);
        timer = after;
      }
    }
  }

  #link(timer: Timer<Key>): void {
    const ahead = Math.min(timer.tick - this.#tick, REACH_TICKS - 1);
    let wheel = 0;
    while (wheel < SPANS.length - 1 && ahead >= (SPANS[wheel + 1] as number)) wheel += 1;
    const block = Math.floor((this.#tick + ahead) / (SPANS[wheel] as number));
    timer.wheel = wheel;
    timer.slot = wheel * SLOTS + (block % SLOTS);
    const head = this.#slots[timer.slot] ?? null;
    timer.before = null;
    timer.after = head;
    if (head !== null) head.before = timer;
    this.#slots[timer.slot] = timer;
    this.#counts[wheel] = (this.#counts[wheel] ?? 0) + 1;
  }

  #unlink(timer: Timer<Key>): void {
    if (timer.before === null) this.#slots[timer.slot] = timer.after;
    else timer.before.after = timer.after;
    if (timer.after !== null) timer.after.before = timer.before;
    timer.before = null;
    timer.after = null;
    this.#counts[timer.wheel] = (this.#counts[timer.wheel] ?? 0) - 1;
  }
}
