/**
 * x-consistent-hash: each message to one of the destinations, the same one for the same routing key, or for the same value of a header
 * or property (RabbitMQ's plugin rabbitmq_consistent_hash_exchange; its guide says what binding keys and arguments mean).
 *
 * The binding key is a weight: a destination bound with 2 gets twice the keys of one bound with 1. Of several bindings of one
 * destination the first counts. Which key goes where is not what RabbitMQ would choose; here a destination that goes moves its own
 * keys and no others.
 */
import type { FieldTable, FieldValue } from '../field-table.ts';
import { erlangTerm, textOf, typeName, valueFingerprint } from '../field-value.ts';
import type { Refusal } from '../refusal.ts';
import { ReplyCode, refuse } from '../refusal.ts';
import type { BindingTerms, Exchange, RouteSink, RoutingProperties } from './exchange.ts';
import { WeightedChoice } from './weighted-choice.ts';

const HEADER_ARGUMENT = 'hash-header';
const PROPERTY_ARGUMENT = 'hash-property';
const PROPERTIES = ['correlation_id', 'message_id', 'timestamp'];

/** 406 for both arguments at once, for a property that cannot be hashed, and for what is no string. */
export function checkHashArguments(args: FieldTable): Refusal | undefined {
  const header = args.get(HEADER_ARGUMENT);
  const property = args.get(PROPERTY_ARGUMENT);
  for (const [name, value] of [[HEADER_ARGUMENT, header], [PROPERTY_ARGUMENT, property]] as const) {
    if (value !== undefined && value.type !== 'S') {
      return refuse(ReplyCode.preconditionFailed, `invalid type '${typeName(value)}' for arg '${name}'`);
    }
  }
  if (header !== undefined && property !== undefined) {
    return refuse(ReplyCode.preconditionFailed, 'hash-header and hash-property are mutually exclusive');
  }
  if (property === undefined || PROPERTIES.includes(text(property))) return undefined;
  return refuse(ReplyCode.preconditionFailed, `Unsupported property: ${text(property)}`);
}

export class ConsistentHashExchange<Destination> implements Exchange<Destination> {
  readonly firstKeyOnly = true;
  readonly #choice = new WeightedChoice<Destination>();
  /** The weights that each destination was bound with, in order. */
  readonly #weights = new Map<string, number[]>();
  readonly #header: string | undefined;
  readonly #property: string | undefined;

  constructor(args: FieldTable) {
    const header = args.get(HEADER_ARGUMENT);
    const property = args.get(PROPERTY_ARGUMENT);
    this.#header = header === undefined ? undefined : text(header);
    this.#property = property === undefined ? undefined : text(property);
  }

  get dependsOnMore(): boolean {
    return this.#choice.size > 1 && (this.#header !== undefined || this.#property !== undefined);
  }

  validate({ routingKey }: BindingTerms): Refusal | undefined {
    if (!/^[+-]?[0-9]+$/.test(routingKey)) {
      const term = erlangTerm({ type: 'S', value: Buffer.from(routingKey) });
      return refuse(ReplyCode.preconditionFailed, `The binding key must be an integer: ${term}`);
    }
    return Number(routingKey) < 1 ? refuse(ReplyCode.preconditionFailed, 'The binding key must be greater than 0') : undefined;
  }

  bind(terms: BindingTerms, destination: Destination): void {
    const name = nameOf(terms);
    const weights = this.#weights.get(name);
    if (weights !== undefined) return void weights.push(Number(terms.routingKey));
    this.#weights.set(name, [Number(terms.routingKey)]);
    this.#choice.add(name, Number(terms.routingKey), destination);
  }

  unbind(terms: BindingTerms, destination: Destination): void {
    const name = nameOf(terms);
    const weights = this.#weights.get(name);
    const at = weights?.indexOf(Number(terms.routingKey)) ?? -1;
    if (weights === undefined || at < 0) throw new Error('assertion failed: unbind of a destination that is not bound');
    weights.splice(at, 1);
    if (at > 0) return;
    this.#choice.remove(name);
    const [next] = weights;
    if (next === undefined) this.#weights.delete(name);
    else this.#choice.add(name, next, destination);
  }

  route(routingKey: string, properties: RoutingProperties, sink: RouteSink<Destination>): void {
    const destination = this.#choice.choose(this.#hashed(routingKey, properties));
    if (destination !== undefined) sink.add(destination);
  }

  /** What the choice is made by. Messages that lack it all go to one destination. */
  #hashed(routingKey: string, properties: RoutingProperties): string {
    if (this.#header !== undefined) return valueFingerprint(properties.headers?.get(this.#header));
    switch (this.#property) {
      case undefined:
        return routingKey;
      case 'correlation_id':
        return properties.correlationId ?? '';
      case 'message_id':
        return properties.messageId ?? '';
      default:
        return String(properties.timestamp ?? '');
    }
  }
}

/** The part of a binding that names its destination. */
export function nameOf({ destinationKind, destination }: BindingTerms): string {
  return `${destinationKind} ${destination}`;
}

function text(value: FieldValue): string {
  return value.type === 'S' ? textOf(value.value) : '';
}
