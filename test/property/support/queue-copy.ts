/** The queue with small bounds. */
import { readdirSync } from 'node:fs';
import type * as QueueMachineModule from '../../../src/broker/queue/queue-machine.ts';
import type { SourceChange } from '../../support/source-change.ts';
import { loadCopy } from './source-copy.ts';

export type QueueModule = typeof QueueMachineModule;

const FOLDER = new URL('../../../src/broker/queue/', import.meta.url);

/** Entries of a chunk, chunks from one to the next, deliveries of a dispatch and of a window in a small copy. */
export const SMALL = { chunkShift: 3, gapMax: 4, dispatchMax: 16, retryMax: 3, window: 8 } as const;

const SMALLER: readonly SourceChange[] = [
  { file: 'ledger-layout.ts', right: 'CHUNK_SHIFT = 10', wrong: `CHUNK_SHIFT = ${SMALL.chunkShift}` },
  { file: 'ledger-layout.ts', right: 'GAP_MAX = 1023', wrong: `GAP_MAX = ${SMALL.gapMax}` },
  { file: 'queue-machine.ts', right: 'DISPATCH_MAX = 2048', wrong: `DISPATCH_MAX = ${SMALL.dispatchMax}` },
  { file: 'queue-machine.ts', right: 'RETRY_MAX = 8192', wrong: `RETRY_MAX = ${SMALL.retryMax}` },
  { file: 'consumer.ts', right: 'WINDOW = 4096', wrong: `WINDOW = ${SMALL.window}` },
];

/** Loads it, with `changes` in files of src/broker/queue. */
export function loadSmallQueue(changes: readonly SourceChange[] = []): Promise<QueueModule> {
  return loadCopy({ folder: FOLDER, files: readdirSync(FOLDER), changes: [...SMALLER, ...changes] }, 'queue-machine.ts');
}
