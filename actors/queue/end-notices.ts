/** What a queue tells others of its end. */
import { ConnectionLetter } from '../messages/connection-messages.ts';
import { StoreLetter } from '../messages/store-messages.ts';
import { TOPOLOGY_ID, TOPOLOGY_THREAD, TopologyLetter } from '../messages/topology-messages.ts';
import type { ActorContext } from '../runtime/actor.ts';
import { type ActorRef, Letter } from '../runtime/letter.ts';
import type { Consumers } from '../../src/broker/queue/consumers.ts';
import type { QueueRecord } from '../../src/broker/topology/topology-records.ts';

const TOPOLOGY = { thread: TOPOLOGY_THREAD, id: TOPOLOGY_ID, generation: 0 };

/** An auto-delete or expired queue asks to be deleted. */
export function askToVanish(context: ActorContext, { id }: QueueRecord): void {
  const letter = new Letter(TopologyLetter.change);
  letter.body = { type: 'queue.vanish', id };
  context.tell(TOPOLOGY, letter);
}

/**
 * The queue is deleted and holds nothing any more. The topology hears it from the store, which has let go of it by then: told by two letters,
 * one of them could be lost with its thread, and the store would keep a queue that nobody speaks of any more.
 */
export function tellEnded(context: Pick<ActorContext, 'tell'>, store: ActorRef | undefined, queue: QueueRecord): void {
  if (store === undefined) return tellEmptied(context, queue.id, queue.slot);
  const letter = new Letter(StoreLetter.forget);
  letter.a = queue.id;
  letter.b = queue.slot;
  context.tell(store, letter);
}

/** Nothing is left of a deleted queue: its slot is free. */
export function tellEmptied(context: Pick<ActorContext, 'tell'>, id: number, slot: number): void {
  const letter = new Letter(TopologyLetter.emptied);
  letter.a = slot;
  letter.b = id;
  context.tell(TOPOLOGY, letter);
}

/** The queue is deleted: a connection's consumers are cancelled. It answers `released`. */
export function tellCancelled(context: ActorContext, connection: ActorRef, { id }: QueueRecord, consumers: Consumers): void {
  const letter = new Letter(ConnectionLetter.cancelled);
  letter.a = id;
  const keys = [...consumers.values()].filter(({ spec }) => spec.connection === connection.id).map(({ spec }) => spec.key);
  letter.ints = Int32Array.from(keys);
  letter.count = keys.length;
  context.tell(connection, letter);
}
