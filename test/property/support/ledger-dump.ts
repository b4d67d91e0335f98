/** Reads a queue's slot and chunks as the drawing in ledger-layout.ts says, without the code that wrote them. */
import {
  ADDRESS,
  ENTRY_WORDS,
  FIRST_CHUNK,
  FIRST_NUMBER_MASK,
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
};

/** Every message that is not gone, in order. Slot 0. */
export function dumpLedger(memory: CrashingMemory, chunkShift: number): Seen[] {
  const slots = memory.plainSlots;
  const tail = slots[TAIL]!;
  const first = slots[FIRST_CHUNK]!;
  const chain: Int32Array[] = [];
  for (let chunk = first & ~FIRST_NUMBER_MASK; first !== 0 && chunk !== 0; chunk = memory.nextChunk(chunk)) {
    chain.push(memory.plainIntsOf(chunk));
  }
  const seen: Seen[] = [];
  for (let position = slots[HEAD]!; position !== tail; position = (position + 1) | 0) {
    const index = ((position >>> chunkShift) - (first & FIRST_NUMBER_MASK)) & FIRST_NUMBER_MASK;
    const words = chain[index];
    if (words === undefined) throw new Error(`no chunk for position ${position}`);
    const entry = (position & (2 ** chunkShift - 1)) * ENTRY_WORDS;
    const state = words[entry + STATE]!;
    if ((state & STATE_MASK) === GONE) continue;
    const redelivered = (state & REDELIVERED_FLAG) !== 0;
    seen.push({ position, address: words[entry + ADDRESS]!, ready: (state & STATE_MASK) === READY, redelivered });
  }
  return seen;
}
