/** Where a figure lies on an axis, and where an axis has its marks. */

export type Scale = {
  /** From the figure to the place on the axis, pixels. */
  readonly place: (value: number) => number;
  readonly marks: readonly { readonly value: number; readonly text: string }[];
};

const MARKS_WANTED = 5;

/** `1.2 M`, `340 k`, `0.5`. */
export function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${trimmed(value / 1e6)} M`;
  if (size >= 1e3) return `${trimmed(value / 1e3)} k`;
  return trimmed(value);
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** From `least` to a round figure that is not below `most`; with `isExact` to `most` itself, marks at round figures. */
export function linear(least: number, most: number, from: number, to: number, isExact = false): Scale {
  const span = Math.max(most - least, Number.MIN_VALUE);
  const rough = span / MARKS_WANTED;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  const top = isExact ? least + span : least + Math.ceil(span / step) * step;
  const marks = Array.from({ length: Math.floor((top - least) / step + 1e-9) + 1 }, (_, index) => least + index * step);
  return { place: (value) => from + ((value - least) / (top - least)) * (to - from), marks: marks.map((value) => ({ value, text: short(value) })) };
}

/** Powers of ten around both ends; figures at or below 0 count as the lower end. */
export function logarithmic(least: number, most: number, from: number, to: number, format: (value: number) => string = short): Scale {
  const low = Math.floor(Math.log10(Math.max(least, Number.MIN_VALUE)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(most, Number.MIN_VALUE))));
  const place = (value: number): number => from + ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * (to - from);
  const marks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
  return { place, marks: marks.map((value) => ({ value, text: format(value) })) };
}

/** Percentiles so that each further nine takes the same room: 0, 50, 90, 99, 99.9, 99.99. */
export function nines(from: number, to: number): Scale {
  const LAST_NINES = 4;
  const ninesOf = (percentile: number): number => Math.min(LAST_NINES, -Math.log10(Math.max(1 - percentile / 100, 10 ** -LAST_NINES)));
  const place = (percentile: number): number => from + (ninesOf(percentile) / LAST_NINES) * (to - from);
  return { place, marks: [0, 50, 90, 99, 99.9, 99.99].map((value) => ({ value, text: `p${value}` })) };
}
