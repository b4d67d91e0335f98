/**
 * The whole tree of the node as data: who is started when, by whom, on which thread, what happens when it crashes, and why it is
 * so. The supervisors are built from it, `leveret tree` draws it, and a test holds the two together.
 *
 * Siblings stand in start order; they stop in the reverse of it. Under rest-for-one a child that is restarted takes those below
 * it with it, so each stands below everything it needs, and as far down as it can.
 */
import type { ChildPolicy } from './runtime/supervision/child-spec.ts';
import type { DynamicSupervisorOptions } from './runtime/supervision/dynamic-supervisor.ts';
import type { RestartIntensity } from './runtime/supervision/restart-window.ts';
import type { Strategy } from './runtime/supervision/strategy.ts';

/** Where an actor runs: on the main thread, on one of the scheduler threads, or on the store's own. */
export type TreeThread = 'main' | 'scheduler' | 'store';

/** What all nodes of the tree have. `why` is one sentence for a newcomer. */
type TreeNodeBase = ChildPolicy & {
  readonly id: string;
  readonly thread: TreeThread;
  /** How many there are: one, one for each scheduler thread, or as many as there is need for. */
  readonly count: 'one' | 'each-scheduler' | 'dynamic';
  readonly why: string;
};

export type TreeWorker = TreeNodeBase & { readonly kind: 'worker' };

/** A supervisor of a few named children. */
export type TreeSupervisor = TreeNodeBase & {
  readonly kind: 'supervisor';
  readonly strategy: Strategy;
  readonly intensity: RestartIntensity;
  readonly children: readonly TreeNode[];
};

/** A supervisor of children of one kind, a group of the runtime. */
export type TreeGroup = TreeNodeBase & {
  readonly kind: 'supervisor';
  readonly strategy: 'dynamic';
  readonly giveUp: 'escalate' | 'mark';
  readonly intensity: RestartIntensity;
  readonly childrenMax: number;
  readonly member: TreeWorker;
};

export type TreeNode = TreeWorker | TreeSupervisor | TreeGroup;

/** Queues one scheduler thread takes; the next declaration is refused. */
export const QUEUES_OF_THREAD_MAX = 262_144;
/** Connections one scheduler thread takes; the next one is closed. */
export const CONNECTIONS_OF_THREAD_MAX = 65_536;
/** Scheduler threads of a node: with the main thread, as many as a mesh of rings joins. */
export const SCHEDULERS_MAX = 63;

export const queueGroup: TreeGroup = {
  id: 'queues-of-thread',
  kind: 'supervisor',
  thread: 'scheduler',
  count: 'one',
  strategy: 'dynamic',
  giveUp: 'mark',
  intensity: { restarts: 5, periodMs: 10_000 },
  childrenMax: QUEUES_OF_THREAD_MAX,
  restart: 'permanent',
  shutdown: 'infinity',
  why: 'A queue that crashes for the sixth time in 10 s is marked crashed, visible and restartable; its neighbours go on.',
  member: {
    id: 'queue',
    kind: 'worker',
    thread: 'scheduler',
    count: 'dynamic',
    restart: 'transient',
    shutdown: 5_000,
    why: 'What a queue holds lies outside its actor, so a new incarnation takes it over; a deleted queue ends normally.',
  },
};

export const connectionGroup: TreeGroup = {
  id: 'connections-of-thread',
  kind: 'supervisor',
  thread: 'scheduler',
  count: 'each-scheduler',
  strategy: 'dynamic',
  giveUp: 'escalate',
  intensity: { restarts: 0, periodMs: 1_000 },
  childrenMax: CONNECTIONS_OF_THREAD_MAX,
  restart: 'permanent',
  shutdown: 'infinity',
  why: 'Its children are temporary and never restarted, so it has nothing to count and nothing to give up.',
  member: {
    id: 'connection',
    kind: 'worker',
    thread: 'scheduler',
    count: 'dynamic',
    restart: 'temporary',
    shutdown: 5_000,
    why: 'A client reconnects; a connection is never revived. Its channels are machines inside it and share its fate.',
  },
};

export const replicaGroup: TreeGroup = {
  id: 'replica-of-thread',
  kind: 'supervisor',
  thread: 'scheduler',
  count: 'one',
  strategy: 'dynamic',
  giveUp: 'escalate',
  intensity: { restarts: 3, periodMs: 60_000 },
  childrenMax: 1,
  restart: 'permanent',
  shutdown: 'infinity',
  why: 'When it gives up the thread ends and is replaced: a thread that does not follow the topology answers wrongly.',
  member: {
    id: 'replica',
    kind: 'worker',
    thread: 'scheduler',
    count: 'one',
    restart: 'permanent',
    shutdown: 1_000,
    why: 'The topology as its thread sees it, and the hand of the main thread there; it stands before the queues it starts.',
  },
};

/** One scheduler thread. The supervisor of its children is the thread itself: what ends it ends them. */
export const schedulerThread: TreeSupervisor = {
  id: 'thread',
  kind: 'supervisor',
  thread: 'scheduler',
  count: 'each-scheduler',
  strategy: 'rest-for-one',
  intensity: { restarts: 0, periodMs: 1_000 },
  restart: 'permanent',
  shutdown: 2_000,
  why: 'Its loss takes all actors on it; the replacement finds its queues in shared memory. A thread that hangs is ended by force.',
  children: [replicaGroup, queueGroup],
};

