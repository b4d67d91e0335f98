import type { Method, MethodName, MethodOf } from '../../../src/amqp/method-table.ts';
import type { MessageBook } from './message-book.ts';
import type { SimClient } from './sim-client.ts';
import type { SimFaults } from './sim-faults.ts';
import type { SimRandom } from './sim-random.ts';

/** What every role knows of the simulation around it. */
export type SimWorld = {
  readonly random: SimRandom;
  readonly book: MessageBook;
  readonly faults: SimFaults;
  /** Choices made so far: the order of everything. */
  readonly steps: number;
  violate(text: string): void;
  /**
   * Channels may have limits of their own (basic.qos with global). What comes above one goes back unseen, and another consumer
   * may have got younger messages meanwhile: then only the queue's own order can be looked at.
   */
  readonly sharedLimits: boolean;
  /** Roles begin nothing new. */
  winding: boolean;
};

/** Methods and their answers on one channel: one is asked at a time, and its answer must come. */
export class Talk {
  readonly channel: number;
  readonly #client: SimClient;
  readonly #world: SimWorld;
  readonly #name: string;
  #asked: { readonly answers: readonly MethodName[]; readonly then: (answer: Method, body: Buffer | undefined) => void } | undefined;

  constructor(name: string, channel: number, client: SimClient, world: SimWorld) {
    this.#name = name;
    this.channel = channel;
    this.#client = client;
    this.#world = world;
  }

  get waiting(): string | undefined {
    return this.#asked?.answers.join(' or ');
  }

  ask<N extends MethodName>(method: Method, answer: N, then: (answer: MethodOf<N>) => void): void {
    this.askFor(method, [answer], (method) => then(method as MethodOf<N>));
  }

  askFor(method: Method, answers: readonly MethodName[], then: (answer: Method, body: Buffer | undefined) => void): void {
    if (this.#asked !== undefined) throw new Error(`${this.#name} asks twice`);
    this.#asked = { answers, then };
    this.#client.send(this.channel, method);
  }

  /** Answers whether the method was the answer that is waited for. */
  takes(method: Method, body: Buffer | undefined): boolean {
    const asked = this.#asked;
    if (asked === undefined || !asked.answers.includes(method.name)) {
      if (method.name.endsWith('-ok')) this.#world.violate(`${this.#name} got ${method.name}, which it did not ask for`);
      return false;
    }
    this.#asked = undefined;
    asked.then(method, body);
    return true;
  }

  /** The channel or the connection is over: no answer is due. */
  drop(): void {
    this.#asked = undefined;
  }
}
