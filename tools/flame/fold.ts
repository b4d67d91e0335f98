/** A profile as a flame graph needs it: one frame for each way to a function, with the time on top of it and below it. */
import type { CpuProfile, ProfileNode } from './cpu-profile.ts';
import { type FrameKind, frameFile, frameKind } from './frame-kind.ts';

/** Times in microseconds. `total` is `self` and that of all children. */
export type Frame = {
  readonly name: string;
  /** With the line; empty for what has no file. */
  readonly place: string;
  readonly kind: FrameKind;
  self: number;
  total: number;
  readonly children: Frame[];
};

/** Deeper stacks are cut: a runaway recursion must not make a page that no browser opens. */
const DEPTH_MAX = 256;

/** `thread` becomes the root's name. */
export function fold(profile: CpuProfile, thread: string): Frame {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const selfUs = new Map<number, number>();
  profile.samples.forEach((id, index) => {
    // The first look may come before the one that it is measured from.
    const deltaUs = Math.max(0, profile.timeDeltas[index] ?? 0);
    selfUs.set(id, (selfUs.get(id) ?? 0) + deltaUs);
  });
  const root: Frame = { name: thread, place: '', kind: 'broker', self: 0, total: 0, children: [] };
  addAll(root, profile.nodes[0]?.children ?? [], nodes, selfUs);
  sum(root);
  return root;
}

type Pending = { readonly parent: Frame; readonly id: number; readonly depth: number };

/** Not by recursion: stacks may be deeper than this thread's own. */
function addAll(root: Frame, ids: readonly number[], nodes: ReadonlyMap<number, ProfileNode>, selfUs: ReadonlyMap<number, number>): void {
  const pending: Pending[] = ids.map((id) => ({ parent: root, id, depth: 1 }));
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const node = nodes.get(next.id);
    if (node === undefined) continue;
    const frame = next.depth > DEPTH_MAX ? next.parent : frameOf(next.parent, node);
    frame.self += selfUs.get(node.id) ?? 0;
    for (const id of node.children) pending.push({ parent: frame, id, depth: next.depth + 1 });
  }
}

/** The same function below the same callers is one frame, whatever V8 inlined in between. */
function frameOf(parent: Frame, { callFrame: { functionName, url, lineNumber } }: ProfileNode): Frame {
  const name = functionName === '' ? '(anonymous)' : functionName;
  const place = url === '' ? '' : `${frameFile(url)}:${lineNumber + 1}`;
  const known = parent.children.find((other) => other.name === name && other.place === place);
  if (known !== undefined) return known;
  const frame: Frame = { name, place, kind: frameKind(functionName, url), self: 0, total: 0, children: [] };
  parent.children.push(frame);
  return frame;
}

function sum(frame: Frame): number {
  frame.total = frame.self;
  for (const child of frame.children) frame.total += sum(child);
  return frame.total;
}
