/** Frames packed for the page: each text once, and without what is too small to be seen. */
import type { DifferenceFrame } from '../difference.ts';
import type { Frame } from '../fold.ts';
import { FRAME_KINDS } from '../frame-kind.ts';
import type { PageData, PageFrame } from './flame-view.ts';

/** Frames with less than this share of their thread are left out; their time stays in their callers. */
const SHARE_LEAST = 1 / 20_000;

export function pageData(roots: readonly (Frame | DifferenceFrame)[]): PageData {
  const names = new TextTable();
  const places = new TextTable();
  const isDifference = roots.some((root) => 'before' in root);
  const pack = (frame: Frame | DifferenceFrame, least: number): PageFrame => {
    const children = frame.children.filter((child) => sizeOf(child) >= least).map((child) => pack(child, least));
    const packed = [names.of(frame.name), places.of(frame.place), FRAME_KINDS.indexOf(frame.kind), frame.self, frame.total, children] as const;
    return 'before' in frame ? [...packed, frame.before] : packed;
  };
  const packed = roots.map((root) => pack(root, sizeOf(root) * SHARE_LEAST));
  return { names: names.texts, places: places.texts, kinds: FRAME_KINDS, roots: packed, isDifference };
}

function sizeOf(frame: Frame | DifferenceFrame): number {
  return 'before' in frame ? Math.max(frame.total, frame.before) : frame.total;
}

class TextTable {
  readonly texts: string[] = [];
  readonly #numbers = new Map<string, number>();

  of(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.texts.length);
    return this.texts.push(text) - 1;
  }
}
