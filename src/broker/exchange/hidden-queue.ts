/**
 * Queues that exchanges have for themselves: the timeline of a delayed one, the history of one that remembers. They come and go with their
 * exchange, by events of their own, and stand in a table of their own, so that no client can name them.
 */
import { EMPTY_TABLE } from '../field-table.ts';
import type { FieldTable } from '../field-table.ts';
import { DELAYED_KIND, isTimeline, timelineName } from './delayed-exchange.ts';
import { HISTORY_KIND, historyArguments, historyName, isHistory } from './recent-history-exchange.ts';

/** Whether an exchange of this type has a queue for itself. */
export function hasHiddenQueue(kind: string): boolean {
  return kind === DELAYED_KIND || kind === HISTORY_KIND;
}

export function isHidden(queue: { readonly name: string }): boolean {
  return isTimeline(queue) || isHistory(queue);
}

/** Name and arguments of the queue that such an exchange has. */
export function hiddenQueueOf(kind: string, exchange: string, args: FieldTable): { readonly name: string; readonly arguments: FieldTable } {
  if (kind === HISTORY_KIND) return { name: historyName(exchange), arguments: historyArguments(args) };
  return { name: timelineName(exchange), arguments: EMPTY_TABLE };
}
