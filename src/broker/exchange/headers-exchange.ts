/**
 * headers: to whatever is bound with arguments that the message's headers match (AMQP 0-9-1, section 3.1.3.4; matching as in
 * RabbitMQ's rabbit_exchange_type_headers). The routing key plays no part.
 *
 * The argument `x-match` says how: `all` (the default) or `any` of the other arguments, which ignore names that begin with
 * `x-`; `all-with-x` and `any-with-x` count those too. An argument without a value asks for presence only.
 */
import type { FieldTable, FieldValue } from '../field-table.ts';
import type { Refusal } from '../refusal.ts';
import { erlangTerm, fingerprint, sameValue, textOf, typeName } from '../field-value.ts';
import { ReplyCode, refuse } from '../refusal.ts';
import type { BindingTerms, Exchange, RouteSink, RoutingProperties } from './exchange.ts';
import { DestinationBag } from './destination-bag.ts';

const MATCH_ARGUMENT = 'x-match';
const MATCHES = ['all', 'any', 'all-with-x', 'any-with-x'];

/** What one set of arguments asks for, and who asked. */
type Demand<Destination> = {
  readonly every: boolean;
  readonly fields: readonly (readonly [name: string, value: FieldValue])[];
  readonly bag: DestinationBag<Destination>;
};

export class HeadersExchange<Destination> implements Exchange<Destination> {
  readonly firstKeyOnly = false;
  readonly #demands = new Map<string, Demand<Destination>>();

  get dependsOnMore(): boolean {
    return this.#demands.size > 0;
  }

  validate(terms: BindingTerms): Refusal | undefined {
    const match = terms.arguments.get(MATCH_ARGUMENT);
    if (match === undefined) return undefined;
    if (match.type !== 'S') {
      const text = `Invalid x-match field type ${typeName(match)} (value ${erlangTerm(match)}); expected longstr`;
      return refuse(ReplyCode.preconditionFailed, text);
    }
    if (MATCHES.includes(textOf(match.value))) return undefined;
    const text = `Invalid x-match field value ${erlangTerm(match)}; expected all, any, all-with-x, or any-with-x`;
    return refuse(ReplyCode.preconditionFailed, text);
  }

  bind(terms: BindingTerms, destination: Destination): void {
    const key = fingerprint(terms.arguments);
    let demand = this.#demands.get(key);
    if (demand === undefined) {
      demand = demandOf(terms.arguments);
      this.#demands.set(key, demand);
    }
    demand.bag.add(destination);
  }

  unbind(terms: BindingTerms, destination: Destination): void {
    const key = fingerprint(terms.arguments);
    if (this.#demands.get(key)?.bag.remove(destination) === true) this.#demands.delete(key);
  }

  route(_routingKey: string, { headers }: RoutingProperties, sink: RouteSink<Destination>): void {
    for (const demand of this.#demands.values()) {
      if (!met(demand, headers)) continue;
      for (const destination of demand.bag.destinations) sink.add(destination);
    }
  }
}

function demandOf<Destination>(args: FieldTable): Demand<Destination> {
  const match = args.get(MATCH_ARGUMENT);
  const mode = match?.type === 'S' ? textOf(match.value) : 'all';
  const counted = mode.endsWith('-with-x') ? () => true : (name: string) => !name.startsWith('x-');
  return {
    every: mode.startsWith('all'),
    fields: [...args].filter(([name]) => name !== MATCH_ARGUMENT && counted(name)),
    bag: new DestinationBag(),
  };
}

/** `all` of nothing is met, `any` of nothing is not: RabbitMQ's reading. */
function met(demand: Demand<unknown>, headers: FieldTable | undefined): boolean {
  for (const [name, wanted] of demand.fields) {
    const found = headers?.get(name);
    const matched = found !== undefined && (wanted.type === 'V' || sameValue(wanted, found));
    if (matched !== demand.every) return matched;
  }
  return demand.every;
}
