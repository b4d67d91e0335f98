/**
 * Spans that stand before those that are refined ahead of time, because they came later. A message in one of them may be due in the same
 * millisecond as two that are refined, and have come between them: these two must not lie in one moment.
 */
import { BEFORE_ALL, type Place, isLater, laterOf } from './timeline-keys.ts';

/** Spans that are known one by one, some seconds of groups. Of more of them nothing is known. */
export const EARLY_SPANS_MAX = 16_384;

/** A span: its place, when its last message is due, and between which arrivals its messages have come, both of them included. */
export type SpanReach = Place & { readonly untilMs: number; readonly first: number; readonly last: number };

export class EarlySpans {
  #spans: SpanReach[] = [];
  /** The last one that is not known. */
  #unknown: Place | undefined;

  note(span: SpanReach): void {
    if (this.#spans.length < EARLY_SPANS_MAX) this.#spans.push(span);
    else this.#unknown = laterOf(span, this.#unknown ?? BEFORE_ALL);
  }

  /** Before the horizon there are none any more. */
  passed(horizon: Place): void {
    this.#spans = this.#spans.filter((span) => isLater(span, horizon));
    if (this.#unknown !== undefined && !isLater(this.#unknown, horizon)) this.#unknown = undefined;
  }

  /** Whether one that begins before `place`, and is here now, may hold a message that is due behind it and came between two others, told by their arrivals. */
  between(place: Place): (arrival: number, next: number) => boolean {
    if (this.#unknown !== undefined) return mayBeBetween;
    const { firsts, lasts } = merged(this.#spans.filter((span) => !isLater(span, place) && span.untilMs >= place.dueMs));
    return (arrival, next) => {
      if (!mayBeBetween(arrival, next)) return false;
      const at = firstAbove(lasts, arrival);
      return at < firsts.length && firsts[at]! < next;
    };
  }
}

/** When nothing is known. */
export function mayBeBetween(arrival: number, next: number): boolean {
  return next > arrival + 1;
}

/** In order, those that overlap as one. */
function merged(spans: readonly SpanReach[]): { readonly firsts: readonly number[]; readonly lasts: readonly number[] } {
  const firsts: number[] = [];
  const lasts: number[] = [];
  for (const { first, last } of spans.toSorted((left, right) => left.first - right.first)) {
    if (lasts.length > 0 && first <= lasts.at(-1)! + 1) lasts[lasts.length - 1] = Math.max(lasts.at(-1)!, last);
    else {
      firsts.push(first);
      lasts.push(last);
    }
  }
  return { firsts, lasts };
}

/** The first index of a rising list whose value is above `limit`. */
function firstAbove(values: readonly number[], limit: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}
