/** Fills the longer or shorter column `to` with what stands in `from`, as far as it fits, and answers it. */
export function moved<T extends Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array>(from: T, to: T): T {
  to.set(from.length > to.length ? from.subarray(0, to.length) : from);
  return to;
}

/** The numbers of `count` rows, as they came. */
export function rowNumbers(count: number): Uint32Array {
  const rows = new Uint32Array(count);
  for (let row = 0; row < count; row++) rows[row] = row;
  return rows;
}

/** What a comparison answers. A difference of two times is no small integer: a sort would leave an object behind for each of its comparisons. */
export function signOf(difference: number): number {
  return difference < 0 ? -1 : difference > 0 ? 1 : 0;
}
