/**
 * What a journal holds after its process has ended, however it ended.
 *
 * ```
 * | record 1 | record 2 | ... | record n | what was under way, or of older cycles, or blank |
 * ```
 *
 * A record is written when the one before is on the device, so that only the last one can be cut off by the end; nobody had been told
 * of it then. A record that is not whole with a later one behind it is another matter, and so is a block of zeros: nothing that is
 * written here is that. A damaged last record looks like one that was cut off, and so that is told. (A last record in whose place the
 * device kept what was there before, although it had said otherwise, leaves no trace.)
 */
import type { Crc32 } from '../checksum.ts';
import type { DiskChange } from '../port.ts';
import { BLOCK_BYTES, BLOCK_HEAD_BYTES, BLOCK_PAYLOAD_BYTES, type BlockHead, isZeros, readBlockHead } from './journal-block.ts';
import { JournalFault } from './journal-fault.ts';
import type { JournalMark } from './journal-mark.ts';
import { readRecord } from './journal-record.ts';

export type JournalContents = {
  /** The changes of each commit, in order: views into memory of their own. */
  readonly records: readonly (readonly DiskChange[])[];
  /** Blocks that these records take. */
  readonly blocks: number;
  /** A record behind them was begun, and is not whole. */
  readonly torn: boolean;
  /** The highest cycle of any block. */
  readonly lastCycle: number;
};

/**
 * `bytes`: all of the file. Throws JournalFault, unless a node is `running` on it, which may write while it is read: then what is
 * there up to the first record that is not whole.
 */
export function readJournal(crc32: Crc32, bytes: Buffer, mark: JournalMark, running = false): JournalContents {
  if (!running && bytes.length !== mark.blocks * BLOCK_BYTES && mark.blocks > 0) {
    throw new JournalFault(`it has ${bytes.length} bytes instead of ${mark.blocks * BLOCK_BYTES}`);
  }
  const heads = headsOf(crc32, bytes);
  const records: (readonly DiskChange[])[] = [];
  let at = 0;
  for (; mark.blocks > 0; at += heads[at]!.blocks) {
    if (!isRecordAt(heads, at, mark.cycle, records.length + 1)) break;
    const changes = readRecord(payloadOf(bytes, at, heads[at]!.blocks));
    if (changes === undefined) throw new JournalFault(`record ${records.length + 1} is none, although its checksum is right`);
    records.push(changes);
  }
  const lastCycle = heads.reduce((last, head) => Math.max(last, head?.cycle ?? 0), 0);
  if (mark.blocks > 0 && !running) requireEnd(bytes, heads, at, mark.cycle, records.length, lastCycle);
  return { records, blocks: at, torn: mark.blocks > 0 && isTorn(heads[at], at < heads.length, mark.cycle), lastCycle };
}

type Heads = readonly (BlockHead | undefined)[];

function headsOf(crc32: Crc32, bytes: Buffer): (BlockHead | undefined)[] {
  const heads: (BlockHead | undefined)[] = [];
  for (let from = 0; from + BLOCK_BYTES <= bytes.length; from += BLOCK_BYTES) heads.push(readBlockHead(crc32, bytes.subarray(from, from + BLOCK_BYTES)));
  return heads;
}

function isRecordAt(heads: Heads, at: number, cycle: number, record: number): boolean {
  const blocks = heads[at]?.blocks ?? 0;
  if (blocks === 0 || at + blocks > heads.length) return false;
  for (let index = 0; index < blocks; index++) {
    const head = heads[at + index];
    if (head === undefined || head.cycle !== cycle || head.record !== record || head.index !== index || head.blocks !== blocks) return false;
  }
  return true;
}

function payloadOf(bytes: Buffer, at: number, blocks: number): Buffer {
  const payload = Buffer.alloc(blocks * BLOCK_PAYLOAD_BYTES);
  for (let index = 0; index < blocks; index++) {
    const from = (at + index) * BLOCK_BYTES;
    bytes.copy(payload, index * BLOCK_PAYLOAD_BYTES, from + BLOCK_HEAD_BYTES, from + BLOCK_BYTES);
  }
  return payload;
}

/** Nothing that stands behind the last whole record can have been confirmed. */
function requireEnd(bytes: Buffer, heads: Heads, at: number, cycle: number, records: number, lastCycle: number): void {
  if (lastCycle > cycle) throw new JournalFault(`it holds records of cycle ${lastCycle}, and the database ends with cycle ${cycle}`);
  const later = heads.find((head) => head?.cycle === cycle && head.record > records + 1);
  if (later !== undefined) throw new JournalFault(`record ${records + 1} is not whole, and record ${later.record} behind it is there`);
  if (heads[at] === undefined && at < heads.length && isZeros(bytes.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES))) {
    throw new JournalFault(`block ${at}, behind record ${records}, is zeros`);
  }
}

function isTorn(head: BlockHead | undefined, isInFile: boolean, cycle: number): boolean {
  return isInFile && (head === undefined || head.cycle === cycle);
}
