import { DiskFullError, type JournalFile } from '../../../src/store/port.ts';

const SECTOR_BYTES = 512;

/** Asked at each write, before any of it is done, when only a part of its sectors is, and after. */
export type JournalMoment = 'before' | 'within' | 'after';

/** A journal's file that outlives the nodes of a run. What was written when it failed may be there in part, sector by sector. */
export class SimJournal implements JournalFile {
  #bytes: Buffer | undefined;
  /** Writes that were done. */
  writes = 0;
  /** There is no room: for a new file, and, where nothing is written in place, for any write. */
  full = false;
  writesInPlace = true;
  plan: ((moment: JournalMoment) => void) | undefined = undefined;
  onWritten: () => void = () => {};
  /** Which sectors of a write that fails are there. */
  survives: (sector: number) => boolean = () => false;

  read(): Buffer | undefined {
    return this.#bytes === undefined ? undefined : Buffer.from(this.#bytes);
  }

  make(block: Uint8Array, blocks: number): void {
    if (this.full) throw new DiskFullError('there is no room for a journal');
    this.#bytes = Buffer.alloc(block.length * blocks, block);
  }

  write(bytes: Uint8Array, at: number): void {
    if (this.#bytes === undefined || at + bytes.length > this.#bytes.length) throw new Error('the journal is written where it has no blocks');
    if (this.full && !this.writesInPlace) {
      this.#writePart(bytes, at);
      throw new DiskFullError('there is no room for a record');
    }
    this.plan?.('before');
    try {
      this.plan?.('within');
    } catch (error) {
      this.#writePart(bytes, at);
      throw error;
    }
    this.#bytes.set(bytes, at);
    this.writes++;
    this.onWritten();
    this.plan?.('after');
  }

  /** For those who spoil it, and mend it again. */
  change(spoil: (bytes: Buffer) => Buffer | undefined): void {
    this.#bytes = spoil(this.#bytes ?? Buffer.alloc(0));
  }

  #writePart(bytes: Uint8Array, at: number): void {
    for (let from = 0; from < bytes.length; from += SECTOR_BYTES) {
      if (this.survives(from / SECTOR_BYTES)) this.#bytes!.set(bytes.subarray(from, from + SECTOR_BYTES), at + from);
    }
  }
}
