/** direct: to whatever is bound with exactly the message's routing key (AMQP 0-9-1, section 3.1.3.1). */
import type { BindingTerms, Exchange, RouteSink, RoutingProperties } from './exchange.ts';
import { DestinationBag } from './destination-bag.ts';

export class DirectExchange<Destination> implements Exchange<Destination> {
  readonly dependsOnMore = false;
  readonly firstKeyOnly = false;
  readonly #bags = new Map<string, DestinationBag<Destination>>();

  validate(): undefined {
    return undefined;
  }

  bind(terms: BindingTerms, destination: Destination): void {
    let bag = this.#bags.get(terms.routingKey);
    if (bag === undefined) {
      bag = new DestinationBag();
      this.#bags.set(terms.routingKey, bag);
    }
    bag.add(destination);
  }

  unbind(terms: BindingTerms, destination: Destination): void {
    if (this.#bags.get(terms.routingKey)?.remove(destination) === true) this.#bags.delete(terms.routingKey);
  }

  route(routingKey: string, _properties: RoutingProperties, sink: RouteSink<Destination>): void {
    const destinations = this.#bags.get(routingKey)?.destinations;
    if (destinations === undefined) return;
    for (let index = 0; index < destinations.length; index++) sink.add(destinations[index] as Destination);
  }
}
