/** A measurement that other processes disturbed is worth nothing, whatever it shows: it is taken again. Its figures have no say in that. */
import { othersShareOf, type Figures } from './measure.ts';

/** Above this share of the machine used by others, a measurement was disturbed. */
export const OTHERS_LIMIT_SHARE = 0.05;
/** The same, as reports say it. */
export const DISTURBANCE = `other processes used more than ${OTHERS_LIMIT_SHARE * 100}% of the machine`;

export function isDisturbed(figures: Figures): boolean {
  return (othersShareOf(figures) ?? 0) > OTHERS_LIMIT_SHARE;
}

/** What `take` gave, taken again while it was disturbed, at most `retakes` times; each that does not count is told to `discard`. */
export async function takeUndisturbed(take: () => Promise<Figures>, retakes: number, discard: (figures: Figures) => void): Promise<Figures> {
  let figures = await take();
  for (let left = retakes; left > 0 && isDisturbed(figures); left -= 1) {
    discard(figures);
    figures = await take();
  }
  return figures;
}
