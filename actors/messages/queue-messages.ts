/**
 * Letters to a queue actor (prefix 0x02). All come from connection actors but those where it says otherwise.
 *
 * ```
 * publish   from connections, and from queues for their dead letters
 *           words, 4 a message: | address | channel (of a queue: epoch) | sequence, low 32 bits | marks (PublishMark) |
 *           Each message comes with one lease, which is the queue's from then on; of one that it refuses it makes the address 0. Answer: `confirmed`. Any incarnation may
 *           take it; the letter in hand of one that crashed is given to the next.
 * settle    a: generation of the incarnation that delivered, b: how (Settle)
 *           words: positions
 * taken     a: generation
 *           words, 2 each: | consumer id | how many deliveries its socket has taken |
 * stopped   a: generation, b: consumer id, c: 1 stop, 0 go on
 * question  a: request, body: QueueQuestion. Answer: `answer`.
 * resynced  the sender has heard of this incarnation and has forgotten the deliveries of the last one
 * released  the sender will not touch the memory of this queue's messages any more
 * end       from the replica: the queue is deleted
 * stored    from the store: all that was appended below these positions is on the device. a: kept messages, b: paged ones
 * content   from the store: what was asked for by `read`. a: generation of the asker
 *           words, 2 a message: | position | address, 0: no memory for it now, -1: damaged |
 *           Each message with an address comes with one lease, which is the queue's from then on.
 * damaged   from the store, behind a `content` in which something is damaged. a: position of the first such message
 *           body: what is wrong, as a sentence
 * confirmed for dead letters, from a queue or the store. words, 4 a run: | epoch | first sequence | count | 1 refused |
 * goOn      a turn is wanted. From itself: dead letters are left to be made, contents to be paged out, or timers to be armed after a crash;
 *           from the thread: memory is short
 * threadLost from the replica: letters to queues of some thread may be lost
 * ```
 */
import type { ActorRef } from '../runtime/letter.ts';
import type { QueueRecord } from '../../src/broker/topology/topology-records.ts';
import { ConnectionLetter } from './connection-messages.ts';

/** Ids are never used again: 0x20b was one. */
export const QueueLetter = {
  publish: 0x201,
  settle: 0x202,
  taken: 0x203,
  stopped: 0x204,
  question: 0x205,
  resynced: 0x206,
  released: 0x207,
  end: 0x208,
  stored: 0x209,
  content: 0x20a,
  damaged: 0x20c,
  confirmed: 0x20d,
  goOn: 0x20e,
  threadLost: 0x20f,
} as const;

/** Type of the answer to a publisher: a connection, or a queue whose dead letters they are. */
export function confirmedType(publisher: number): number {
  return publisher < 0 ? QueueLetter.confirmed : ConnectionLetter.confirmed;
}

/** The actor that runs a queue; its address is this and the queue's thread. */
export function queueActorId(queueId: number): number {
  return -queueId;
}

/** The address of a queue's actor, whichever incarnation runs. */
export function queueRef({ thread, id }: Pick<QueueRecord, 'thread' | 'id'>): ActorRef {
  return { thread, id: queueActorId(id), generation: 0 };
}
