/**
 * The default queue type of a virtual host (RabbitMQ guide "Virtual Hosts", "Default Queue Type"): a declaration without `x-queue-type` is
 * taken for one with it, where a queue of that type could be what the declaration asks for (rabbit_amqqueue:augment_declare_args). The
 * argument then stands in the queue's own, as if the client had given it.
 */
import type { FieldTable } from '../field-table.ts';
import { isCompatible } from '../queue-options.ts';
import type { QueueDeclare } from './topology-command.ts';
import type { Topology } from './topology.ts';

export function withDefaultType(topology: Topology, command: QueueDeclare): QueueDeclare {
  const type = topology.vhost(command.who.vhost)?.record.defaultQueueType;
  if (type === undefined || command.arguments.has('x-queue-type')) return command;
  if (!isCompatible(type, command)) return command;
  const args: FieldTable = new Map([...command.arguments, ['x-queue-type', { type: 'S', value: new TextEncoder().encode(type) }]]);
  return { ...command, arguments: args };
}
