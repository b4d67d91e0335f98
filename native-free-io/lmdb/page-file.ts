/** The file as pages, read with plain reads: no map, so that a damaged or shrinking file is an answer and never a signal. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** What is wrong with the file, as a sentence for the operator. */
export class LmdbFileFault extends Error {}

export class PageFile {
  readonly path: string;
  readonly #descriptor: number;

  /** Throws `LmdbFileFault` when the file cannot be opened. */
  constructor(path: string) {
    this.path = path;
    this.#descriptor = guarded(`${path} cannot be opened`, () => openSync(path, 'r'));
  }

  get sizeBytes(): number {
    return guarded(`${this.path} cannot be measured`, () => {
      const status = fstatSync(this.#descriptor);
      if (!status.isFile()) throw new LmdbFileFault(`${this.path} is not a file`);
      return status.size;
    });
  }

  /** Fills `target` from byte `position` on. Throws `LmdbFileFault` when the file ends before or the device fails. */
  read(target: Buffer, position: number, sizeBytes: number): void {
    let filled = 0;
    while (filled < sizeBytes) {
      const count = guarded(`${this.path} cannot be read at byte ${position}`, () =>
        readSync(this.#descriptor, target, filled, sizeBytes - filled, position + filled),
      );
      if (count === 0) throw new LmdbFileFault(`${this.path} ends at byte ${position + filled}, inside of what was to be read`);
      filled += count;
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function guarded<Result>(what: string, attempt: () => Result): Result {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof LmdbFileFault) throw error;
    throw new LmdbFileFault(`${what} (${error instanceof Error ? error.message : String(error)})`);
  }
}
