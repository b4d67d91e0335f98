/** The durable topology as lists for people and their tools. What is secret is left out. */
import type { TopologyEvent } from '../../broker/topology/topology-event.ts';
import { type PlainField, plainTable } from './plain-field.ts';

type Arguments = { readonly [name: string]: PlainField };

export type Definitions = {
  readonly vhosts: readonly string[];
  readonly users: readonly { readonly name: string; readonly tags: readonly string[] }[];
  readonly exchanges: readonly { readonly vhost: string; readonly name: string; readonly type: string; readonly arguments: Arguments }[];
  readonly queues: readonly { readonly id: number; readonly vhost: string; readonly name: string; readonly arguments: Arguments }[];
  readonly bindings: readonly {
    readonly vhost: string;
    readonly source: string;
    readonly destinationKind: string;
    readonly destination: string;
    readonly routingKey: string;
    readonly arguments: Arguments;
  }[];
};

type Lists = { -readonly [Name in keyof Definitions]: Definitions[Name][number][] };

export function listDefinitions(events: readonly TopologyEvent[]): Definitions {
  const lists: Lists = { vhosts: [], users: [], exchanges: [], queues: [], bindings: [] };
  for (const event of events) {
    switch (event.type) {
      case 'vhost-set':
        lists.vhosts.push(event.vhost.name);
        break;
      case 'user-set':
        lists.users.push({ name: event.user.name, tags: event.user.tags });
        break;
      case 'exchange-created': {
        const { vhost, name, kind } = event.exchange;
        lists.exchanges.push({ vhost, name, type: kind, arguments: plainTable(event.exchange.arguments) });
        break;
      }
      case 'queue-created': {
        const { id, vhost, name } = event.queue;
        lists.queues.push({ id, vhost, name, arguments: plainTable(event.queue.arguments) });
        break;
      }
      case 'binding-created': {
        const { vhost, source, destinationKind, destination, routingKey } = event.binding;
        lists.bindings.push({ vhost, source, destinationKind, destination, routingKey, arguments: plainTable(event.binding.arguments) });
        break;
      }
    }
  }
  return lists;
}
