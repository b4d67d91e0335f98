/** What the last process left, put into the ledgers of this one: each queue finds it as if an incarnation before had left it so. */
import { BODY_SIZE } from '../amqp/stored-message.ts';
import { Ledger } from '../broker/queue/ledger.ts';
import { APPENDED, DAMAGED, EXPIRING_FLAG, KEPT_FLAG, LEVEL_MASK, QUEUE_ID, READY_COUNT, REDELIVERED_FLAG, REPEATED_FLAG, STORED, UNSURE_TO } from '../broker/queue/ledger-layout.ts';
import { isTimeline } from '../broker/exchange/delayed-exchange.ts';
import { readQueueOptions } from '../broker/queue-options.ts';
import type { QueueRecord } from '../broker/topology/topology-records.ts';
import type { QueueMemory } from '../broker/queue/queue-memory.ts';
import { AppendFlag, type Store } from '../store/store.ts';

/** A durable queue and its slot in this run. */
export type QueuePlace = {
  readonly id: number;
  readonly slot: number;
  /** It limits the bytes of its bodies: the ledger must know them. They are read for that, at most as much as the limit says. */
  readonly sized?: boolean;
  /** It holds back messages for a time, which stay where they are. */
  readonly timeline?: boolean;
};

export function placeOf(queue: QueueRecord): QueuePlace {
  const sized = readQueueOptions(queue.arguments).maxLengthBytes !== undefined;
  return { id: queue.id, slot: queue.slot, sized, timeline: isTimeline(queue) };
}

/**
 * Fills the ledgers of `queues`, and lets the store forget the queues that are none of them. Before any queue runs; the memory must be
 * that of the thread that fills. Throws when there is no memory for the index of what is stored.
 */
export function fillLedgers(memory: QueueMemory, store: Store, queues: readonly QueuePlace[]): void {
  const defined = new Set(queues.map(({ id }) => id));
  for (const id of [...store.known()]) if (!defined.has(id)) store.forget(id);
  for (const place of queues) if (place.timeline !== true) fill(memory, store, place);
}

function fill(memory: QueueMemory, store: Store, { id, slot, sized = false }: QueuePlace): void {
  const ledger = new Ledger(memory, slot);
  const sizeAt = sized ? bodySizes(memory, store, id) : undefined;
  if (store.damageOf(id) === undefined) fillLedger(ledger, store, id, sizeAt);
  else ledger.create();
  ledger.setCounter(QUEUE_ID, id);
  if (store.damageOf(id) === undefined) return;
  // Nobody serves it. It is not empty for those who look, or a client that deletes what is empty would take the evidence away.
  ledger.setCounter(DAMAGED, 1);
  ledger.setCounter(READY_COUNT, Math.max(store.messagesOf(id), 1));
}

function fillLedger(ledger: Ledger, store: Store, id: number, sizeAt: ((position: number) => number) | undefined): void {
  let begun = false;
  for (const { position, flags, deliveries } of store.inventory(id)) {
    if (!begun) ledger.beginAt(position);
    begun = true;
    must(ledger.appendGone(position));
    const expiring = (flags & AppendFlag.expiring) === 0 ? 0 : EXPIRING_FLAG;
    const repeated = (flags & AppendFlag.repeated) === 0 ? 0 : REPEATED_FLAG;
    must(ledger.append(0, KEPT_FLAG | repeated | expiring | (flags & LEVEL_MASK) | ((flags & AppendFlag.redelivered) === 0 ? 0 : REDELIVERED_FLAG)));
    if (deliveries > 0) ledger.setDeliveries(position, deliveries);
    if (sizeAt !== undefined) ledger.noteSize(position, sizeAt(position));
  }
  const next = store.nextPosition(id);
  if (!begun) ledger.beginAt(next);
  if (((next - ledger.tail) | 0) > 0) must(ledger.appendGone(next));
  ledger.setCounter(APPENDED, ledger.tail);
  ledger.setCounter(STORED, ledger.tail);
  ledger.setCounter(UNSURE_TO, store.unsureTo(id) ?? 0);
}

/** Reads the size of one body after the other. What cannot be read is damaged, and then nobody serves the queue. */
function bodySizes(memory: QueueMemory, store: Store, id: number): (position: number) => number {
  const wanted = new Int32Array(1);
  return (position) => {
    let size = 0;
    wanted[0] = position;
    store.read(id, wanted, 1, (_, address) => {
      must(address !== 0);
      if (address === -1) return;
      size = memory.intsOf(address)[memory.intOffsetOf(address) + BODY_SIZE]!;
      memory.release(address);
    });
    return size;
  };
}

function must(appended: boolean): void {
  if (!appended) throw new Error('the memory limit is too small for the index of the stored messages; raise it and start again');
}
