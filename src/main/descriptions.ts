import type { ActorGroup } from '../../actors/runtime/actor-group.ts';
import type { GroupDescription } from './live-tree.ts';

/** The groups of the main thread, for the tree of a running node. */
export function describeGroups(groups: Iterable<ActorGroup>): GroupDescription[] {
  return [...groups].map((group) => {
    const snapshot = group.snapshot();
    const children = snapshot.children.map((child) => ({ ...child, name: String(child.id) }));
    return { name: group.name, ...snapshot, childCount: children.length, children };
  });
}
