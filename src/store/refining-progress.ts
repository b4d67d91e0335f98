/**
 * How far spans have been refined that are refined in several commits (span-refining.ts). It stands in the record of the timeline and changes with
 * each of these commits, so a message is in its span or in the moment that it went to, and never in both.
 */
import { type Place, isLater } from './timeline-keys.ts';

export type RefiningProgress = {
  /** The spans begin behind `from`, before `next`, and with a message before the arrival `arrivals`: what comes meanwhile is not among them. */
  readonly from: Place;
  readonly next: Place;
  readonly arrivals: number;
  /** Their messages up to this one, its due time and arrival, have gone on. */
  readonly through: Place;
};

/** Whether the record at `place` belongs to what is refined, if it is a span. */
export function isAmong({ from, next, arrivals }: Omit<RefiningProgress, 'through'>, place: Place): boolean {
  return place.number < arrivals && isLater(place, from) && isLater(next, place);
}

/** Whether a message of the span at `place` has gone on. `message`: its due time and arrival. */
export function isMoved(refining: RefiningProgress | undefined, place: Place, message: Place): boolean {
  return refining !== undefined && !isLater(message, refining.through) && isAmong(refining, place);
}
