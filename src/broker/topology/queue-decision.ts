/** queue.declare and queue.delete, with the checks in the order of rabbit_channel; and queues that go by themselves. */
import { QUEUE_COUNT_MAX, QUEUE_ID_MAX } from '../bounds.ts';
import { textOf, typeName } from '../field-value.ts';
import { describe, isReserved, refuseMissing, refuseReserved, withoutLineEnds } from '../name.ts';
import { checkQueueArguments, comparedArguments, moduleOf } from '../queue-arguments.ts';
import { queueTypeOf } from '../queue-options.ts';
import { ReplyCode, refuse } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';
import { checkOwner, permit, permitAny, refuseLocked } from './access.ts';
import type { Who } from './access.ts';
import { withDefaultType } from './default-queue-type.ts';
import { checkArguments, checkProperty } from './equivalence.ts';
import { Removal } from './removal.ts';
import type { QueueNode } from './topology-node.ts';
import { done, refused } from './topology-command.ts';
import type { Decision, QueueDeclare, QueueDelete } from './topology-command.ts';
import { NO_OWNER, UNLIMITED } from './topology-records.ts';
import type { QueueRecord } from './topology-records.ts';
import type { Topology } from './topology.ts';

const DEAD_LETTER_ARGUMENT = 'x-dead-letter-exchange';

export function decideQueueDeclare(topology: Topology, asking: QueueDeclare): Decision {
  const { who } = asking;
  const asked = withoutLineEnds(asking.queue);
  if (asking.passive) return declarePassively(topology, who, asked);
  const command = withDefaultType(topology, asking);
  const type = queueTypeOf(command.arguments);
  if (asked === '' && type !== 'classic') {
    return refused(refuse(ReplyCode.preconditionFailed, `Cannot declare a server-named queue for type ${moduleOf(type)}`));
  }
  // Also when it exists: RabbitMQ refuses to declare one of its own names again.
  if (isReserved(asked)) return refused(refuseReserved('queue', asked));
  const name = asked === '' ? `amq.gen-${command.randomPart}` : asked;
  const refusal = permit(topology, who, 'configure', 'queue', name);
  if (refusal !== undefined) return refused(refusal);
  const existing = topology.queue(who.vhost, name);
  const wanted = wantedQueue(topology, command, name);
  const objection = existing === undefined ? objectToNew(topology, who, wanted) : objectToRepeat(existing.record, wanted);
  if (objection !== undefined) return refused(objection);
  if (existing !== undefined) return { reply: { type: 'queue-declared', queue: existing.record, created: false }, events: [] };
  return { reply: { type: 'queue-declared', queue: wanted, created: true }, events: [{ type: 'queue-created', queue: wanted }] };
}

function wantedQueue(topology: Topology, command: QueueDeclare, name: string): QueueRecord {
  const { who, exclusive, autoDelete, thread, slot } = command;
  if (exclusive && who.connection === NO_OWNER) throw new Error('assertion failed: only a connection declares an exclusive queue');
  return {
    id: topology.lastQueueId + 1,
    vhost: who.vhost,
    name,
    durable: command.durable && !exclusive,
    autoDelete,
    exclusiveOwner: exclusive ? who.connection : NO_OWNER,
    arguments: command.arguments,
    thread,
    slot,
  };
}

function declarePassively(topology: Topology, who: Who, name: string): Decision {
  const refusal = permitAny(topology, who, 'queue', name);
  if (refusal !== undefined) return refused(refusal);
  const queue = topology.queue(who.vhost, name)?.record;
  if (queue === undefined) return refused(refuseMissing('queue', who.vhost, name));
  const locked = checkOwner(queue, who);
  return locked === undefined ? { reply: { type: 'queue-declared', queue, created: false }, events: [] } : refused(locked);
}

/** The owner must be the same, not merely allowed: declaring one's own exclusive queue without the flag is refused too. */
function objectToRepeat(current: QueueRecord, wanted: QueueRecord): Refusal | undefined {
  if (current.exclusiveOwner !== wanted.exclusiveOwner) return refuseLocked(current);
  const named = describe('queue', current.vhost, current.name);
  return (
    checkProperty(named, 'durable', wanted.durable, current.durable) ??
    checkProperty(named, 'auto_delete', wanted.autoDelete, current.autoDelete) ??
    checkArguments(named, comparedArguments(queueTypeOf(current.arguments)), wanted.arguments, current.arguments)
  );
}

function objectToNew(topology: Topology, who: Who, wanted: QueueRecord): Refusal | undefined {
  const named = describe('queue', wanted.vhost, wanted.name);
  return (
    checkLimits(topology, wanted) ??
    permitDeadLetters(topology, who, wanted, named) ??
    checkQueueArguments(named, wanted.arguments) ??
    checkType(wanted, named)
  );
}

