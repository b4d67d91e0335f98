/** Asks threads what runs on them, for the tree of a running node. */
import type { ActorGroup } from '../../actors/runtime/actor-group.ts';
import type { GroupDescription, ThreadDescription } from './live-tree.ts';

export class Descriptions {
  readonly #ask: (thread: number, request: number) => void;
  readonly #waiting = new Map<number, { readonly thread: number; resolve(body: ThreadDescription | undefined): void }>();
  #requests = 0;

  constructor(ask: (thread: number, request: number) => void) {
    this.#ask = ask;
  }

  /** Undefined: the thread was lost before it answered. */
  of(thread: number): Promise<ThreadDescription | undefined> {
    const request = ++this.#requests;
    const answered = Promise.withResolvers<ThreadDescription | undefined>();
    this.#waiting.set(request, { thread, resolve: answered.resolve });
    this.#ask(thread, request);
    return answered.promise;
  }

  described(request: number, body: ThreadDescription): void {
    this.#waiting.get(request)?.resolve(body);
    this.#waiting.delete(request);
  }

  threadLost(thread: number): void {
    for (const [request, { thread: asked, resolve }] of this.#waiting) {
      if (asked !== thread) continue;
      this.#waiting.delete(request);
      resolve(undefined);
    }
  }
}

/** The groups of the main thread. */
export function describeGroups(groups: Iterable<ActorGroup>): GroupDescription[] {
  return [...groups].map((group) => {
    const snapshot = group.snapshot();
    const children = snapshot.children.map((child) => ({ ...child, name: String(child.id) }));
    return { name: group.name, ...snapshot, childCount: children.length, children };
  });
}
