/**
 * What an exchange is to the router: a set of bindings that turns a routing key and properties into destinations. One kind a
 * file; the file `exchange-kind.ts` lists them. An exchange knows nothing of durability or permissions, and its destinations
 * are opaque to it.
 */
import type { FieldTable } from '../field-table.ts';
import type { ResourceKind } from '../name.ts';
import type { Refusal } from '../refusal.ts';

/** Receives what an exchange finds. The same destination may come more than once: the sink sorts that out. */
export type RouteSink<Destination> = {
  add(destination: Destination): void;
  /** From 0 to below 1, for an exchange that leaves it to chance. */
  chance(): number;
};

/** What names a destination stays the same on every thread and after a restart. */
export type BindingTerms = {
  readonly destinationKind: ResourceKind;
  readonly destination: string;
  readonly routingKey: string;
  readonly arguments: FieldTable;
};

/** The properties of a message that an exchange may look at. */
export type RoutingProperties = {
  readonly headers?: FieldTable;
  readonly correlationId?: string;
  readonly messageId?: string;
  readonly timestamp?: bigint;
};

export const NO_PROPERTIES: RoutingProperties = {};

export type Exchange<Destination> = {
  /**
   * True while more than the routing key may decide: headers, other properties, or chance. Then what was found for one message must not be kept
   * for the next one with the same key.
   */
  readonly dependsOnMore: boolean;
  /** True for an exchange that chooses one destination for a message: it is asked once, with the first routing key, whatever CC and BCC say. */
  readonly firstKeyOnly: boolean;
  /** Why RabbitMQ would refuse such a binding (406), or undefined. Changes nothing. */
  validate(terms: BindingTerms): Refusal | undefined;
  /** Adds a binding that is not there yet; the caller knows which are. */
  bind(terms: BindingTerms, destination: Destination): void;
  /** Takes away a binding that is there. */
  unbind(terms: BindingTerms, destination: Destination): void;
  route(routingKey: string, properties: RoutingProperties, sink: RouteSink<Destination>): void;
};
