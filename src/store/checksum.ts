/**
 * CRC-32 of keys and values. It begins each value and covers the key and all that follows it, so that neither a changed byte nor
 * a value under another key passes for sound.
 *
 * ```
 * value   | CRC-32 u32 BE, of the key and the rest | rest ... |
 * ```
 */

/** CRC-32 as in zlib: `seed` is the checksum of what came before. */
export type Crc32 = (bytes: Uint8Array, seed?: number) => number;

/** Where the rest of a sealed value begins. */
export const SEAL_BYTES = 4;

/** Writes the checksum into the first bytes of `value`. */
export function seal(crc32: Crc32, key: Uint8Array, value: Buffer): void {
  value.writeUInt32BE(crc32(value.subarray(SEAL_BYTES), crc32(key)), 0);
}

export function isSound(crc32: Crc32, key: Uint8Array, value: Buffer): boolean {
  return value.length >= SEAL_BYTES && value.readUInt32BE(0) === crc32(value.subarray(SEAL_BYTES), crc32(key));
}
