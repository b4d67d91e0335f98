/** What an `x-` argument may be, and the 406 that RabbitMQ answers to anything else. The end of such a text is an Erlang term. */
import type { FieldTable, FieldValue } from './field-table.ts';
import { integerOf, typeName } from './field-value.ts';
import { ReplyCode, refuse } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** An Erlang term that says what is wrong, or undefined when nothing is. */
export type Check = (value: FieldValue, args: FieldTable) => string | undefined;

/** `named` is what has the argument: `queue 'q' in vhost '/'`. */
export function refuseArgument(name: string, named: string, term: string): Refusal {
  return refuse(ReplyCode.preconditionFailed, `invalid arg '${name}' for ${named}: ${term}`);
}

/** The argument is known, but not to things of this kind: RabbitMQ's name of the module behind it. */
export function refuseForeign(name: string, named: string, module: string): Refusal {
  return refuse(ReplyCode.preconditionFailed, `invalid arg '${name}' for ${named} of queue type ${module}`);
}

export function unacceptable(value: FieldValue): string {
  return `{unacceptable_type,${typeName(value)}}`;
}

export function checkInteger(value: FieldValue): string | undefined {
  return integerOf(value) === undefined ? `"expected integer, got ${typeName(value)}"` : undefined;
}

/** An integer from 0. */
export function checkCount(value: FieldValue): string | undefined {
  const integer = integerOf(value);
  return integer !== undefined && integer < 0n ? `{value_negative,${integer}}` : checkInteger(value);
}

export function checkBoolean(value: FieldValue): string | undefined {
  return value.type === 't' ? undefined : unacceptable(value);
}
