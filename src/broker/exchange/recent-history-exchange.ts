/**
 * x-recent-history: to everything that is bound, as fanout, and to what is bound later its last messages (RabbitMQ's plugin
 * rabbitmq_recent_history_exchange). They stand in a queue of the exchange's own, limited to so many messages; it lives in memory alone, and
 * is empty after a restart, as the plugin's.
 */
import type { FieldTable } from '../field-table.ts';
import { erlangTerm, integerOf } from '../field-value.ts';
import type { Refusal } from '../refusal.ts';
import { ReplyCode, refuse } from '../refusal.ts';
import type { RoutingProperties } from './exchange.ts';

export const HISTORY_KIND = 'x-recent-history';
const LENGTH_ARGUMENT = 'x-recent-history-length';
const NO_STORE_HEADER = 'x-recent-history-no-store';
const LENGTH_DEFAULT = 20;
/** Whoever asks for more gets so many: all of them are copied for each binding, in one turn. */
export const HISTORY_LENGTH_MAX = 10_000;
/** RabbitMQ takes no unsigned ones. */
const INTEGER_TYPES: ReadonlySet<string> = new Set(['b', 's', 'I', 'l', 'L']);

/** Clients cannot declare names with `amq.` in front. */
const HISTORY_PREFIX = 'amq.recent-history.';

export function historyName(exchange: string): string {
  return HISTORY_PREFIX + exchange;
}

/** Whether a queue is the history of an exchange. */
export function isHistory({ name }: { readonly name: string }): boolean {
  return name.startsWith(HISTORY_PREFIX);
}

/** 406 for a length that is no positive integer. */
export function checkHistoryArguments(args: FieldTable): Refusal | undefined {
  const length = args.get(LENGTH_ARGUMENT);
  if (length === undefined || (INTEGER_TYPES.has(length.type) && integerOf(length)! > 0n)) return undefined;
  const text = `Invalid argument ${erlangTerm(length)}, '${LENGTH_ARGUMENT}' must be a positive integer`;
  return refuse(ReplyCode.preconditionFailed, text);
}

/** The arguments of the queue that keeps the history. */
export function historyArguments(args: FieldTable): FieldTable {
  const length = args.get(LENGTH_ARGUMENT);
  const count = length === undefined ? BigInt(LENGTH_DEFAULT) : integerOf(length)!;
  return new Map([['x-max-length', { type: 'I', value: Math.min(Number(count), HISTORY_LENGTH_MAX) }]]);
}

/** Whether the message becomes a part of the history. */
export function isRemembered({ headers }: RoutingProperties): boolean {
  const field = headers?.get(NO_STORE_HEADER);
  return field?.type !== 't' || !field.value;
}
