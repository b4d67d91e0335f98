/** Producers with a rate that do not start together: each has a schedule of its own, and whoever is due next sends next. */
import type { Step } from '../scenario/load.ts';
import { nowNs, pause } from './clock.ts';
import type { Pacer } from './pacer.ts';
import type { Producer } from './producer.ts';

/** `left`: how many messages it still sends. */
export type Schedule = { readonly producer: Producer; readonly pacer: Pacer; left: number };

/** How many overdue messages of one producer leave in one write. */
const CATCH_UP_LIMIT = 500;
/** A timer of the event loop is late by up to so much. */
const TIMER_SLACK_NS = 3_000_000;
/** How long a producer without room is left alone, ms. */
const ROOM_STEP_MS = 1;

/** What one of `count` producers does, of what all do together. */
export function shareOf(rate: number | readonly Step[], count: number): number | readonly Step[] {
  return typeof rate === 'number' ? rate / count : rate.map(({ value, seconds }) => ({ value: value / count, seconds }));
}

/** Ends when every schedule is over or has sent its messages. */
export async function keepPaces(schedules: readonly Schedule[]): Promise<void> {
  for (;;) {
    const { next, nextNs, isHeldBack } = soonest(schedules);
    if (next === undefined && !isHeldBack) return;
    const leftNs = nextNs - nowNs();
    if (leftNs > TIMER_SLACK_NS) await pause(isHeldBack ? ROOM_STEP_MS : Math.floor((leftNs - TIMER_SLACK_NS) / 1e6) + 1);
    else if (leftNs > 0) await new Promise((resolve) => setImmediate(resolve));
    else if (next !== undefined) {
      const times = next.pacer.take(nowNs(), Math.min(next.producer.room, next.left, CATCH_UP_LIMIT));
      next.left -= times.length;
      await next.producer.sendStamped(times);
    }
  }
}

/** Who is due next, of those that have room; `isHeldBack`: somebody has messages left and no room for them. */
function soonest(schedules: readonly Schedule[]): { readonly next: Schedule | undefined; readonly nextNs: number; readonly isHeldBack: boolean } {
  let next: Schedule | undefined;
  let nextNs = Infinity;
  let isHeldBack = false;
  for (const schedule of schedules) {
    const dueNs = schedule.left === 0 ? undefined : schedule.pacer.nextNs;
    if (dueNs === undefined) continue;
    if (schedule.producer.room === 0) isHeldBack = true;
    else if (dueNs < nextNs) {
      next = schedule;
      nextNs = dueNs;
    }
  }
  return { next, nextNs, isHeldBack };
}
