/**
 * What a queue has handed to the store and that is not stored yet, in bytes. The store does one thing after the other: a content that is read
 * back for a consumer, and whatever another queue asks for, waits for all that was handed over before. So it has a bound.
 */

/** Of one queue: what the store writes in a tenth of a second, and a few of its groups, so that it has work while publishers wake. */
export const UNDER_WAY_BYTES_MAX = 16 * 1024 * 1024;
/** What comes one after the other is counted together up to so many bytes. */
const PART_BYTES = UNDER_WAY_BYTES_MAX / 32;
/** Bytes that take the store as long as a message does beside its body. */
const MESSAGE_BYTES = 256;

export class UnderWay {
  /** `through`: the position behind the last. */
  readonly #parts: { through: number; bytes: number }[] = [];
  #bytes = 0;

  get isFull(): boolean {
    return this.#bytes >= UNDER_WAY_BYTES_MAX;
  }

  /** Positions rise. */
  add(position: number, bodyBytes: number): void {
    const bytes = MESSAGE_BYTES + bodyBytes;
    const through = (position + 1) | 0;
    const last = this.#parts.at(-1);
    this.#bytes += bytes;
    if (last === undefined || last.bytes >= PART_BYTES) {
      this.#parts.push({ through, bytes });
      return;
    }
    last.through = through;
    last.bytes += bytes;
  }

  /** All below `through` are stored. */
  stored(through: number): void {
    const parts = this.#parts;
    while (parts.length > 0 && ((parts[0]!.through - through) | 0) <= 0) this.#bytes -= parts.shift()!.bytes;
  }
}
