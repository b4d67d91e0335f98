/**
 * Copies of the queue's sources with texts changed: smaller bounds, so that short histories reach them, and deliberate
 * mistakes, so that a check shows that it can fail. The sources themselves stay as they are.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as QueueMachineModule from '../../../src/broker/queue/queue-machine.ts';

/** In one file of src/broker/queue: the text that is right, which must stand there once, and what stands there instead. */
export type Change = { readonly file: string; readonly right: string; readonly wrong: string };

export type QueueModule = typeof QueueMachineModule;

const FOLDER = new URL('../../../src/broker/queue/', import.meta.url);

/** Entries of a chunk, chunks from one to the next, deliveries of a dispatch and of a window in a small copy. */
export const SMALL = { chunkShift: 3, gapMax: 4, dispatchMax: 16, retryMax: 3, window: 8 } as const;

const SMALLER: readonly Change[] = [
  { file: 'ledger-layout.ts', right: 'CHUNK_SHIFT = 10', wrong: `CHUNK_SHIFT = ${SMALL.chunkShift}` },
  { file: 'ledger-layout.ts', right: 'GAP_MAX = 1023', wrong: `GAP_MAX = ${SMALL.gapMax}` },
  { file: 'queue-machine.ts', right: 'DISPATCH_MAX = 2048', wrong: `DISPATCH_MAX = ${SMALL.dispatchMax}` },
  { file: 'queue-machine.ts', right: 'RETRY_MAX = 8192', wrong: `RETRY_MAX = ${SMALL.retryMax}` },
  { file: 'consumer.ts', right: 'WINDOW = 4096', wrong: `WINDOW = ${SMALL.window}` },
];

/** Loads the queue with small bounds and with `changes`. Throws when a right text is not there once: no control can rot. */
export async function loadSmallQueue(changes: readonly Change[] = []): Promise<QueueModule> {
  const folder = mkdtempSync(join(tmpdir(), 'queue-copy-'));
  try {
    for (const file of readdirSync(FOLDER)) writeFileSync(join(folder, file), copyOf(file, [...SMALLER, ...changes]));
    return (await import(pathToFileURL(join(folder, 'queue-machine.ts')).href)) as QueueModule;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function copyOf(file: string, changes: readonly Change[]): string {
  const url = new URL(file, FOLDER);
  let text = readFileSync(url, 'utf8');
  for (const change of changes) {
    if (change.file !== file) continue;
    const places = text.split(change.right).length - 1;
    if (places !== 1) throw new Error(`"${change.right}" stands ${places} times in ${file}, not once`);
    text = text.replace(change.right, () => change.wrong);
  }
  return text.replace(/from '(\.\.\/[^']+)'/g, (_, path: string) => `from '${new URL(path, url).href}'`);
}
