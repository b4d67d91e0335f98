/** Reads a queue's slot and chunks as the drawing in ledger-layout.ts says, without the code that wrote them. */
import {
  ADDRESS,
  DELAYED_FLAG,
  DELIVERIES,
  ENTRY_WORDS,
  FIRST_CHUNK,
  FIRST_NUMBER_MASK,
  GAP_MASK,
  GONE,
  HEAD,
  READY,
  REDELIVERED_FLAG,
  STATE,
  STATE_MASK,
  TAIL,
} from '../../../src/broker/queue/ledger-layout.ts';
import type { CrashingMemory } from './crashing-memory.ts';

export type Seen = {
  readonly position: number;
  readonly address: number;
  readonly ready: boolean;
  readonly redelivered: boolean;
  readonly deliveries: number;
  readonly delayed: boolean;
};

/** Every message that is not gone, in order. Slot 0. */
export function dumpLedger(memory: CrashingMemory, chunkShift: number): Seen[] {
  const slots = memory.plainSlots;
  const tail = slots[TAIL]!;
  const first = slots[FIRST_CHUNK]!;
  /** By number of the chunk, from that of the first one on. */
  const chain: Int32Array[] = [];
  let number = 0;
  for (let link = first & ~FIRST_NUMBER_MASK; first !== 0 && link !== 0; link = memory.nextChunk(link & ~GAP_MASK)) {
    number += link & GAP_MASK;
    chain[number] = memory.plainIntsOf(link & ~GAP_MASK);
  }
  const seen: Seen[] = [];
  for (let position = slots[HEAD]!; position !== tail; position = (position + 1) | 0) {
    const index = ((position >>> chunkShift) - (first & FIRST_NUMBER_MASK)) & FIRST_NUMBER_MASK;
    const words = chain[index];
    // A hole: everything there is gone.
    if (words === undefined) continue;
    const entry = (position & (2 ** chunkShift - 1)) * ENTRY_WORDS;
    const state = words[entry + STATE]!;
    if ((state & STATE_MASK) === GONE) continue;
    const redelivered = (state & REDELIVERED_FLAG) !== 0;
    const deliveries = words[entry + DELIVERIES]!;
    seen.push({ position, address: words[entry + ADDRESS]!, ready: (state & STATE_MASK) === READY, redelivered, deliveries, delayed: (state & DELAYED_FLAG) !== 0 });
  }
  return seen;
}
