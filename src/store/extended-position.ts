/**
 * Positions of a queue are int32 numbers that wrap, and so are places of shared bodies. On the disk they are numbers that only
 * rise, below 2^53, so that keys sort: their low 32 bits are the number that the outside knows.
 */

/** What the first position of a queue is added to: negative ones and those that come before it still find a number above 0. */
export const FIRST_EXTENDED = 2 ** 32;

/** The number with the low bits `position` that lies within 2^31 of `near`. */
export function extend(position: number, near: number): number {
  return near + ((position - near) | 0);
}

/** Writes a number below 2^53 as u64 BE, so that bytes sort as numbers do. */
export function writeExtended(bytes: Buffer, offset: number, value: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), offset);
  bytes.writeUInt32BE(value % 2 ** 32, offset + 4);
}

export function readExtended(bytes: Buffer, offset: number): number {
  return bytes.readUInt32BE(offset) * 2 ** 32 + bytes.readUInt32BE(offset + 4);
}
