import { ANNOUNCED_BODIES_MAX } from '../bounds.ts';

/** Bodies that content headers of one connection have announced and that have not come whole: what memory is set aside for. */
export class AnnouncedBodies {
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Counts one more, unless it would be too much beside the others. */
  admit(sizeBytes: number): boolean {
    if (this.#sizeBytes > 0 && this.#sizeBytes + sizeBytes > ANNOUNCED_BODIES_MAX) return false;
    this.#sizeBytes += sizeBytes;
    return true;
  }

  /** One has come, or never will. */
  end(sizeBytes: number): void {
    this.#sizeBytes -= sizeBytes;
  }
}
