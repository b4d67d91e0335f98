import type { Letter } from './letter.ts';

/** Letters that a lane may hold before those who write to it are asked to stop reading their sources. */
export const MAILBOX_HIGH = 4096;
export const MAILBOX_LOW = 1024;

/** Letters in order of arrival; taking one costs nothing however many wait. */
export class Lane {
  #letters: Letter[] = [];
  #first = 0;

  get size(): number {
    return this.#letters.length - this.#first;
  }

  push(letter: Letter): void {
    this.#letters.push(letter);
  }

  shift(): Letter | undefined {
    if (this.#first === this.#letters.length) return undefined;
    const letter = this.#letters[this.#first++];
    if (this.#first === this.#letters.length) {
      this.#letters = [];
      this.#first = 0;
    } else if (this.#first === 1024) {
      this.#letters = this.#letters.slice(1024);
      this.#first = 0;
    }
    return letter;
  }
}

/**
 * What waits for an actor, in two lanes: control (ends of others, timers) goes before data. It outlives the incarnations
 * of its actor, and with it the letter that was in hand when one of them crashed.
 */
export class Mailbox {
  readonly control = new Lane();
  readonly data = new Lane();
  /** The letter that the actor is reading now, or was reading when it crashed. */
  inHand: Letter | undefined = undefined;
  /** How often an incarnation has crashed over the letter in hand. */
  crashes = 0;

  get size(): number {
    return this.control.size + this.data.size + (this.inHand === undefined ? 0 : 1);
  }

  next(): Letter | undefined {
    return this.control.shift() ?? this.data.shift();
  }
}
