/**
 * What an exchange is to the router: a set of bindings that turns a routing key and headers into destinations. One kind a
 * file; the file `exchange-kind.ts` lists them. An exchange knows nothing of names, durability or permissions, and its
 * destinations are opaque to it.
 */
import type { FieldTable } from '../field-table.ts';
import type { Refusal } from '../refusal.ts';

/** Receives what an exchange finds. The same destination may come more than once: the sink sorts that out. */
export type RouteSink<Destination> = { add(destination: Destination): void };

export type BindingTerms = { readonly routingKey: string; readonly arguments: FieldTable };

export type Exchange<Destination> = {
  /** True while a route of this exchange may depend on a message's headers, so that it must not be cached by routing key. */
  readonly dependsOnHeaders: boolean;
  /** Why RabbitMQ would refuse such a binding (406), or undefined. Changes nothing. */
  validate(terms: BindingTerms): Refusal | undefined;
  /** Adds a binding that is not there yet; the caller knows which are. */
  bind(terms: BindingTerms, destination: Destination): void;
  /** Takes away a binding that is there. */
  unbind(terms: BindingTerms, destination: Destination): void;
  route(routingKey: string, headers: FieldTable | undefined, sink: RouteSink<Destination>): void;
};
