/**
 * What starting leaves behind in the heap of a thread: sources, bytecode of what runs once, young pages. V8 keeps the pages of it
 * for a heap that it expects to grow again, 5 to 8 MB a thread; a broker that stands and has nothing to do gives them back.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../../native-free-io/clock.ts';

/** Time for what follows the start, such as the answers to it, and still before a watcher calls the broker idle. */
export const STARTING_GARBAGE_MS = 200;

type CollectGarbage = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;

/**
 * Collects the garbage of this thread once, `STARTING_GARBAGE_MS` from now: about 30 ms in which the thread does nothing else.
 * Only for a heap that is Leveret's own: an embedding program decides about its own heap. Answers what cancels it.
 */
export function collectStartingGarbage(clock: Pick<Clock, 'setTimer' | 'clearTimer'>): () => void {
  const timer = clock.setTimer(STARTING_GARBAGE_MS, () => collectorOfThread()?.({ type: 'major', flavor: 'last-resort' }));
  return () => clock.clearTimer(timer);
}

/**
 * V8's own collector is visible only to contexts that are made while the flag is set. The flag is the process's, and threads that
 * stand at the same time set it; so nobody takes it back, and only this file looks for it.
 */
function collectorOfThread(): CollectGarbage | undefined {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('globalThis.gc');
  return typeof collect === 'function' ? (collect as CollectGarbage) : undefined;
}
