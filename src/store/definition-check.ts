/**
 * Sorts what was read into an order in which nothing dangles, and finds what misses something: a record that vanished altogether has
 * no checksum of its own to tell, but what was built on it is still there.
 */
import { type ResourceKind, describe } from '../broker/name.ts';
import type { TopologyEvent } from '../broker/topology/topology-event.ts';
import type { Definition } from './definition-key.ts';
import type { ReadDefinitions } from './definitions.ts';

/** Characters of a name in a text: a damaged one may be anything. */
const NAME_SHOWN_MAX = 255;

type EventOf<Type extends TopologyEvent['type']> = Extract<TopologyEvent, { readonly type: Type }>;

export class DefinitionCheck {
  readonly faults: string[] = [];
  readonly #vhosts: EventOf<'vhost-set'>[] = [];
  readonly #users: EventOf<'user-set'>[] = [];
  readonly #permissions: EventOf<'permission-set' | 'topic-permission-set'>[] = [];
  readonly #exchanges: EventOf<'exchange-created'>[] = [];
  readonly #queues: EventOf<'queue-created'>[] = [];
  readonly #bindings: EventOf<'binding-created'>[] = [];
  #reserved = 0;

  add(definition: Definition): void {
    switch (definition.type) {
      case 'vhost-set':
        this.#vhosts.push(definition);
        return;
      case 'user-set':
        this.#users.push(definition);
        return;
      case 'permission-set':
      case 'topic-permission-set':
        this.#permissions.push(definition);
        return;
      case 'exchange-created':
        this.#exchanges.push(definition);
        return;
      case 'queue-created':
        this.#queues.push(definition);
        return;
      case 'binding-created':
        this.#bindings.push(definition);
        return;
      case 'queue-ids':
        this.#reserved = definition.through;
        return;
      default:
        throw new Error(`assertion failed: a record says ${definition.type}`);
    }
  }

  result(): ReadDefinitions {
    const vhosts = new Set(this.#vhosts.map(({ vhost }) => vhost.name));
    const users = new Set(this.#users.map(({ user }) => user.name));
    const inVhost = (event: TopologyEvent, vhost: string): boolean => vhosts.has(vhost) || this.#misses(event, `vhost '${vhost}'`);
    const permissions = this.#permissions.filter(
      (event) => inVhost(event, event.permission.vhost) && (users.has(event.permission.user) || this.#misses(event, `user '${event.permission.user}'`)),
    );
    const exchanges = this.#exchanges.filter((event) => inVhost(event, event.exchange.vhost));
    const queues = this.#soundQueues().filter((event) => inVhost(event, event.queue.vhost));
    const ends = new Set([
      ...exchanges.map(({ exchange }) => endOf('exchange', exchange.vhost, exchange.name)),
      ...queues.map(({ queue }) => endOf('queue', queue.vhost, queue.name)),
    ]);
    const bindings = this.#bindings.filter((event) => {
      const { vhost, source, destinationKind, destination } = event.binding;
      const hasEnd = (kind: ResourceKind, name: string): boolean =>
        ends.has(endOf(kind, vhost, name)) || this.#misses(event, describe(kind, shown(vhost), shown(name)));
      return hasEnd('exchange', source) && hasEnd(destinationKind, destination);
    });
    const events = [...this.#vhosts, ...this.#users, ...permissions, ...exchanges, ...queues, ...bindings];
    return { events, lastQueueId: queues.reduce((last, { queue }) => Math.max(last, queue.id), this.#reserved), faults: this.faults };
  }

  /** In order of their ids, which is the order in which they were declared. */
  #soundQueues(): EventOf<'queue-created'>[] {
    const known = new Map<number, EventOf<'queue-created'>>();
    for (const event of this.#queues.sort((left, right) => left.queue.id - right.queue.id)) {
      const { id } = event.queue;
      const other = known.get(id);
      if (other !== undefined) this.faults.push(`${capital(describeDefinition(event))} has the id ${id} of ${describeDefinition(other)}.`);
      else if (id > this.#reserved || id === 0) this.faults.push(`${capital(describeDefinition(event))} has the id ${id}, and only ${this.#reserved} were given.`);
      else known.set(id, event);
    }
    return [...known.values()];
  }

  #misses(event: TopologyEvent, what: string): false {
    this.faults.push(`${capital(describeDefinition(event))} is kept, but ${what} is not.`);
    return false;
  }
}

/** `queue 'q' in vhost '/'`, as it stands within a sentence. */
export function describeDefinition(definition: Definition): string {
  switch (definition.type) {
    case 'queue-ids':
      return `the ids of queues up to ${definition.through}`;
    case 'vhost-set':
    case 'vhost-deleted':
      return `vhost '${shown(definition.vhost.name)}'`;
    case 'user-set':
    case 'user-deleted':
      return `user '${shown(definition.user.name)}'`;
    case 'permission-set':
    case 'permission-deleted':
    case 'topic-permission-set':
    case 'topic-permission-deleted':
      return `the permission of user '${shown(definition.permission.user)}' in vhost '${shown(definition.permission.vhost)}'`;
    case 'exchange-created':
    case 'exchange-deleted':
      return describe('exchange', shown(definition.exchange.vhost), shown(definition.exchange.name));
    case 'queue-created':
    case 'queue-placed':
    case 'queue-deleted':
      return describe('queue', shown(definition.queue.vhost), shown(definition.queue.name));
    case 'binding-created':
    case 'binding-deleted': {
      const { vhost, source, destinationKind, destination, routingKey } = definition.binding;
      return `the binding from exchange '${shown(source)}' to ${describe(destinationKind, shown(vhost), shown(destination))} by '${shown(routingKey)}'`;
    }
  }
}

/** Told apart whatever the names hold. */
function endOf(kind: ResourceKind, vhost: string, name: string): string {
  return JSON.stringify([kind, vhost, name]);
}

function shown(name: string): string {
  return name.slice(0, NAME_SHOWN_MAX);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
