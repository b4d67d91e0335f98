/** Positions `from` and before `to`. */
export type Run = { readonly from: number; readonly to: number };

/** The runs that `words` tells as | from | count | ..., extended and in order, whatever order they come in. */
export function retainedRuns(ranges: Int32Array, words: number, extend: (position: number) => number): Run[] {
  const runs: Run[] = [];
  for (let at = 0; at + 1 < words; at += 2) {
    const from = extend(ranges[at]!);
    runs.push({ from, to: from + ranges[at + 1]! });
  }
  return runs.sort((left, right) => left.from - right.from);
}