function checkLimits(topology: Topology, wanted: QueueRecord): Refusal | undefined {
  const { name, vhost } = wanted;
  const node = topology.vhost(vhost);
  if (node === undefined) return refuse(ReplyCode.notAllowed, `vhost ${vhost} not found`);
  const countMax = node.record.queueCountMax;
  if (countMax !== UNLIMITED && node.queues.size >= countMax) {
    return refuse(ReplyCode.preconditionFailed, `cannot declare queue '${name}': queue limit in vhost '${vhost}' (${countMax}) is reached`);
  }
  if (topology.queueCount < QUEUE_COUNT_MAX && wanted.id <= QUEUE_ID_MAX) return undefined;
  return refuse(ReplyCode.preconditionFailed, `cannot declare queue '${name}': queue limit in cluster (${QUEUE_COUNT_MAX}) is reached`);
}

function permitDeadLetters(topology: Topology, who: Who, wanted: QueueRecord, named: string): Refusal | undefined {
  const exchange = wanted.arguments.get(DEAD_LETTER_ARGUMENT);
  if (exchange === undefined) return undefined;
  if (exchange.type !== 'S') {
    return refuse(ReplyCode.preconditionFailed, `invalid type '${typeName(exchange)}' for arg '${DEAD_LETTER_ARGUMENT}' in ${named}`);
  }
  return permit(topology, who, 'read', 'queue', wanted.name) ?? permit(topology, who, 'write', 'exchange', textOf(exchange.value));
}

/** What a type cannot be. A quorum queue is durable and belongs to nobody; streams are not there yet. */
function checkType(wanted: QueueRecord, named: string): Refusal | undefined {
  const type = queueTypeOf(wanted.arguments);
  if (type === 'classic') return undefined;
  if (type === 'stream') return refuse(ReplyCode.notImplemented, `queue type 'stream' of ${named} is not supported`);
  if (wanted.autoDelete) return refuse(ReplyCode.preconditionFailed, `invalid property 'auto-delete' for ${named}`);
  if (wanted.exclusiveOwner !== NO_OWNER) return refuse(ReplyCode.preconditionFailed, `invalid property 'exclusive-owner' for ${named}`);
  return wanted.durable ? undefined : refuse(ReplyCode.preconditionFailed, `invalid property 'non-durable' for ${named}`);
}

export function decideQueueDelete(topology: Topology, command: QueueDelete): Decision {
  const { who, facts } = command;
  const name = withoutLineEnds(command.queue);
  const refusal = permit(topology, who, 'configure', 'queue', name);
  if (refusal !== undefined) return refused(refusal);
  const node = topology.queue(who.vhost, name);
  if (node === undefined) return done();
  const objection = checkOwner(node.record, who) ?? checkConditions(node.record, command);
  if (objection !== undefined) return refused(objection);
  if ((command.ifUnused || command.ifEmpty) && facts === undefined) return { reply: { type: 'facts-wanted', queue: node.record }, events: [] };
  return { reply: { type: 'queue-deleted', queue: node.record }, events: removalOf(topology, [node]) };
}

function checkConditions(queue: QueueRecord, command: QueueDelete): Refusal | undefined {
  const { ifUnused, ifEmpty, facts } = command;
  const named = describe('queue', queue.vhost, queue.name);
  if ((ifUnused || ifEmpty) && queueTypeOf(queue.arguments) === 'quorum') {
    const flag = ifUnused ? 'if-unused' : 'if-empty';
    const text = `cannot delete ${named}. queue.delete operations with ${flag} flag set are not supported by quorum queues`;
    return refuse(ReplyCode.notImplemented, text);
  }
  if (ifEmpty && facts !== undefined && facts.readyCount > 0) return refuse(ReplyCode.preconditionFailed, `${named} not empty`);
  if (ifUnused && facts !== undefined && facts.consumerCount > 0) return refuse(ReplyCode.preconditionFailed, `${named} in use`);
  return undefined;
}

/** A queue that expired or lost its last consumer. It may be gone already: two causes may fall together. */
export function decideQueueVanish(topology: Topology, id: number): Decision {
  const node = topology.queueById(id);
  if (node === undefined) return done();
  return { reply: { type: 'queue-deleted', queue: node.record }, events: removalOf(topology, [node]) };
}

export function decideQueuePlace(topology: Topology, id: number, thread: number, slot: number): Decision {
  const node = topology.queueById(id);
  return node === undefined ? done() : done([{ type: 'queue-placed', queue: { ...node.record, thread, slot } }]);
}

/** Exclusive queues go with their connection (AMQP 0-9-1, queue.declare, exclusive). */
export function decideConnectionEnd(topology: Topology, connection: number): Decision {
  return done(removalOf(topology, topology.queuesOwnedBy(connection)));
}

function removalOf(topology: Topology, nodes: Iterable<QueueNode>): Removal['events'] {
  const removal = new Removal(topology);
  for (const node of nodes) removal.queue(node);
  return removal.events;
}
