import type { QueueRecord } from '../topology/topology-records.ts';
import { GENERATION, QUEUE_ID, SLOT_WORDS } from './ledger-layout.ts';

/** Generation of a queue's incarnation that runs, or ran last, as its slot tells; 0: none has had the slot yet. */
export function lastGeneration(slots: Int32Array, { id, slot }: Pick<QueueRecord, 'id' | 'slot'>): number {
  const at = slot * SLOT_WORDS;
  return slots[at + QUEUE_ID] === id ? slots[at + GENERATION]! : 0;
}
