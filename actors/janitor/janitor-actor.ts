/**
 * Turns what threads measure into alarms for the whole node. Without it the node serves on: a thread that finds memory above the limit still
 * stops its own publishers, but nobody else's.
 */
import { JanitorLetter } from '../messages/janitor-messages.ts';
import type { Actor } from '../runtime/actor.ts';
import type { Letter } from '../runtime/letter.ts';

export interface JanitorHost {
  /** Messages take more memory than the limit, or less again. May be told twice. */
  memoryChanged(above: boolean): void;
  /** The disk has too little room, or enough again. May be told twice. */
  diskChanged(full: boolean): void;
}

export class JanitorActor implements Actor {
  readonly #host: JanitorHost;

  constructor(host: JanitorHost) {
    this.#host = host;
  }

  receive(letter: Letter): void {
    if (letter.type === JanitorLetter.memory) this.#host.memoryChanged(letter.a === 1);
    else if (letter.type === JanitorLetter.disk) this.#host.diskChanged(letter.a === 1);
  }

  endTurn(): void {}

  stop(): void {}
}
