/** Times fdatasync: the least that a promise of durability can cost in a file system. */
import { closeSync, fdatasyncSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { nowNs } from '../client/clock.ts';

const WRITE_BYTES = 4_096;
/** Written and flushed in advance, so that no write makes the file longer: that would make the file system write its journal too. */
const PAGES = 1_024;

export class FlushMeter {
  readonly #folder: string;
  readonly #file: number;
  readonly #page = Buffer.alloc(WRITE_BYTES, 1);
  #next = 0;

  /** Makes a folder in `folder`, and in it a file. */
  constructor(folder: string) {
    this.#folder = mkdtempSync(join(folder, 'flush-'));
    this.#file = openSync(join(this.#folder, 'pages'), 'w');
    writeSync(this.#file, Buffer.alloc(WRITE_BYTES * PAGES));
    fsyncSync(this.#file);
  }

  /** Writes 4 KiB and brings them to the device; how long both took, ns. Blocks the thread. */
  flush(): number {
    const startNs = nowNs();
    writeSync(this.#file, this.#page, 0, WRITE_BYTES, this.#next * WRITE_BYTES);
    fdatasyncSync(this.#file);
    this.#next = (this.#next + 1) % PAGES;
    return nowNs() - startNs;
  }

  close(): void {
    closeSync(this.#file);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
