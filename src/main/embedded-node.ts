/** What tools beside the broker may know of one that `createBroker` has made; its users know it as a `Broker` only. */
import type { HeldNode } from './held-node.ts';
import type { WatchedLog } from './log.ts';

export type EmbeddedNode = {
  readonly node: HeldNode;
  /** Hear every error of the log, a line of JSON each. */
  readonly watchers: WatchedLog['watchers'];
  /** It forgives as many crashes as are ordered. */
  readonly forgiving: boolean;
};

const nodes = new WeakMap<object, EmbeddedNode>();

export function embed(broker: object, node: EmbeddedNode): void {
  nodes.set(broker, node);
}

/** Undefined: the object was not made by this package's `createBroker`. */
export function embeddedNode(broker: object): EmbeddedNode | undefined {
  return nodes.get(broker);
}
