/**
 * The default exchange, named "": to the queue whose name is the routing key (AMQP 0-9-1, section 3.1.3.1). Its bindings are
 * implicit, so it reads the queues of its virtual host and keeps nothing of its own.
 */
import type { Exchange, RouteSink, RoutingProperties } from './exchange.ts';

export class DefaultExchange<Destination> implements Exchange<Destination> {
  readonly dependsOnMore = false;
  readonly firstKeyOnly = false;
  readonly #queues: ReadonlyMap<string, Destination>;

  constructor(queues: ReadonlyMap<string, Destination>) {
    this.#queues = queues;
  }

  validate(): undefined {
    return undefined;
  }

  bind(): void {
    throw new Error('assertion failed: bind to the default exchange');
  }

  unbind(): void {
    throw new Error('assertion failed: unbind from the default exchange');
  }

  route(routingKey: string, _properties: RoutingProperties, sink: RouteSink<Destination>): void {
    const queue = this.#queues.get(routingKey);
    if (queue !== undefined) sink.add(queue);
  }
}
