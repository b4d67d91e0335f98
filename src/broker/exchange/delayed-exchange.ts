/**
 * x-delayed-message: holds a message back for as long as its header `x-delay` says, and routes it then as an exchange of the type that
 * `x-delayed-type` names (RabbitMQ's plugin rabbitmq_delayed_message_exchange). What it holds back stands in a timeline, a queue that
 * clients cannot name: its actor routes what is due.
 */
import type { FieldTable, FieldValue } from '../field-table.ts';
import { integerOf, textOf } from '../field-value.ts';
import type { Refusal } from '../refusal.ts';
import { ReplyCode, refuse } from '../refusal.ts';

export const DELAYED_KIND = 'x-delayed-message';
export const DELAY_HEADER = 'x-delay';
const TYPE_ARGUMENT = 'x-delayed-type';
/** Milliseconds; what wants to wait longer does not wait at all. */
export const DELAY_MAX_MS = 2 ** 32 - 1;

/** Names of timelines begin so: clients cannot declare any with `amq.` in front. */
const TIMELINE_PREFIX = 'amq.delayed.';

export function timelineName(exchange: string): string {
  return TIMELINE_PREFIX + exchange;
}

/** Whether a queue is the timeline of a delayed exchange. */
export function isTimeline({ name }: { readonly name: string }): boolean {
  return name.startsWith(TIMELINE_PREFIX);
}

/** The exchange whose messages wait in a timeline. */
export function exchangeOfTimeline({ name }: { readonly name: string }): string {
  return name.slice(TIMELINE_PREFIX.length);
}

/** The type that messages are routed by, '' when none is given. It may be an unknown one. */
export function delayedTypeOf(args: FieldTable): string {
  const type = args.get(TYPE_ARGUMENT);
  return type?.type === 'S' ? textOf(type.value) : '';
}

/** 406 for an exchange that does not say how it routes. */
export function refuseDelayedType(): Refusal {
  return refuse(ReplyCode.preconditionFailed, `Invalid argument, '${TYPE_ARGUMENT}' must be an existing exchange type`);
}

/** How long the message is to be held back, milliseconds; 0: not at all. Numbers of any kind count, and texts that are numbers. */
export function delayMs(headers: FieldTable | undefined): number {
  const field = headers?.get(DELAY_HEADER);
  const delay = field === undefined ? 0 : numberOf(field);
  return delay > 0 && delay <= DELAY_MAX_MS ? delay : 0;
}

function numberOf(field: FieldValue): number {
  switch (field.type) {
    case 'f':
    case 'd':
      return Math.trunc(field.value);
    case 'S': {
      const text = textOf(field.value);
      return /^[+-]?[0-9]{1,12}$/.test(text) ? Number(text) : 0;
    }
    default:
      return Number(integerOf(field) ?? 0);
  }
}

/** The headers of a message that was held back: `x-delay` negated, so that no other exchange holds it back again. */
export function delayedHeaders(headers: FieldTable): FieldTable {
  return new Map([...headers].map(([name, field]) => [name, name === DELAY_HEADER ? { type: 'I' as const, value: -delayMs(headers) | 0 } : field]));
}