/** A group of one on the main thread. */
export const keeperGroup: TreeGroup = {
  id: 'keeper-of-threads',
  kind: 'supervisor',
  thread: 'main',
  count: 'one',
  strategy: 'dynamic',
  giveUp: 'escalate',
  intensity: { restarts: 3, periodMs: 60_000 },
  childrenMax: 1,
  restart: 'permanent',
  shutdown: 'infinity',
  why: 'When it gives up nobody hears the threads any more, and all of them are started anew.',
  member: {
    id: 'keeper',
    kind: 'worker',
    thread: 'main',
    count: 'one',
    restart: 'permanent',
    shutdown: 1_000,
    why: 'Hears from the threads what the supervisors must know; stands before the first thread.',
  },
};

export const storeGroup: TreeGroup = {
  id: 'store',
  kind: 'supervisor',
  thread: 'store',
  count: 'one',
  strategy: 'dynamic',
  giveUp: 'escalate',
  intensity: { restarts: 3, periodMs: 60_000 },
  childrenMax: 1,
  restart: 'permanent',
  shutdown: 'infinity',
  why: 'Durability first: starts first, stops last. A thread that is lost, a failed flush or a fourth crash in a minute stop the node.',
  member: {
    id: 'store-writer',
    kind: 'worker',
    thread: 'store',
    count: 'one',
    restart: 'permanent',
    shutdown: 60_000,
    why: 'Collects what queues and the topology hand over and commits it as one group; what it has collected outlives its crash.',
  },
};

export const topologyGroup: TreeGroup = {
  id: 'topology',
  kind: 'supervisor',
  thread: 'main',
  count: 'one',
  strategy: 'dynamic',
  giveUp: 'escalate',
  intensity: { restarts: 3, periodMs: 60_000 },
  childrenMax: 1,
  restart: 'permanent',
  shutdown: 'infinity',
  why: 'A crash is repaired here and nobody below hears of it; a fourth in a minute restarts what stands on the topology too.',
  member: {
    id: 'topology-writer',
    kind: 'worker',
    thread: 'main',
    count: 'one',
    restart: 'permanent',
    shutdown: 5_000,
    why: 'The single writer of exchanges, bindings, users and policies; its state outlives its actor.',
  },
};

export const queues: TreeSupervisor = {
  id: 'queues',
  kind: 'supervisor',
  thread: 'main',
  count: 'one',
  strategy: 'one-for-one',
  intensity: { restarts: 60, periodMs: 60_000 },
  restart: 'permanent',
  shutdown: 'infinity',
  why: 'The scheduler threads with their queues; a lost thread is replaced, and more than one a second is no accident.',
  children: [keeperGroup, schedulerThread],
};

export const connections: TreeSupervisor = {
  id: 'connections',
  kind: 'supervisor',
  thread: 'main',
  count: 'one',
  strategy: 'one-for-one',
  intensity: { restarts: 5, periodMs: 60_000 },
  restart: 'permanent',
  shutdown: 'infinity',
  why: 'Connections publish to queues, so they close before those stop; a lost thread closes its own connections only.',
  children: [connectionGroup],
};

export const listener: TreeSupervisor = {
  id: 'listener',
  kind: 'supervisor',
  thread: 'main',
  count: 'one',
  strategy: 'one-for-one',
  intensity: { restarts: 5, periodMs: 60_000 },
  restart: 'permanent',
  shutdown: 'infinity',
  why: 'Accepts only when all above stand, and stops before any of them: nobody new comes in while the house is closing.',
  children: [
    {
      id: 'acceptor',
      kind: 'worker',
      thread: 'scheduler',
      count: 'each-scheduler',
      restart: 'permanent',
      shutdown: 1_000,
      why: 'Each scheduler thread accepts for itself, so a new socket never changes threads.',
    },
  ],
};

export const janitor: TreeWorker = {
  id: 'janitor',
  kind: 'worker',
  thread: 'main',
  count: 'one',
  restart: 'permanent',
  shutdown: 1_000,
  why: 'Alarms of memory, later of the disk; nobody needs it to be served, so its crash disturbs nobody.',
};

/** The tree of the node. */
export const supervisionTree: TreeSupervisor = {
  id: 'root',
  kind: 'supervisor',
  thread: 'main',
  count: 'one',
  strategy: 'rest-for-one',
  intensity: { restarts: 3, periodMs: 60_000 },
  restart: 'permanent',
  shutdown: 'infinity',
  why: 'What stands below needs what stands above; a fourth restart in a minute stops the node, and who watches the process starts it anew.',
  children: [storeGroup, topologyGroup, queues, connections, listener, janitor],
};

/** The nodes right below a node: children, the one kind of member of a group, or nothing. */
export function childrenOf(node: TreeNode): readonly TreeNode[] {
  if (node.kind === 'worker') return [];
  return node.strategy === 'dynamic' ? [node.member] : node.children;
}

/**
 * What the runtime needs to run a group of the tree; the runtime's name of it is that of its members. `intensity` stands in for
 * that of the tree where a test turns it.
 */
export function groupOptions(group: TreeGroup, intensity: RestartIntensity = group.intensity): DynamicSupervisorOptions & { readonly name: string } {
  const { member, giveUp, childrenMax } = group;
  return { name: member.id, policy: policyOf(member), giveUp, intensity, childrenMax };
}

/** A worker right below an ordered supervisor, as a group of one: its first crash goes up to the supervisor that counts it. */
export function soleOptions(worker: TreeWorker): DynamicSupervisorOptions & { readonly name: string } {
  return { name: worker.id, policy: policyOf(worker), giveUp: 'escalate', intensity: { restarts: 0, periodMs: 1_000 }, childrenMax: 1 };
}

function policyOf({ restart, shutdown, kind }: TreeNode): ChildPolicy {
  return { restart, shutdown, kind };
}
