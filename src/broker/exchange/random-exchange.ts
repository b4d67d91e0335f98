/**
 * x-random: each message to one of the bindings, drawn by chance, whatever the routing key (RabbitMQ's plugin rabbitmq_random_exchange). A
 * destination that is bound twice is drawn twice as often.
 */
import type { Refusal } from '../refusal.ts';
import type { BindingTerms, Exchange, RouteSink, RoutingProperties } from './exchange.ts';

export class RandomExchange<Destination> implements Exchange<Destination> {
  readonly firstKeyOnly = true;
  /** One place a binding; the order means nothing. */
  readonly #places: Destination[] = [];

  get dependsOnMore(): boolean {
    return this.#places.length > 1;
  }

  validate(_terms: BindingTerms): Refusal | undefined {
    return undefined;
  }

  bind(_terms: BindingTerms, destination: Destination): void {
    this.#places.push(destination);
  }

  unbind(_terms: BindingTerms, destination: Destination): void {
    const at = this.#places.indexOf(destination);
    if (at < 0) throw new Error('assertion failed: unbind of a destination that is not bound');
    const last = this.#places.pop() as Destination;
    if (at < this.#places.length) this.#places[at] = last;
  }

  route(_routingKey: string, _properties: RoutingProperties, sink: RouteSink<Destination>): void {
    const count = this.#places.length;
    if (count > 0) sink.add(this.#places[count === 1 ? 0 : Math.floor(sink.chance() * count)]!);
  }
}
