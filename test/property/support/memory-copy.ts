/**
 * Copies of the allocator's sources in which every change of a shared word passes a fuse, so that a thread may be lost before
 * any one of them, and in which texts may be changed into deliberate mistakes. The sources themselves stay as they are.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as AllocatorModule from '../../../native-free-io/memory/block-allocator.ts';
import type * as TableModule from '../../../native-free-io/memory/block-table.ts';

/** In one file of native-free-io/memory: the text that is right, which must stand there once, and what stands there instead. */
export type MemoryMistake = { readonly file: string; readonly right: string; readonly wrong: string };

export type MemoryCopy = Pick<typeof AllocatorModule, 'BlockAllocator'> & Pick<typeof TableModule, 'BlockTable'>;

const FOLDER = new URL('../../../native-free-io/memory/', import.meta.url);
const FUSE = new URL('fused-words.ts', import.meta.url).href;

const FUSED: readonly MemoryMistake[] = ['blockTable', 'regionTable', 'gauges'].map((table) => ({
  file: 'block-table.ts',
  right: `new Int32Array(memory.${table})`,
  wrong: `fused(new Int32Array(memory.${table}))`,
}));

/** Loads a copy with `mistakes`. Throws when a right text is not there once: no control can rot. */
export async function loadMemory(mistakes: readonly MemoryMistake[] = []): Promise<MemoryCopy> {
  const folder = mkdtempSync(join(tmpdir(), 'memory-copy-'));
  try {
    for (const file of readdirSync(FOLDER)) writeFileSync(join(folder, file), copyOf(file, [...FUSED, ...mistakes]));
    const load = (file: string): Promise<unknown> => import(pathToFileURL(join(folder, file)).href);
    const { BlockAllocator } = (await load('block-allocator.ts')) as typeof AllocatorModule;
    const { BlockTable } = (await load('block-table.ts')) as typeof TableModule;
    return { BlockAllocator, BlockTable };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function copyOf(file: string, changes: readonly MemoryMistake[]): string {
  let text = readFileSync(new URL(file, FOLDER), 'utf8');
  for (const { right, wrong } of changes.filter((change) => change.file === file)) {
    const places = text.split(right).length - 1;
    if (places !== 1) throw new Error(`"${right}" stands ${places} times in ${file}, not once`);
    text = text.replace(right, () => wrong);
  }
  return `import { fused, fusedAtomics as Atomics } from '${FUSE}';\n${text}`;
}
