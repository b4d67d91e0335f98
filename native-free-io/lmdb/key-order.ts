/** The two orders that keys have in a file: bytes, shorter first; and, in the free tree, numbers. */
export type KeyOrder = {
  /** Below 0 when the first key comes before the second; each is a stretch of bytes. */
  compare(left: Buffer, leftStart: number, leftEnd: number, right: Buffer, rightStart: number, rightEnd: number): number;
  /** All keys have this many bytes; 0: any. */
  readonly keyBytes: number;
};

export const BYTE_ORDER: KeyOrder = {
  keyBytes: 0,
  compare: (left, leftStart, leftEnd, right, rightStart, rightEnd) => left.compare(right, rightStart, rightEnd, leftStart, leftEnd),
};

export const NUMBER_ORDER: KeyOrder = {
  keyBytes: 8,
  compare(left, leftStart, _leftEnd, right, rightStart) {
    const high = left.readUInt32LE(leftStart + 4) - right.readUInt32LE(rightStart + 4);
    return high !== 0 ? high : left.readUInt32LE(leftStart) - right.readUInt32LE(rightStart);
  },
};
