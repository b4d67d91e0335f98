/**
 * How long deliveries of a channel have been unsettled, without a word for any of them: whenever somebody looks, the tag that was given last is
 * noted with the time. A delivery is taken for as young as it may be: it left, at the latest, when its tag was first noted to be given.
 *
 * ```
 *   tags    1 ... 7        8 ... 9        10 ... 40       41 ...
 *   looks           t1            t2              t3             now
 *                   tag 9 has been unsettled since t2 at least
 * ```
 */

/**
 * Looks that are remembered. With more, every second one of the older half goes, but never the first: the oldest delivery keeps its age,
 * others that are very old seem younger.
 */
export const LOOKS_MAX = 256;

type Look = { readonly lastTag: number; readonly timeMs: number };

export class DeliveryAges {
  /** By tag. */
  #looks: Look[] = [];

  /** `lastTag` is the youngest that was given, `oldestTag` the oldest that is unsettled. */
  note(timeMs: number, oldestTag: number, lastTag: number): void {
    const looks = this.#looks;
    if (looks.at(-1)?.lastTag !== lastTag) looks.push({ lastTag, timeMs });
    const first = looks.findIndex((look) => look.lastTag >= oldestTag);
    this.#looks = looks.slice(first);
    if (this.#looks.length > LOOKS_MAX) this.#looks = this.#looks.filter((_, index) => index % 2 === 0 || index > LOOKS_MAX / 2);
  }

  get lookCount(): number {
    return this.#looks.length;
  }

  /** Since when the delivery with this tag has been out at least; Infinity: it was given since somebody looked last. */
  sinceMs(tag: number): number {
    return this.#looks.find(({ lastTag }) => lastTag >= tag)?.timeMs ?? Infinity;
  }
}
