/**
 * The question `fault` of the control socket: the owner of a node orders something to go wrong in it (`fault-schedule.ts`). It
 * is read strictly: whoever hurts a node must have meant exactly that.
 */
import type { CrashPlan, Fault } from './fault-schedule.ts';

export type FaultQuestion = { readonly thread: number; readonly fault: Fault } | { readonly problem: string };

/** A thread may be made to hear nothing for so long at most, ms. */
export const STALL_MS_MAX = 60_000;
/** Who lives where: a plan for somebody who is not there would never come true. */
const MAIN_GROUPS: readonly CrashPlan['group'][] = ['topology-writer', 'keeper', 'janitor'];
const SCHEDULER_GROUPS: readonly CrashPlan['group'][] = ['queue', 'connection', 'replica'];
const STORE_GROUPS: readonly CrashPlan['group'][] = ['store-writer'];
const COUNT_MAX = 1_000_000_000;
const SEED_MAX = 0x7fff_ffff;

/**
 * `schedulers`: how many scheduler threads the node has. 0 is the main thread, where plans alone may be ordered; the one after the
 * scheduler threads is the store's, whose end is the end of the node.
 */
export function readFaultQuestion({ thread, fault }: Readonly<Record<string, unknown>>, schedulers: number): FaultQuestion {
  const store = schedulers + 1;
  if (!isWhole(thread, 0, store)) return { problem: `the field "thread" must be a number from 0 to ${store}, which is the store's` };
  if (typeof fault !== 'object' || fault === null) return { problem: 'the field "fault" is missing' };
  const { type, plan, ms } = fault as Readonly<Record<string, unknown>>;
  if (type === 'plan') return readPlan(thread, thread === 0 ? MAIN_GROUPS : thread === store ? STORE_GROUPS : SCHEDULER_GROUPS, plan);
  if (thread === 0) return { problem: 'the main thread can neither end nor be stalled' };
  if (type === 'end thread' || type === 'exhaust heap') return { thread, fault: { type } };
  if (type === 'stall' && isWhole(ms, 0, STALL_MS_MAX)) return { thread, fault: { type, ms } };
  return { problem: `there is no such fault; known are "plan", "end thread", "exhaust heap" and "stall" with "ms" up to ${STALL_MS_MAX}` };
}

function readPlan(thread: number, groups: readonly unknown[], given: unknown): FaultQuestion {
  if (given === undefined) return { thread, fault: { type: 'plan', plan: undefined } };
  if (typeof given !== 'object' || given === null) return { problem: 'the plan must be an object' };
  const { group, seed, everyLetters, crashesMax, endsThread } = given as Readonly<Record<string, unknown>>;
  if (!groups.includes(group)) return { problem: `on thread ${thread} the plan's group must be one of ${groups.join(', ')}` };
  if (!isWhole(seed, 0, SEED_MAX) || !isWhole(everyLetters, 1, COUNT_MAX) || !isWhole(crashesMax, 1, COUNT_MAX)) {
    return { problem: 'the plan needs whole numbers as seed, everyLetters and crashesMax' };
  }
  if (endsThread === true && thread === 0) return { problem: 'the main thread cannot be ended by a plan' };
  const plan: CrashPlan = { group: group as CrashPlan['group'], seed, everyLetters, crashesMax, endsThread: endsThread === true };
  return { thread, fault: { type: 'plan', plan } };
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}
