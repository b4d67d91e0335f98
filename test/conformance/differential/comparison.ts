/** Two transcripts of one session side by side, and the shortest session that still tells them apart. */
import type { Step, Transcript } from './step.ts';

export type Difference = { readonly at: number; readonly left: readonly string[]; readonly right: readonly string[] };

/** The first step after which they differ. */
export function firstDifference(left: Transcript, right: Transcript): Difference | undefined {
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    if (JSON.stringify(left[at]) !== JSON.stringify(right[at])) return { at, left: left[at] ?? [], right: right[at] ?? [] };
  }
  return undefined;
}

/**
 * Drops steps as long as `differs` says that the rest still does: halves first, then single steps. Answers what cannot be made shorter.
 */
export async function shrunk(steps: readonly Step[], differs: (steps: readonly Step[]) => Promise<boolean>): Promise<readonly Step[]> {
  let shortest = steps;
  for (let size = Math.ceil(shortest.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = shortest.length - size; at >= 0; at -= size) {
      const candidate = [...shortest.slice(0, at), ...shortest.slice(at + size)];
      if (candidate.length > 0 && (await differs(candidate))) shortest = candidate;
    }
  }
  return shortest;
}
