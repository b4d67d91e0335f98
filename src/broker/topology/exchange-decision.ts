/** exchange.declare and exchange.delete, with the checks in the order of rabbit_channel. */
import { EXCHANGE_COUNT_MAX, QUEUE_COUNT_MAX, QUEUE_ID_MAX } from '../bounds.ts';
import { hasHiddenQueue, hiddenQueueOf } from '../exchange/hidden-queue.ts';
import { checkExchangeArguments, isExchangeKind, refuseUnknownKind } from '../exchange/exchange-kind.ts';
import { textOf, typeName } from '../field-value.ts';
import { DEFAULT_EXCHANGE, describe, isReserved, refuseMissing, refuseReserved, withoutLineEnds } from '../name.ts';
import { ReplyCode, refuse } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';
import { permit, permitAny } from './access.ts';
import type { Who } from './access.ts';
import { checkArguments, checkProperty } from './equivalence.ts';
import { Removal } from './removal.ts';
import { done, refused } from './topology-command.ts';
import type { Decision, ExchangeDeclare, ExchangeDelete } from './topology-command.ts';
import type { TopologyEvent } from './topology-event.ts';
import { NO_OWNER } from './topology-records.ts';
import type { ExchangeRecord, QueueRecord } from './topology-records.ts';
import type { Topology } from './topology.ts';

const ALTERNATE_ARGUMENT = 'alternate-exchange';

/** 403: the default exchange is there and cannot be declared, deleted or bound. */
export function refuseDefaultExchange(): Refusal {
  return refuse(ReplyCode.accessRefused, 'operation not permitted on the default exchange');
}

export function decideExchangeDeclare(topology: Topology, command: ExchangeDeclare): Decision {
  const { who, kind } = command;
  const name = withoutLineEnds(command.exchange);
  if (command.passive) return declarePassively(topology, who, name);
  if (!isExchangeKind(kind)) return refused(refuseUnknownKind(kind));
  if (name === DEFAULT_EXCHANGE) return refused(refuseDefaultExchange());
  const refusal = permit(topology, who, 'configure', 'exchange', name);
  if (refusal !== undefined) return refused(refusal);
  const existing = topology.exchange(who.vhost, name);
  const { durable, autoDelete, internal } = command;
  const wanted: ExchangeRecord = { vhost: who.vhost, name, kind, durable, autoDelete, internal, arguments: command.arguments };
  const objection = existing === undefined ? objectToNew(topology, who, wanted) : objectToRepeat(existing.record, wanted);
  if (objection !== undefined) return refused(objection);
  if (existing !== undefined) return done();
  const created: TopologyEvent = { type: 'exchange-created', exchange: wanted };
  return done(hasHiddenQueue(kind) ? [{ type: 'queue-created', queue: queueFor(topology, command, wanted) }, created] : [created]);
}

/** The queue that the exchange has for itself. */
function queueFor(topology: Topology, { place }: ExchangeDeclare, exchange: ExchangeRecord): QueueRecord {
  if (place === undefined) throw new Error('assertion failed: who decides on an exchange with a queue has a place for that');
  const { vhost, durable } = exchange;
  const id = topology.lastQueueId + 1;
  return { id, vhost, durable, autoDelete: false, exclusiveOwner: NO_OWNER, ...hiddenQueueOf(exchange.kind, exchange.name, exchange.arguments), ...place };
}

function declarePassively(topology: Topology, who: Who, name: string): Decision {
  if (name === DEFAULT_EXCHANGE) return refused(refuseDefaultExchange());
  const refusal = permitAny(topology, who, 'exchange', name);
  if (refusal !== undefined) return refused(refusal);
  return topology.exchange(who.vhost, name) === undefined ? refused(refuseMissing('exchange', who.vhost, name)) : done();
}

function objectToRepeat(current: ExchangeRecord, wanted: ExchangeRecord): Refusal | undefined {
  const named = describe('exchange', current.vhost, current.name);
  return (
    checkProperty(named, 'type', atom(wanted.kind), atom(current.kind)) ??
    checkProperty(named, 'durable', wanted.durable, current.durable) ??
    checkProperty(named, 'auto_delete', wanted.autoDelete, current.autoDelete) ??
    checkProperty(named, 'internal', wanted.internal, current.internal) ??
    checkArguments(named, [ALTERNATE_ARGUMENT], wanted.arguments, current.arguments)
  );
}

/** A type is an atom of Erlang's, which shows quotes around one with a dash. */
function atom(type: string): string {
  return /^[a-z]\w*$/.test(type) ? type : `'${type}'`;
}

function objectToNew(topology: Topology, who: Who, wanted: ExchangeRecord): Refusal | undefined {
  const named = describe('exchange', wanted.vhost, wanted.name);
  if (isReserved(wanted.name)) return refuseReserved('exchange', wanted.name);
  const alternate = wanted.arguments.get(ALTERNATE_ARGUMENT);
  if (alternate !== undefined) {
    if (alternate.type !== 'S') {
      return refuse(ReplyCode.preconditionFailed, `invalid type '${typeName(alternate)}' for arg '${ALTERNATE_ARGUMENT}' in ${named}`);
    }
    const refusal = permit(topology, who, 'read', 'exchange', wanted.name) ?? permit(topology, who, 'write', 'exchange', textOf(alternate.value));
    if (refusal !== undefined) return refusal;
  }
  const objection = checkExchangeArguments(wanted.kind, wanted.arguments);
  if (objection !== undefined) return objection;
  if (hasHiddenQueue(wanted.kind) && (topology.queueCount >= QUEUE_COUNT_MAX || topology.lastQueueId >= QUEUE_ID_MAX)) {
    return refuse(ReplyCode.preconditionFailed, `cannot declare ${named}: queue limit in cluster (${QUEUE_COUNT_MAX}) is reached`);
  }
  if (topology.exchangeCount < EXCHANGE_COUNT_MAX) return undefined;
  return refuse(ReplyCode.preconditionFailed, `cannot declare ${named}: exchange limit of ${EXCHANGE_COUNT_MAX} is reached`);
}

export function decideExchangeDelete(topology: Topology, command: ExchangeDelete): Decision {
  const { who } = command;
  const name = withoutLineEnds(command.exchange);
  const named = describe('exchange', who.vhost, name);
  if (name === DEFAULT_EXCHANGE) return refused(refuseDefaultExchange());
  if (isReserved(name)) return refused(refuse(ReplyCode.accessRefused, `deletion of system ${named} not allowed`));
  const refusal = permit(topology, who, 'configure', 'exchange', name);
  if (refusal !== undefined) return refused(refusal);
  const node = topology.exchange(who.vhost, name);
  if (node === undefined) return done();
  if (command.ifUnused && node.outgoing.size > 0) return refused(refuse(ReplyCode.preconditionFailed, `${named} in use`));
  const removal = new Removal(topology);
  removal.exchange(node);
  return done(removal.events);
}
