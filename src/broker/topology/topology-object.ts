/**
 * The exchange, queue or pair of bound ends that a command asks about and an event changes, as a text: a command whose text no event of
 * late has needs not wait for those events.
 */
import { withoutLineEnds } from '../name.ts';
import type { TopologyCommand } from './topology-command.ts';
import type { TopologyEvent } from './topology-event.ts';

/** Undefined for what clients do not ask about. */
export function objectOfEvent(event: TopologyEvent): string | undefined {
  switch (event.type) {
    case 'exchange-created':
    case 'exchange-deleted':
      return single('exchange', event.exchange.vhost, event.exchange.name);
    case 'queue-created':
    case 'queue-placed':
    case 'queue-deleted':
      return single('queue', event.queue.vhost, event.queue.name);
    case 'binding-created':
    case 'binding-deleted': {
      const { vhost, source, destinationKind, destination } = event.binding;
      return bound(vhost, source, destinationKind, destination);
    }
    default:
      return undefined;
  }
}

/** Names are taken as the decisions take them. */
export function objectOfCommand(command: TopologyCommand): string | undefined {
  switch (command.type) {
    case 'exchange.declare':
    case 'exchange.delete':
      return single('exchange', command.who.vhost, withoutLineEnds(command.exchange));
    case 'queue.declare':
    case 'queue.delete':
      return single('queue', command.who.vhost, withoutLineEnds(command.queue));
    case 'exchange.bind':
    case 'exchange.unbind':
    case 'queue.bind':
    case 'queue.unbind': {
      const kind = command.type.startsWith('queue.') ? 'queue' : 'exchange';
      return bound(command.who.vhost, withoutLineEnds(command.source), kind, withoutLineEnds(command.destination));
    }
    default:
      return undefined;
  }
}

function single(kind: string, vhost: string, name: string): string {
  return `${kind} ${vhost.length} ${vhost} ${name}`;
}

/** Routing keys and arguments are left out: bindings between the same ends wait for each other, which is soon over. */
function bound(vhost: string, source: string, kind: string, destination: string): string {
  return `binding ${vhost.length} ${vhost} ${source.length} ${source} ${kind} ${destination}`;
}
