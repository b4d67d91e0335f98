/** fanout: to everything that is bound, whatever the routing key (AMQP 0-9-1, section 3.1.3.2). */
import type { BindingTerms, Exchange, RouteSink, RoutingProperties } from './exchange.ts';
import { DestinationBag } from './destination-bag.ts';

export class FanoutExchange<Destination> implements Exchange<Destination> {
  readonly dependsOnMore = false;
  readonly firstKeyOnly = false;
  readonly #bag = new DestinationBag<Destination>();

  validate(): undefined {
    return undefined;
  }

  bind(_terms: BindingTerms, destination: Destination): void {
    this.#bag.add(destination);
  }

  unbind(_terms: BindingTerms, destination: Destination): void {
    this.#bag.remove(destination);
  }

  route(_routingKey: string, _properties: RoutingProperties, sink: RouteSink<Destination>): void {
    const destinations = this.#bag.destinations;
    for (let index = 0; index < destinations.length; index++) sink.add(destinations[index] as Destination);
  }
}
