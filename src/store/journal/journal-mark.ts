/**
 * The journal's record in the database. It says whether there is a journal whose records count, and which: those of one cycle, from
 * the first block on. Every transaction that takes over what the journal holds names the next cycle, so that it takes over all or
 * nothing.
 *
 * ```
 * key f0   0  CRC-32 u32       of the key and of all that follows
 *          4  'L' 'V' | format u16
 *          8  cycle u32        the present one, or, when closed, the last one
 *         12  blocks u32       of the file; 0: closed, whatever stands in it does not count
 * ```
 * All numbers are big endian.
 */
import { type Crc32, isSound, seal } from '../checksum.ts';
import type { DiskChange } from '../port.ts';
import { JOURNAL_KEY } from '../store-keys.ts';
import { JournalFault } from './journal-fault.ts';

export type JournalMark = { readonly cycle: number; readonly blocks: number };

export const NO_JOURNAL: JournalMark = { cycle: 0, blocks: 0 };

const MAGIC = 0x4c56;
const FORMAT = 1;
const MARK_BYTES = 16;

export function journalMarkChange(crc32: Crc32, { cycle, blocks }: JournalMark): DiskChange {
  const value = Buffer.alloc(MARK_BYTES);
  value.writeUInt16BE(MAGIC, 4);
  value.writeUInt16BE(FORMAT, 6);
  value.writeUInt32BE(cycle, 8);
  value.writeUInt32BE(blocks, 12);
  seal(crc32, JOURNAL_KEY, value);
  return { key: JOURNAL_KEY, value };
}

/** Throws JournalFault. */
export function readJournalMark(crc32: Crc32, value: Buffer | undefined): JournalMark {
  if (value === undefined) return NO_JOURNAL;
  if (value.length !== MARK_BYTES || value.readUInt16BE(4) !== MAGIC || value.readUInt16BE(6) !== FORMAT || !isSound(crc32, JOURNAL_KEY, value)) {
    throw new JournalFault('the record that says which part of it counts does not match its checksum');
  }
  return { cycle: value.readUInt32BE(8), blocks: value.readUInt32BE(12) };
}
