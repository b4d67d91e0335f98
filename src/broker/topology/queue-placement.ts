/**
 * Where the queues that outlived the last process run in this one. Threads and slots are of a process, so they are dealt anew: the number
 * of threads may be another, and the slots of queues that did not survive leave no gaps.
 */
import { QUEUE_SLOTS_MAX } from '../queue/ledger-layout.ts';
import type { TopologyEvent } from './topology-event.ts';

/**
 * The same events with a thread and a slot in each `queue-created`: threads 1 to `schedulers` in turn, slots from 1 on. Nothing is known
 * yet of who will use a queue; in turn, each thread gets as many as the others.
 *
 * Throws when there are more queues than slots: they were declared under a higher bound.
 */
export function placeQueues(events: readonly TopologyEvent[], schedulers: number): readonly TopologyEvent[] {
  let placed = 0;
  return events.map((event): TopologyEvent => {
    if (event.type !== 'queue-created') return event;
    const thread = 1 + (placed % schedulers);
    const slot = ++placed;
    if (slot >= QUEUE_SLOTS_MAX) throw new Error(`the data directory has more queues than this node can hold (${QUEUE_SLOTS_MAX - 1})`);
    return { ...event, queue: { ...event.queue, thread, slot } };
  });
}
