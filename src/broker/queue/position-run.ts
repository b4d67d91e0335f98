/** How many positions follow each other, from `index` on and before `end`. */
export function runLength(positions: Int32Array, index: number, end: number): number {
  const offset = positions[index]! - index;
  let next = index + 1;
  while (next < end && positions[next] === next + offset) next++;
  return next - index;
}
