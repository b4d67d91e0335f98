/**
 * Bounds of a thread's JavaScript heap. A thread whose heap is full ends alone only while V8 stays within the few MiB that Node
 * grants it then to unwind (16 MiB, `Worker::NearHeapLimit`). A young generation that has grown to V8's own limit, 64 MiB and
 * more, is promoted in one go, exceeds that, and V8 aborts the process with all its threads. So none is left at V8's limit.
 */
import type { ResourceLimits } from 'node:worker_threads';

/** MiB for what lives shortly. A scheduler makes little garbage, in bursts. */
export const SCHEDULER_YOUNG_MIB = 24;
/** Of the store, whose groups come and go: without a bound its young generation grows to 48 MiB for nothing. */
export const STORE_YOUNG_MIB = 12;

/** `oldMiB`: bound for what lives longer; V8's own, made from the memory of the machine, when undefined. */
export function heapLimits(youngMiB: number, oldMiB?: number): ResourceLimits {
  return { maxYoungGenerationSizeMb: youngMiB, ...(oldMiB === undefined ? {} : { maxOldGenerationSizeMb: oldMiB }) };
}
