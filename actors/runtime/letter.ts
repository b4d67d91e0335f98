/**
 * What actors tell each other. One shape for all letters, so that the code that carries them never changes its mind about
 * it: a few numbers, a batch of int32 words for the hot ones, a plain value for the cold ones. `actors/messages` says what
 * they mean, one file per receiver.
 *
 * A letter belongs to its receiver from the moment it is told.
 */
export class Letter {
  /** A frozen number from actors/messages: `receiver << 8 | kind`. Below 0x100: the runtime's own. */
  readonly type: number;
  /** Meaning by type. */
  a = 0;
  b = 0;
  c = 0;
  /** The batch of a hot letter: the first `count` words. */
  ints: Int32Array = NO_INTS;
  count = 0;
  /** Plain data of a cold letter; what msgpackr can carry. Undefined in hot ones. */
  body: unknown = undefined;
  /** Who sent it. */
  sender: ActorRef = NOBODY;
  /** Numbers the letters of one sending thread, never 0, wrapping: with `sender.thread` it names the letter. */
  number = 0;

  constructor(type: number) {
    this.type = type;
  }
}

/** Names an actor across threads: a plain value. `generation` 0 means whichever incarnation runs. */
export type ActorRef = { readonly thread: number; readonly id: number; readonly generation: number };

export const NOBODY: ActorRef = { thread: -1, id: 0, generation: 0 };
export const NO_INTS = new Int32Array(0);

/** The runtime's own letters. */
export const RuntimeLetter = {
  /** An actor that this one watches has ended: `sender` is that actor, `a` is 1 when it crashed, 2 when its thread is lost. */
  down: 0x01,
  /** An actor that this one watches runs again: `sender` is its new incarnation. */
  restarted: 0x02,
  /** A timer of this actor fired: `a` is the key, `b` the epoch it was armed in. */
  timer: 0x03,
  /** To a scheduler: `sender` wants to hear of the end of actor `a`. */
  watch: 0x04,
  unwatch: 0x05,
} as const;

export function coldLetter(type: number, body: unknown): Letter {
  const letter = new Letter(type);
  letter.body = body;
  return letter;
}
