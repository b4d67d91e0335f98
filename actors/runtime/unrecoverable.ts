/**
 * Thrown by an actor, or by whoever makes one, when the next incarnation would find the same and fail as well. A group with
 * `giveUp: 'mark'` marks it as crashed at once, without an attempt more; any other group gives up.
 */
export class Unrecoverable extends Error {
  override readonly name = 'Unrecoverable';
}
