/** Copies of the allocator's sources in which every change of a shared word passes a fuse, so that a thread may be lost before any of them. */
import { readdirSync } from 'node:fs';
import type * as AllocatorModule from '../../../native-free-io/memory/block-allocator.ts';
import type * as TableModule from '../../../native-free-io/memory/block-table.ts';
import type { SourceChange } from '../../support/source-change.ts';
import { loadCopies } from './source-copy.ts';

export type MemoryCopy = Pick<typeof AllocatorModule, 'BlockAllocator'> & Pick<typeof TableModule, 'BlockTable'>;

const FOLDER = new URL('../../../native-free-io/memory/', import.meta.url);
const FUSE = new URL('fused-words.ts', import.meta.url).href;

const FUSED: readonly SourceChange[] = ['blockTable', 'regionTable', 'gauges'].map((table) => ({
  file: 'block-table.ts',
  right: `new Int32Array(memory.${table})`,
  wrong: `fused(new Int32Array(memory.${table}))`,
}));

/** Loads a copy with `mistakes` in files of native-free-io/memory. */
export async function loadMemory(mistakes: readonly SourceChange[] = []): Promise<MemoryCopy> {
  const head = `import { fused, fusedAtomics as Atomics } from '${FUSE}';\n`;
  const copy = { folder: FOLDER, files: readdirSync(FOLDER), changes: [...FUSED, ...mistakes], head };
  const [{ BlockAllocator }, { BlockTable }] = await loadCopies<[typeof AllocatorModule, typeof TableModule]>(copy, ['block-allocator.ts', 'block-table.ts']);
  return { BlockAllocator, BlockTable };
}
