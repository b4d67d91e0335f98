/** Two profiles of the same work laid over each other, by names: places move when code is edited. */
import type { Frame } from './fold.ts';

/** `before`: the share of the whole that the frame had in the first profile, while `total` is what it has in the second, both in millionths. */
export type DifferenceFrame = Omit<Frame, 'children'> & { readonly before: number; readonly children: readonly DifferenceFrame[] };

const WHOLE = 1_000_000;

/** Idle time is left out of both: a busier run is no slower one. */
export function difference(before: Frame, after: Frame): DifferenceFrame {
  return lay(before, after, after.name, WHOLE / Math.max(1, busy(before)), WHOLE / Math.max(1, busy(after)));
}

function busy(frame: Frame): number {
  return frame.kind === 'idle' ? 0 : frame.self + frame.children.reduce((sum, child) => sum + busy(child), 0);
}

function lay(before: Frame | undefined, after: Frame | undefined, name: string, scaleBefore: number, scaleAfter: number): DifferenceFrame {
  const pairs = new Map<string, { before?: Frame; after?: Frame }>();
  for (const child of before?.children ?? []) if (child.kind !== 'idle') pairs.set(keyOf(child), { before: child });
  for (const child of after?.children ?? []) if (child.kind !== 'idle') pairs.set(keyOf(child), { ...pairs.get(keyOf(child)), after: child });
  const { place, kind } = (after ?? before)!;
  return {
    name,
    place,
    kind,
    self: Math.round((after?.self ?? 0) * scaleAfter),
    total: after === undefined ? 0 : Math.round(busy(after) * scaleAfter),
    before: before === undefined ? 0 : Math.round(busy(before) * scaleBefore),
    children: [...pairs.values()].map((pair) => lay(pair.before, pair.after, (pair.after ?? pair.before)!.name, scaleBefore, scaleAfter)),
  };
}

function keyOf({ name, place }: Frame): string {
  return `${name} ${place.replace(/:\d+$/, '')}`;
}
