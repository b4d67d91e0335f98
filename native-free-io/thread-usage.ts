/** What the calling thread uses. Costs nothing until it is asked. */
import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

/** `activeMs` and `idleMs` count from the start of the thread's event loop: the share of an interval is in the difference of two. */
export type ThreadUsage = {
  readonly activeMs: number;
  readonly idleMs: number;
  readonly heapUsedBytes: number;
  readonly heapLimitBytes: number;
};

export function threadUsage(): ThreadUsage {
  const { active, idle } = performance.eventLoopUtilization();
  const { used_heap_size, heap_size_limit } = getHeapStatistics();
  return { activeMs: active, idleMs: idle, heapUsedBytes: used_heap_size, heapLimitBytes: heap_size_limit };
}
