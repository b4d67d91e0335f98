/**
 * Generations number the incarnations of one name: 1, 2, 3 ... up to 2^32 - 1, then 1 again. They are compared for equality
 * only, so a letter is mistaken for a current one at the earliest after four thousand million incarnations of its receiver.
 * Zero is "none yet".
 */
export function nextGeneration(generation: number): number {
  return (generation + 1) >>> 0 || 1;
}

/** The later of two generations, across the wrap (serial number arithmetic as in RFC 1982). */
export function laterGeneration(one: number, other: number): number {
  return ((one - other) | 0) > 0 ? one : other;
}
