/** Questions to the replicas of the scheduler threads, and what comes back: for the tree of a running node, and for its operator. */
export class ThreadQuestions {
  readonly #ask: (thread: number, type: number, request: number, body: unknown) => void;
  readonly #waiting = new Map<number, { readonly thread: number; resolve(body: unknown): void }>();
  #requests = 0;

  /** `ask` tells a replica: type of the letter, number of the request, body. */
  constructor(ask: (thread: number, type: number, request: number, body: unknown) => void) {
    this.#ask = ask;
  }

  /** Undefined: the thread was lost before it answered. */
  ask(thread: number, type: number, body?: unknown): Promise<unknown> {
    const request = ++this.#requests;
    const answered = Promise.withResolvers<unknown>();
    this.#waiting.set(request, { thread, resolve: answered.resolve });
    this.#ask(thread, type, request, body);
    return answered.promise;
  }

  answered(request: number, body: unknown): void {
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
