/** The tree of a running node: what its supervisors tell, and how that becomes the nodes of the tree's drawing. */
import type { ChildSnapshot, SupervisorSnapshot } from '../../actors/runtime/supervision/child-snapshot.ts';
import type { ConnectionLook } from '../../actors/connection/connection-look.ts';
import type { ThreadUsage } from '../../native-free-io/thread-usage.ts';
import {
  type TreeGroup,
  type TreeNode,
  connectionGroup,
  janitor,
  keeperGroup,
  listener,
  queueGroup,
  replicaGroup,
  schedulerThread,
  storeGroup,
  supervisionTree,
  topologyGroup,
} from '../../actors/supervision-tree.ts';
import type { LiveNode } from '../../actors/supervision-tree-drawing.ts';

/** Children of one group that are described; of the others the number is told. Those that do not run come first. */
export const DESCRIBED_CHILDREN_MAX = 256;

/** A group of actors: of the main thread all children, of a scheduler thread an excerpt. */
export type GroupDescription = SupervisorSnapshot & {
  /** The kind of its children. */
  readonly name: string;
  readonly childCount: number;
  readonly children: readonly (ChildSnapshot & { readonly name: string })[];
};

/** What a scheduler thread tells of itself. */
export type ThreadDescription = {
  readonly thread: number;
  readonly groups: readonly GroupDescription[];
  /** Shared memory in use by messages and queues of the node, bytes. */
  readonly usedBytes: number;
  readonly connections: number;
  /** Those with the most traffic. */
  readonly connectionLooks: readonly ConnectionLook[];
  readonly usage: ThreadUsage;
  /** Memory of the whole process, bytes. */
  readonly rss: number;
};

/** What a node tells of itself; plain data. */
export type LiveTree = {
  readonly root: SupervisorSnapshot;
  /** The scheduler threads, by number. */
  readonly queues: SupervisorSnapshot;
  /** The acceptors, by thread. */
  readonly listener: SupervisorSnapshot;
  readonly main: readonly GroupDescription[];
  readonly store: readonly GroupDescription[];
  /** Threads that run; one that is being replaced is missing. */
  readonly threads: readonly ThreadDescription[];
};

const UP = { generation: 1, restarts: 0, lastError: null };

/** By the names that `formatTree` looks for. */
export function liveNodes(live: LiveTree): Map<string, LiveNode> {
  const nodes = new Map<string, LiveNode>();
  nodes.set(supervisionTree.id, { ...UP, state: live.root.state, children: live.root.children.length });
  const counts: Record<string, number> = { queues: live.queues.children.length, connections: live.threads.length, listener: live.listener.children.length };
  for (const child of live.root.children) {
    const id = String(child.id);
    const count = counts[id];
    nodes.set(id, count === undefined ? nodeOf(child) : { ...nodeOf(child), children: count });
  }
  addChildren(nodes, schedulerThread, live.queues);
  const [acceptor] = listener.children;
  if (acceptor !== undefined) addChildren(nodes, acceptor, live.listener);
  for (const group of [topologyGroup, keeperGroup]) addGroup(nodes, group, find(live.main, group), '');
  addGroup(nodes, storeGroup, find(live.store, storeGroup), '');
  const janitorGroup = live.main.find(({ name }) => name === janitor.id);
  if (janitorGroup?.children[0] !== undefined) nodes.set(janitor.id, nodeOf(janitorGroup.children[0]));
  for (const { thread, groups } of live.threads) {
    for (const group of [replicaGroup, queueGroup, connectionGroup]) addGroup(nodes, group, find(groups, group), String(thread));
  }
  return nodes;
}

function find(groups: readonly GroupDescription[], { member }: TreeGroup): GroupDescription | undefined {
  return groups.find(({ name }) => name === member.id);
}

function addChildren(nodes: Map<string, LiveNode>, kind: TreeNode, supervisor: SupervisorSnapshot): void {
  for (const child of supervisor.children) nodes.set(`${kind.id}@${child.id}`, nodeOf(child));
}

function addGroup(nodes: Map<string, LiveNode>, tree: TreeGroup, group: GroupDescription | undefined, thread: string): void {
  if (group === undefined) return;
  const at = thread === '' ? '' : `@${thread}`;
  // What the group's own supervisor tells of it, such as its restarts, is there already.
  nodes.set(`${tree.id}${at}`, { ...(nodes.get(`${tree.id}${at}`) ?? UP), state: group.state, children: group.childCount });
  for (const child of group.children) {
    nodes.set(tree.member.count === 'one' ? `${tree.member.id}${at}` : `${tree.member.id}${at}/${child.name}`, nodeOf(child));
  }
}

function nodeOf({ state, generation, restarts, lastError }: ChildSnapshot): LiveNode {
  return { state, generation, restarts, lastError };
}
