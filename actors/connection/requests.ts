import type { QueueAnswer, QueueQuestion } from '../../src/broker/queue/queue-question.ts';
import type { QueueRecord } from '../../src/broker/topology/topology-records.ts';

export type Asked = {
  readonly queue: QueueRecord;
  readonly question: QueueQuestion;
  readonly then: (answer: QueueAnswer, generation: number) => void;
};

/** What this connection has asked and waits for, by number. While anything is asked, nothing more is read. */
export class Requests {
  #next = 1;
  readonly #questions = new Map<number, Asked>();
  /** Those that nobody waits for. */
  readonly #background = new Map<number, Asked>();
  readonly #others = new Map<number, (body: unknown, b: number) => void>();

  get waiting(): boolean {
    return this.#questions.size > 0 || this.#others.size > 0;
  }

  question(asked: Asked): number {
    const request = this.#number();
    this.#questions.set(request, asked);
    return request;
  }

  /** A question whose answer is welcome whenever it comes: reading goes on. */
  background(asked: Asked): number {
    const request = this.#number();
    this.#background.set(request, asked);
    return request;
  }

  other(then: (body: unknown, b: number) => void): number {
    const request = this.#number();
    this.#others.set(request, then);
    return request;
  }

  find(request: number): Asked | undefined {
    return this.#questions.get(request) ?? this.#background.get(request);
  }

  takeQuestion(request: number): Asked | undefined {
    const asked = this.find(request);
    this.#questions.delete(request);
    this.#background.delete(request);
    return asked;
  }

  takeOther(request: number): ((body: unknown, b: number) => void) | undefined {
    const then = this.#others.get(request);
    this.#others.delete(request);
    return then;
  }

  /** Questions to queues that `concerns` names, with their numbers. */
  questions(concerns: (asked: Asked) => boolean): readonly [number, Asked][] {
    return [...this.#questions].filter(([, asked]) => concerns(asked));
  }

  #number(): number {
    this.#next = (this.#next % 0x7fff_ffff) + 1;
    return this.#next;
  }
}
