/**
 * Chance for those who may not draw any themselves: a stream of numbers from 0 to below 1 that a seed determines (Marsaglia's
 * xorshift of 32 bits). Good enough to spread messages, not to keep a secret. Most never draw; the seed is asked for with the first number.
 */
export function chanceFrom(seed: () => number): () => number {
  let state: number | undefined;
  return () => {
    // Zero would stay zero.
    state ??= seed() | 0 || 1;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  };
}
