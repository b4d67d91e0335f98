/** queue.bind, queue.unbind, exchange.bind and exchange.unbind, with the checks in the order of rabbit_channel. */
import { BINDING_COUNT_MAX } from '../bounds.ts';
import { DEFAULT_EXCHANGE, refuseMissing, withoutLineEnds } from '../name.ts';
import { ReplyCode, refuse } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';
import { checkOwner, permit, permitTopic } from './access.ts';
import type { Who } from './access.ts';
import { refuseDefaultExchange } from './exchange-decision.ts';
import { Removal } from './removal.ts';
import { bindingKey } from './topology-node.ts';
import type { DestinationNode, ExchangeNode } from './topology-node.ts';
import { done, refused } from './topology-command.ts';
import type { BindingCommand, Decision } from './topology-command.ts';
import type { TopologyEvent } from './topology-event.ts';
import type { BindingRecord } from './topology-records.ts';
import type { Topology } from './topology.ts';

/** A binding as the client names it, before it is known whether its ends exist. */
type Wanted = Omit<BindingRecord, 'durable'>;

export function decideBinding(topology: Topology, command: BindingCommand): Decision {
  const { who } = command;
  const wanted: Wanted = {
    vhost: who.vhost,
    source: withoutLineEnds(command.source),
    destinationKind: command.type.startsWith('queue.') ? 'queue' : 'exchange',
    destination: withoutLineEnds(command.destination),
    routingKey: command.routingKey,
    arguments: command.arguments,
  };
  const source = topology.exchange(who.vhost, wanted.source);
  const destination = topology.destination(who.vhost, wanted.destinationKind, wanted.destination);
  const refusal = permitBinding(topology, who, wanted, source);
  if (refusal !== undefined) return refused(refusal);
  return command.type.endsWith('.unbind') ? unbind(topology, who, wanted, source, destination) : bind(topology, who, wanted, source, destination);
}

/** Permissions are asked before existence, so that a refusal tells nothing about what exists. */
function permitBinding(topology: Topology, who: Who, wanted: Wanted, source: ExchangeNode | undefined): Refusal | undefined {
  const { destinationKind, destination, routingKey } = wanted;
  const writable = permit(topology, who, 'write', destinationKind, destination);
  if (writable !== undefined) return writable;
  if (wanted.source === DEFAULT_EXCHANGE || (destinationKind === 'exchange' && destination === DEFAULT_EXCHANGE)) return refuseDefaultExchange();
  const readable = permit(topology, who, 'read', 'exchange', wanted.source);
  return readable ?? (source === undefined ? undefined : permitTopic(topology, who, 'read', source, routingKey));
}

function bind(topology: Topology, who: Who, wanted: Wanted, source: ExchangeNode | undefined, destination: DestinationNode | undefined): Decision {
  if (source === undefined) return refused(refuseMissing('exchange', wanted.vhost, wanted.source));
  if (destination === undefined) return refused(refuseMissing(wanted.destinationKind, wanted.vhost, wanted.destination));
  const objection = source.rules.validate(wanted) ?? locked(destination, who);
  if (objection !== undefined) return refused(objection);
  if (source.outgoing.has(bindingKey(wanted))) return done();
  if (topology.bindingCount >= BINDING_COUNT_MAX) {
    return refused(refuse(ReplyCode.preconditionFailed, `cannot add a binding: binding limit of ${BINDING_COUNT_MAX} is reached`));
  }
  const durable = source.record.durable && destination.record.durable;
  const events: readonly TopologyEvent[] = [{ type: 'binding-created', binding: { ...wanted, durable } }];
  const history = source.remembers ? topology.history(wanted.vhost, wanted.source) : undefined;
  return history === undefined ? done(events) : { reply: { type: 'bound', history: history.record }, events };
}

/** Taking away what is not there is fine, also when its ends are not there either. */
function unbind(topology: Topology, who: Who, wanted: Wanted, source: ExchangeNode | undefined, destination: DestinationNode | undefined): Decision {
  const binding = source?.outgoing.get(bindingKey(wanted));
  if (binding === undefined || destination === undefined) return done();
  const objection = locked(destination, who);
  if (objection !== undefined) return refused(objection);
  const removal = new Removal(topology);
  removal.binding(binding);
  return done(removal.events);
}

function locked(destination: DestinationNode, who: Who): Refusal | undefined {
  return destination.kind === 'queue' ? checkOwner(destination.record, who) : undefined;
}
