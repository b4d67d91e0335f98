/**
 * Where tests make things go wrong: in the runtime itself, between the letter and the actor. In production no plan is set
 * and the scheduler asks one undefined field once a letter.
 */
export interface FaultPlan {
  /** Called before an actor reads a letter. May throw InjectedCrash: the actor crashes with the letter in hand. */
  beforeLetter(group: string, id: number, nth: number): void;
  /** Called after an actor has read a letter and before it is put away: a crash in the last moment. */
  afterLetter(group: string, id: number, nth: number): void;
}

export class InjectedCrash extends Error {
  override readonly name = 'InjectedCrash';
}
