/**
 * Letters between the actor of a timeline and the store. It takes its place among the queues (queue-messages.ts): what connections and
 * queues tell it is what they tell any queue.
 *
 * ```
 * due       from the store. a: session of the asker
 *           words, 6 a message: | address | due low | due high | number low | number high | flags (MomentFlag) |
 *           In order of moments, the messages of one together. Each comes with one lease, which is the timeline's from then on.
 * reached   from the store. a: session of the asker, b: what `advance` came to (AdvanceResult); `due` follows with what it found
 *           words: | next low | high |: when the first is due of those that were not handed out; NEVER_DUE: there is none
 * goOn      from itself: more is due than one turn routes
 * damaged   from the store, once a session. body: what is damaged, as a sentence
 *
 * delay     to the store. a: timeline, b: id of the actor that published, c: its thread
 *           words, 6 a message: | address | due low | due high | channel | sequence, low 32 bits | flags (DelayWord) |
 *           Each message comes with one lease, which is the store's from then on. When the group is on the device the publisher hears
 *           `confirmed`.
 * rewind    to the store. a: timeline, b: session. Nothing is handed out any more; what is handed out from now on carries the session.
 *           words: | gone low | high |: what is due then or before may have found its queues, and comes marked
 * ending    to the store: the actor ends in order, with messages on their way. a: timeline. words: | gone low | high |, as of `rewind`
 * advance   to the store. a: timeline. words: | until when low | high |: what is due then or before. Answer: `reached`.
 * recede    to the store. a: timeline. words: | due low | due high | number low | number high |: of the last moment that was kept
 * passed    to the store. a: timeline
 *           words, 2 a moment: | number low | number high |: all of its messages have found their queues
 * ```
 */
import { MomentFlag } from '../../src/store/moment-record.ts';

export const TimelineLetter = {
  due: 0x220,
  goOn: 0x221,
  damaged: 0x222,
  reached: 0x223,
} as const;

export const TimelineStoreLetter = {
  delay: 0x820,
  rewind: 0x821,
  advance: 0x822,
  recede: 0x823,
  passed: 0x824,
  ending: 0x825,
} as const;

export const DUE_WORDS = 6;
export const DELAY_WORDS = 6;

export const DelayWord = {
  persistent: MomentFlag.persistent,
  redelivered: MomentFlag.redelivered,
  /** Bits that the store keeps. */
  keptBits: 0xff,
  /** An answer is wanted. */
  confirm: 0x100,
} as const;

export const AdvanceResult = {
  /** It was heard before. */
  none: 0,
  more: 1,
  reached: 2,
  exhausted: 3,
  /** Nobody asked: something has come that is due earlier than what was the first of those that were not handed out. */
  earlier: 4,
} as const;

/** As a long. */
export const NEVER_DUE = Number.MAX_SAFE_INTEGER;

const HIGH = 2 ** 32;

/** A whole number from 0 to below 2^53 as two words, low first. */
export function writeLong(ints: Int32Array, at: number, value: number): void {
  ints[at] = value % HIGH | 0;
  ints[at + 1] = Math.floor(value / HIGH);
}

export function readLong(ints: Int32Array, at: number): number {
  return ints[at + 1]! * HIGH + (ints[at]! >>> 0);
}
