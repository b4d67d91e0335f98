/**
 * x-modulus-hash: each message to one of the bindings, whose place in the ordered list is a hash of the routing key modulo their number
 * (RabbitMQ's plugin rabbitmq_sharding). Evenly spread and cheap for any number of bindings; a binding that comes or goes moves nearly
 * all keys, where x-consistent-hash moves few.
 */
import type { BindingTerms, Exchange, RouteSink, RoutingProperties } from './exchange.ts';
import { nameOf } from './consistent-hash-exchange.ts';
import { hashOfText } from './text-hash.ts';

type Place<Destination> = { readonly name: string; readonly destination: Destination };

const BASIS = 0;

export class ModulusHashExchange<Destination> implements Exchange<Destination> {
  readonly dependsOnMore = false;
  readonly firstKeyOnly = true;
  /** In the order of names: threads agree, whatever the order of their events was before they began. */
  readonly #places: Place<Destination>[] = [];

  validate(): undefined {
    return undefined;
  }

  bind(terms: BindingTerms, destination: Destination): void {
    const name = nameOf(terms);
    this.#places.splice(this.#placeOf(name), 0, { name, destination });
  }

  unbind(terms: BindingTerms): void {
    const name = nameOf(terms);
    const at = this.#placeOf(name);
    if (this.#places[at]?.name !== name) throw new Error('assertion failed: unbind of a destination that is not bound');
    this.#places.splice(at, 1);
  }

  route(routingKey: string, _properties: RoutingProperties, sink: RouteSink<Destination>): void {
    const count = this.#places.length;
    if (count > 0) sink.add(this.#places[hashOfText(routingKey, BASIS) % count]!.destination);
  }

  /** The first place whose name is not below this one. */
  #placeOf(name: string): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#places[middle]!.name < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
