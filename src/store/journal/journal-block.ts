/**
 * The unit of the journal: one block of the file, which belongs to one record alone. No write ever touches the block of a record that
 * was confirmed, until all of its cycle stands in the database.
 *
 * ```
 *  0  CRC-32 u32     of all that follows, to the end of the block
 *  4  'L' 'J' | format u16
 *  8  cycle u32      rises whenever the journal begins anew; 0: blank, nothing was ever written here
 * 12  record u32     number of the record in its cycle, from 1 on
 * 16  index u16      number of the block in its record, from 0 on
 * 18  blocks u16     blocks of the record
 * 20  payload        the next part of the record; zeros behind its end
 * ```
 * All numbers are big endian. A sound block is never all zeros, so that a page that was lost is noticed.
 */
import type { Crc32 } from '../checksum.ts';

/** A page of the file system, so that a write reads nothing before and shares no page with its neighbours. */
export const BLOCK_BYTES = 4096;
export const BLOCK_HEAD_BYTES = 20;
export const BLOCK_PAYLOAD_BYTES = BLOCK_BYTES - BLOCK_HEAD_BYTES;

const MAGIC = 0x4c4a;
const FORMAT = 1;
const CRC_BYTES = 4;

export type BlockHead = { readonly cycle: number; readonly record: number; readonly index: number; readonly blocks: number };

/** Writes head and checksum into a block whose payload is there. */
export function sealBlock(crc32: Crc32, block: Buffer, { cycle, record, index, blocks }: BlockHead): void {
  block.writeUInt16BE(MAGIC, 4);
  block.writeUInt16BE(FORMAT, 6);
  block.writeUInt32BE(cycle, 8);
  block.writeUInt32BE(record, 12);
  block.writeUInt16BE(index, 16);
  block.writeUInt16BE(blocks, 18);
  block.writeUInt32BE(crc32(block.subarray(CRC_BYTES)), 0);
}

/** Undefined: it is damaged, or only a part of it was written. */
export function readBlockHead(crc32: Crc32, block: Buffer): BlockHead | undefined {
  if (block.readUInt16BE(4) !== MAGIC || block.readUInt16BE(6) !== FORMAT) return undefined;
  if (block.readUInt32BE(0) !== crc32(block.subarray(CRC_BYTES))) return undefined;
  return { cycle: block.readUInt32BE(8), record: block.readUInt32BE(12), index: block.readUInt16BE(16), blocks: block.readUInt16BE(18) };
}

/** What a new journal is filled with. */
export function blankBlock(crc32: Crc32): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  sealBlock(crc32, block, { cycle: 0, record: 0, index: 0, blocks: 1 });
  return block;
}

export function isZeros(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
