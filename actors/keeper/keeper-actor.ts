/** Hears from the scheduler threads what concerns the whole node, and hands it to the composition. */
import { KeeperLetter } from '../messages/keeper-messages.ts';
import type { Actor } from '../runtime/actor.ts';
import type { Letter } from '../runtime/letter.ts';

export interface KeeperHost {
  listening(thread: number, port: number): void;
  failed(thread: number, why: string): void;
  fenced(thread: number, lost: number): void;
  stopped(thread: number): void;
  log(level: number, fields: object, text: string): void;
  described(thread: number, request: number, body: unknown): void;
}

export class KeeperActor implements Actor {
  readonly #host: KeeperHost;

  constructor(host: KeeperHost) {
    this.#host = host;
  }

  receive(letter: Letter): void {
    const { thread } = letter.sender;
    switch (letter.type) {
      case KeeperLetter.listening:
        return this.#host.listening(thread, letter.a);
      case KeeperLetter.failed:
        return this.#host.failed(thread, String(letter.body));
      case KeeperLetter.fenced:
        return this.#host.fenced(thread, letter.a);
      case KeeperLetter.stopped:
        return this.#host.stopped(thread);
      case KeeperLetter.log: {
        const { fields, text } = letter.body as { readonly fields: object; readonly text: string };
        return this.#host.log(letter.a, fields, text);
      }
      case KeeperLetter.described:
        return this.#host.described(thread, letter.a, letter.body);
    }
  }

  endTurn(): void {}

  stop(): void {}
}
