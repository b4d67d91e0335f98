import { RECORD_HEADER_BYTES } from './ring-layout.ts';

/** Blocks of an outbox are at least this long, bytes, so that small records share one. */
const BLOCK_BYTES_MIN = 64 * 1024;

type Block = { readonly words: Int32Array; readonly bytes: Uint8Array; endBytes: number };

/**
 * Records that found their ring full, first in first out. They lie as in the ring (length, type, payload, aligned to 8) in
 * blocks of this thread's memory; one emptied block is kept for the next time. The outbox bounds nothing itself: it counts
 * `sizeBytes`, from which the mesh tells its thread to stop reading its sources.
 */
export class Outbox {
  /** Bytes of waiting records, headers included. */
  sizeBytes = 0;
  private readonly blockBytes: number;
  private readonly blocks: Block[] = [];
  private spare: Block | undefined;
  /** Where the first waiting record begins in the first block. */
  private startBytes = 0;

  /** `payloadBytesMax`: no record will be longer. */
  constructor(payloadBytesMax: number) {
    this.blockBytes = Math.max(BLOCK_BYTES_MIN, payloadBytesMax + RECORD_HEADER_BYTES);
  }

  /** Adds a record after all others: where its payload belongs, valid until the next call. */
  append(type: number, length: number): Uint8Array {
    const strideBytes = (length + RECORD_HEADER_BYTES + 7) & ~7;
    let block = this.blocks.at(-1);
    if (block === undefined || block.endBytes + strideBytes > this.blockBytes) {
      block = this.takeBlock();
      this.blocks.push(block);
    }
    const at = block.endBytes;
    block.words[at >> 2] = length;
    block.words[(at >> 2) + 1] = type;
    block.endBytes = at + strideBytes;
    this.sizeBytes += strideBytes;
    return block.bytes.subarray(at + RECORD_HEADER_BYTES, at + RECORD_HEADER_BYTES + length);
  }

  /** Type of the first record. */
  get type(): number {
    return this.first().words[(this.startBytes >> 2) + 1]!;
  }

  /** Payload of the first record, valid until `remove`. */
  get payload(): Uint8Array {
    const start = this.startBytes + RECORD_HEADER_BYTES;
    return this.first().bytes.subarray(start, start + this.first().words[this.startBytes >> 2]!);
  }

  /** Drops the first record. */
  remove(): void {
    const block = this.first();
    const strideBytes = (block.words[this.startBytes >> 2]! + RECORD_HEADER_BYTES + 7) & ~7;
    this.sizeBytes -= strideBytes;
    this.startBytes += strideBytes;
    if (this.startBytes < block.endBytes) return;
    this.startBytes = 0;
    block.endBytes = 0;
    this.spare = this.blocks.shift();
  }

  private first(): Block {
    const block = this.blocks[0];
    if (block === undefined) throw new Error('the outbox is empty');
    return block;
  }

  private takeBlock(): Block {
    const block = this.spare;
    this.spare = undefined;
    if (block !== undefined) return block;
    const bytes = new Uint8Array(this.blockBytes);
    return { bytes, words: new Int32Array(bytes.buffer), endBytes: 0 };
  }
}
