/** Functions by the time that was spent in themselves, over all callers: where a first look goes. */
import type { DifferenceFrame } from './difference.ts';
import type { Frame } from './fold.ts';

/** `self` in the unit of the frames; `change` against the run before, of a difference. */
export type HotFunction = { readonly name: string; readonly place: string; readonly self: number; readonly change: number | undefined };

/** The first `count` of them; of a difference those that changed most. Waiting is no work. */
export function hottest(roots: readonly (Frame | DifferenceFrame)[], count: number): HotFunction[] {
  const found = new Map<string, { name: string; place: string; self: number; change: number | undefined }>();
  const visit = (frame: Frame | DifferenceFrame): void => {
    if (frame.kind !== 'idle') {
      const key = `${frame.name} ${frame.place}`;
      const hot = found.get(key) ?? { name: frame.name, place: frame.place, self: 0, change: undefined };
      hot.self += frame.self;
      if ('before' in frame) hot.change = (hot.change ?? 0) + frame.self - selfBefore(frame);
      found.set(key, hot);
    }
    frame.children.forEach(visit);
  };
  roots.forEach(visit);
  const weight = ({ self, change }: HotFunction): number => (change === undefined ? self : Math.abs(change));
  return [...found.values()]
    .filter((hot) => weight(hot) > 0)
    .toSorted((one, other) => weight(other) - weight(one))
    .slice(0, count);
}

function selfBefore({ before, children }: DifferenceFrame): number {
  return before - children.reduce((sum, child) => sum + child.before, 0);
}
