import type { ActorRef, Letter } from './letter.ts';

/**
 * Something with a mailbox, run by the scheduler of one thread, one letter at a time. An exception out of any of these is
 * a crash of this actor and of nothing else.
 */
export interface Actor {
  receive(letter: Letter): void;
  /** After the last letter of a turn: what was collected leaves now. */
  endTurn(): void;
  /** The actor is stopped in order; it answers nothing afterwards. */
  stop(reason: string): void;
}

/** What an actor may ask of the thread it runs on. */
export interface ActorContext {
  readonly self: ActorRef;
  tell(to: ActorRef, letter: Letter): void;
  /** Asks for a `down` letter when `target` ends, now if it has ended already, and `restarted` when it runs again. */
  watch(target: ActorRef): void;
  unwatch(target: ActorRef): void;
  /** Sends this actor a `timer` letter in `afterMs`. The same key again replaces the timer. */
  armTimer(key: number, afterMs: number): void;
  cancelTimer(key: number): void;
  /** Ends this actor in order, after the current letter. */
  end(reason: string): void;
}

/** Makes an incarnation of an actor. Throws: the start failed. */
export type ActorFactory = (context: ActorContext) => Actor;
