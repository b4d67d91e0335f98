/**
 * What is going to go wrong in a run, drawn from the seed before anything starts: the same seed and options give the same plan.
 * Where exactly it strikes is up to threads and the system.
 */
import type { CrashPlan } from '../../src/main/fault-schedule.ts';
import { storeThread } from '../../actors/messages/store-messages.ts';
import { SeededRandom } from './seeded-random.ts';

/** Actors of a group crash at one of their next letters. */
export type CrashOrder = {
  readonly kind: 'crash';
  readonly group: CrashPlan['group'];
  /** A scheduler thread, from 1, or the store's, which follows them; 0 is the main thread. */
  readonly thread: number;
  readonly seed: number;
  readonly everyLetters: number;
  /** Twice: the second may strike while the first is being repaired. Never more, or a letter would count as poisonous. */
  readonly crashes: 1 | 2;
};

/** A scheduler thread ends, between two events, amid its letters, or because its heap is full; or it hears nothing for a while. */
export type ThreadOrder = { readonly kind: 'end' | 'end-amid-letters' | 'exhaust' | 'stall'; readonly thread: number; readonly seed: number; readonly stallMs: number };

/**
 * The process is killed while it serves, while it recovers from the kill before, or while it closes after SIGTERM; or it loses the
 * thread of its store, and has to end by itself.
 */
export type KillOrder = {
  readonly kind: 'running' | 'recovering' | 'stopping' | 'store';
  /** After it has come to serve, ms; a kill while it recovers comes before that. */
  readonly afterMs: number;
  /** Of a recovery or a close: how far it gets, as a share of how long the last start took. Of a store: below a half its heap is exhausted. */
  readonly share: number;
};

/** Orders of one kind follow each other; `atMs` says when each is due, from the beginning. */
export type Orders<T> = { readonly orders: readonly T[]; readonly atMs: readonly number[] };
export type FaultPlan = { readonly crashes: Orders<CrashOrder>; readonly threads: Orders<ThreadOrder>; readonly kills: readonly KillOrder[] };

export type FaultCounts = { readonly crashes: number; readonly kills: number; readonly storeLosses: number; readonly threads: number; readonly schedulers: number; readonly durationMs: number };

/** Kills during recovery, and as many during the close. */
const SPECIAL_KILL_SHARE = 0.2;
/** A kill comes this soon after the start at the earliest, and this late at the latest, when the duration allows. */
const KILL_AFTER_LEAST_MS = 50;
const KILL_AFTER_MOST_MS = 3_000;
/** What killing and starting take beside the pause, for planning. */
const RESTART_ESTIMATE_MS = 900;
/** One thread fault more in so many is a stall. */
const STALL_ONE_IN = 4;
const STALL_LEAST_MS = 50;
const STALL_MOST_MS = 800;
const LETTERS_MOST = 60;
const ENDS: readonly ThreadOrder['kind'][] = ['end', 'end-amid-letters', 'end-amid-letters', 'exhaust'];

/** Who crashes how often, in a hundred. */
const GROUP_SHARES: readonly (readonly [group: CrashPlan['group'], share: number])[] = [
  ['queue', 47],
  ['connection', 24],
  ['store-writer', 17],
  ['topology-writer', 6],
  ['replica', 4],
  ['keeper', 2],
];
/** Groups that read letters only when they are stirred. */
export const IDLE_GROUPS: ReadonlySet<CrashPlan['group']> = new Set(['topology-writer', 'replica', 'keeper']);
const MAIN_THREAD_GROUPS: ReadonlySet<CrashPlan['group']> = new Set(['topology-writer', 'keeper', 'janitor']);

export function planFaults(seed: number, counts: FaultCounts): FaultPlan {
  const random = new SeededRandom(seed);
  return { crashes: planCrashes(random.branch(), counts), threads: planThreads(random.branch(), counts), kills: planKills(random.branch(), counts) };
}

function planCrashes(random: SeededRandom, { crashes, durationMs, schedulers }: FaultCounts): Orders<CrashOrder> {
  const orders: CrashOrder[] = [];
  for (let planned = 0; planned < crashes; ) {
    const group = drawGroup(random);
    const isIdle = IDLE_GROUPS.has(group);
    const twice = !isIdle && planned + 2 <= crashes && random.oneIn(6) ? 2 : 1;
    const everyLetters = isIdle ? 1 : twice === 2 ? random.between(1, 4) : random.between(1, LETTERS_MOST);
    const scheduler = random.between(1, schedulers);
    const thread = MAIN_THREAD_GROUPS.has(group) ? 0 : group === 'store-writer' ? storeThread(schedulers) : scheduler;
    orders.push({ kind: 'crash', group, thread, seed: random.below(0x7fff_ffff), everyLetters, crashes: twice });
    planned += twice;
  }
  return { orders, atMs: moments(random, orders.length, durationMs) };
}

function drawGroup(random: SeededRandom): CrashPlan['group'] {
  let left = random.below(100);
  for (const [group, share] of GROUP_SHARES) if ((left -= share) < 0) return group;
  return 'queue';
}

function planThreads(random: SeededRandom, { threads, schedulers, durationMs }: FaultCounts): Orders<ThreadOrder> {
  const ends = Array.from({ length: threads }, (): ThreadOrder['kind'] => ENDS[random.below(ENDS.length)] as ThreadOrder['kind']);
  const stalls = Array.from({ length: Math.floor(threads / STALL_ONE_IN) }, (): ThreadOrder['kind'] => 'stall');
  const orders = random.shuffle([...ends, ...stalls]).map(
    (kind): ThreadOrder => ({ kind, thread: random.between(1, schedulers), seed: random.below(0x7fff_ffff), stallMs: random.between(STALL_LEAST_MS, STALL_MOST_MS) }),
  );
  return { orders, atMs: moments(random, orders.length, durationMs) };
}

function planKills(random: SeededRandom, { kills, storeLosses, durationMs }: FaultCounts): KillOrder[] {
  const ends = kills + storeLosses;
  const special = Math.round(kills * SPECIAL_KILL_SHARE);
  const kinds = Array.from({ length: ends }, (_, index): KillOrder['kind'] =>
    index < special ? 'recovering' : index < 2 * special ? 'stopping' : index < kills ? 'running' : 'store',
  );
  // Half of the most on average: with the restarts, that fills the duration.
  const mostMs = Math.min(KILL_AFTER_MOST_MS, Math.max(4 * KILL_AFTER_LEAST_MS, 2 * (durationMs / Math.max(1, ends) - RESTART_ESTIMATE_MS)));
  const shuffled = random.shuffle(kinds);
  // There is nothing to recover from before the first kill.
  const first = shuffled.findIndex((kind) => kind !== 'recovering');
  if (first > 0) [shuffled[0], shuffled[first]] = [shuffled[first] as KillOrder['kind'], shuffled[0] as KillOrder['kind']];
  return shuffled.map((kind): KillOrder => ({ kind, afterMs: random.between(KILL_AFTER_LEAST_MS, Math.floor(mostMs)), share: random.fraction() }));
}

/** Moments of the duration, in order. */
function moments(random: SeededRandom, count: number, durationMs: number): number[] {
  return Array.from({ length: count }, () => random.fraction() * durationMs).sort((left, right) => left - right);
}
