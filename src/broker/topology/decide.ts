/**
 * The one writer's mind: a command against the topology as it is gives a refusal, or a reply and the events that make it so.
 * Nothing is changed here; whoever decides applies the events to its own topology before it decides again, and sends them to
 * the replicas in that order.
 */
import { ReplyCode, refuse } from '../refusal.ts';
import { decideBinding } from './binding-decision.ts';
import { decideExchangeDeclare, decideExchangeDelete } from './exchange-decision.ts';
import {
  decidePermissionDelete,
  decidePermissionSet,
  decideTopicPermissionDelete,
  decideTopicPermissionSet,
  decideUserDelete,
  decideUserSet,
  decideVhostDelete,
  decideVhostSet,
} from './operator-decision.ts';
import { decideConnectionEnd, decideQueueDeclare, decideQueueDelete, decideQueuePlace, decideQueueVanish } from './queue-decision.ts';
import { refused } from './topology-command.ts';
import type { Decision, TopologyCommand } from './topology-command.ts';
import type { Topology } from './topology.ts';

export function decide(topology: Topology, command: TopologyCommand): Decision {
  // The virtual host of a connection may be deleted while a command of the connection is on its way.
  if ('who' in command && topology.vhost(command.who.vhost) === undefined) {
    return refused(refuse(ReplyCode.notAllowed, `vhost ${command.who.vhost} not found`));
  }
  switch (command.type) {
    case 'exchange.declare':
      return decideExchangeDeclare(topology, command);
    case 'exchange.delete':
      return decideExchangeDelete(topology, command);
    case 'exchange.bind':
    case 'exchange.unbind':
    case 'queue.bind':
    case 'queue.unbind':
      return decideBinding(topology, command);
    case 'queue.declare':
      return decideQueueDeclare(topology, command);
    case 'queue.delete':
      return decideQueueDelete(topology, command);
    case 'queue.vanish':
      return decideQueueVanish(topology, command.id);
    case 'queue.place':
      return decideQueuePlace(topology, command.id, command.thread, command.slot);
    case 'connection.end':
      return decideConnectionEnd(topology, command.connection);
    case 'vhost.set':
      return decideVhostSet(topology, command.vhost);
    case 'vhost.delete':
      return decideVhostDelete(topology, command.name);
    case 'user.set':
      return decideUserSet(topology, command.user);
    case 'user.delete':
      return decideUserDelete(topology, command.name);
    case 'permission.set':
      return decidePermissionSet(topology, command.permission);
    case 'permission.delete':
      return decidePermissionDelete(topology, command.user, command.vhost);
    case 'topic-permission.set':
      return decideTopicPermissionSet(topology, command.permission);
    case 'topic-permission.delete':
      return decideTopicPermissionDelete(topology, command.user, command.vhost, command.exchange);
  }
}
