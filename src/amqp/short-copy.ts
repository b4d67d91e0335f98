/** Up to so many bytes a copy in words that is compiled into its caller costs less than a call of the runtime's. */
export const SHORT_COPY_MAX = 256;
const WORD_BYTES = 8;

/** Copies `size` bytes, 8 at least, in words; the last one overlaps the one before it. */
export function copyShort(from: DataView, at: number, to: DataView, toAt: number, size: number): void {
  let byte = 0;
  for (const last = size - 4 * WORD_BYTES; byte <= last; byte += 4 * WORD_BYTES) {
    to.setBigUint64(toAt + byte, from.getBigUint64(at + byte, true), true);
    to.setBigUint64(toAt + byte + 8, from.getBigUint64(at + byte + 8, true), true);
    to.setBigUint64(toAt + byte + 16, from.getBigUint64(at + byte + 16, true), true);
    to.setBigUint64(toAt + byte + 24, from.getBigUint64(at + byte + 24, true), true);
  }
  const last = size - WORD_BYTES;
  for (; byte < last; byte += WORD_BYTES) to.setBigUint64(toAt + byte, from.getBigUint64(at + byte, true), true);
  to.setBigUint64(toAt + last, from.getBigUint64(at + last, true), true);
}
