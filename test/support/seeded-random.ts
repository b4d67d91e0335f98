/** A small seeded generator (xorshift32): the same seed makes the same run, as far as threads allow. */
export class SeededRandom {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed | 1;
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  /** True once in `times`, on average. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }
}

/** The seed of this run: given by LEVERET_TEST_SEED to repeat one, else drawn and printed. */
export function runSeed(): number {
  const given = process.env['LEVERET_TEST_SEED'];
  return given === undefined ? (Math.random() * 0x7fff_ffff) | 0 : Number(given);
}
