/**
 * Declaring what exists already is fine when the declaration says the same again, and 406 when it does not (AMQP 0-9-1,
 * queue.declare and exchange.declare; comparison and texts as in rabbit_misc:assert_args_equivalence).
 */
import type { FieldTable, FieldValue } from '../field-table.ts';
import { erlangTerm, sameValue, textOf, typeName } from '../field-value.ts';
import { ReplyCode, refuse } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';

/** Compares one property of `named`. */
export function checkProperty(named: string, property: string, received: boolean | string, current: boolean | string): Refusal | undefined {
  return received === current ? undefined : inequivalent(named, property, `'${received}'`, `'${current}'`);
}

/** Compares the arguments that matter; what only one side has counts as different. */
export function checkArguments(named: string, names: readonly string[], received: FieldTable, current: FieldTable): Refusal | undefined {
  for (const name of names) {
    const refusal = checkArgument(named, name, received.get(name), current.get(name));
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function checkArgument(named: string, name: string, received: FieldValue | undefined, current: FieldValue | undefined): Refusal | undefined {
  if (received === undefined && current === undefined) return undefined;
  if (received !== undefined && current !== undefined) {
    if (sameValue(received, current)) return undefined;
    return inequivalent(named, name, `'${plain(received)}'`, `'${plain(current)}'`);
  }
  if (name === 'x-queue-type' && (isClassic(received) || isClassic(current))) return undefined;
  return inequivalent(named, name, typed(received), typed(current));
}

/** A queue without a type is a classic one. */
function isClassic(value: FieldValue | undefined): boolean {
  return value?.type === 'S' && textOf(value.value) === 'classic';
}

function typed(value: FieldValue | undefined): string {
  return value === undefined ? 'none' : `the value '${plain(value)}' of type '${typeName(value)}'`;
}

function plain(value: FieldValue): string {
  return value.type === 'S' || value.type === 'x' ? textOf(value.value) : erlangTerm(value);
}

function inequivalent(named: string, what: string, received: string, current: string): Refusal {
  return refuse(ReplyCode.preconditionFailed, `inequivalent arg '${what}' for ${named}: received ${received} but current is ${current}`);
}
