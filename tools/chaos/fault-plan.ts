/**
 * What is going to go wrong in a run, drawn from the seed before anything starts: the same seed and options give the same plan.
 * Where exactly it strikes is up to threads and the system.
 */
import type { CrashPlan } from '../../src/main/fault-schedule.ts';
import { SeededRandom } from './seeded-random.ts';

/** Actors of a group crash at one of their next letters. */
export type CrashOrder = {
  readonly kind: 'crash';
  readonly group: CrashPlan['group'];
  /** A scheduler thread, from 1; 0 is the main thread. */
  readonly thread: number;
  readonly seed: number;
  readonly everyLetters: number;
  /** Twice: the second may strike while the first is being repaired. Never more, or a letter would count as poisonous. */
  readonly crashes: 1 | 2;
};

/** A scheduler thread ends, between two events or amid its letters; or it hears nothing for a while. */
export type ThreadOrder = { readonly kind: 'end' | 'end-amid-letters' | 'stall'; readonly thread: number; readonly seed: number; readonly stallMs: number };

/** The process is killed while it serves, while it recovers from the kill before, or while it closes after SIGTERM. */
export type KillOrder = {
  readonly kind: 'running' | 'recovering' | 'stopping';
  /** After it has come to serve, ms; a kill while it recovers comes before that. */
  readonly afterMs: number;
  /** Of a recovery or a close: how far it gets, as a share of how long the last start took. */
  readonly share: number;
};

/** Orders of one kind follow each other; `atMs` says when each is due, from the beginning. */
export type Orders<T> = { readonly orders: readonly T[]; readonly atMs: readonly number[] };
export type FaultPlan = { readonly crashes: Orders<CrashOrder>; readonly threads: Orders<ThreadOrder>; readonly kills: readonly KillOrder[] };

export type FaultCounts = { readonly crashes: number; readonly kills: number; readonly threads: number; readonly schedulers: number; readonly durationMs: number };

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

/** Groups whose supervisors bear few crashes a minute: one of them at most in so long. */
const RARE_GROUPS: readonly CrashPlan['group'][] = ['topology-writer', 'replica', 'keeper'];
const RARE_EVERY_MS = 25_000;
const MAIN_THREAD_GROUPS: ReadonlySet<CrashPlan['group']> = new Set(['topology-writer', 'keeper', 'janitor']);

export function planFaults(seed: number, counts: FaultCounts): FaultPlan {
  const random = new SeededRandom(seed);
  return { crashes: planCrashes(random.branch(), counts), threads: planThreads(random.branch(), counts), kills: planKills(random.branch(), counts) };
}

function planCrashes(random: SeededRandom, { crashes, durationMs, schedulers }: FaultCounts): Orders<CrashOrder> {
  const orders: CrashOrder[] = [];
  const gapMs = durationMs / (crashes + 1);
  const rareEvery = Math.max(2, Math.ceil(RARE_EVERY_MS / gapMs));
  const rareAt = Math.min(rareEvery, crashes) >> 1;
  for (let planned = 0, turn = 0; planned < crashes; turn++) {
    const isRare = turn % rareEvery === rareAt;
    const group = isRare ? (RARE_GROUPS[Math.floor(turn / rareEvery) % RARE_GROUPS.length] as CrashPlan['group']) : random.oneIn(3) ? 'connection' : 'queue';
    const twice = !isRare && planned + 2 <= crashes && random.oneIn(6) ? 2 : 1;
    const everyLetters = isRare ? 1 : twice === 2 ? random.between(1, 4) : random.between(1, LETTERS_MOST);
    const thread = MAIN_THREAD_GROUPS.has(group) ? 0 : random.between(1, schedulers);
    orders.push({ kind: 'crash', group, thread, seed: random.below(0x7fff_ffff), everyLetters, crashes: twice });
    planned += twice;
  }
  return { orders, atMs: moments(random, orders.length, durationMs) };
}

function planThreads(random: SeededRandom, { threads, schedulers, durationMs }: FaultCounts): Orders<ThreadOrder> {
  const ends = Array.from({ length: threads }, (): ThreadOrder['kind'] => (random.oneIn(2) ? 'end' : 'end-amid-letters'));
  const stalls = Array.from({ length: Math.floor(threads / STALL_ONE_IN) }, (): ThreadOrder['kind'] => 'stall');
  const orders = random.shuffle([...ends, ...stalls]).map(
    (kind): ThreadOrder => ({ kind, thread: random.between(1, schedulers), seed: random.below(0x7fff_ffff), stallMs: random.between(STALL_LEAST_MS, STALL_MOST_MS) }),
  );
  return { orders, atMs: moments(random, orders.length, durationMs) };
}

function planKills(random: SeededRandom, { kills, durationMs }: FaultCounts): KillOrder[] {
  const special = Math.round(kills * SPECIAL_KILL_SHARE);
  const kinds = Array.from({ length: kills }, (_, index): KillOrder['kind'] => (index < special ? 'recovering' : index < 2 * special ? 'stopping' : 'running'));
  // Half of the most on average: with the restarts, that fills the duration.
  const mostMs = Math.min(KILL_AFTER_MOST_MS, Math.max(4 * KILL_AFTER_LEAST_MS, 2 * (durationMs / Math.max(1, kills) - RESTART_ESTIMATE_MS)));
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
