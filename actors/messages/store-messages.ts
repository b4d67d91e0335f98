/**
 * Letters to the store actor (prefix 0x08). It answers with letters to connections (`confirmed`), queues (`stored`, `content`) and
 * the topology (`defined`).
 *
 * ```
 * append    from a queue. a: queue id, b: id of the actor that published (a connection, or a queue for its dead letters), 0: nobody
 *           waits for an answer, c: thread of that actor
 *           words, 5 a message: | address | position | channel | sequence, low 32 bits | flags |
 *           Each message with an address comes with one lease, which is the store's from then on. Address 0: nothing is to be
 *           stored, only the answer must stay in its place among the others. When the group is on the device the publisher
 *           hears `confirmed`, and the queue `stored`.
 * settle    from a queue. a: queue id
 *           words, 2 a run: | position | count |
 * returned  from a queue. a: queue id
 *           words, 2 each: | position | deliveries |
 * read      from a queue. a: queue id, b: generation
 *           words: positions. Answer: `content`.
 * retain    from a new incarnation of a queue: what lives. a: queue id, b: position that all runs lie below,
 *           c: 0 of what is kept, 1 of what was paged out
 *           words, 2 a run: | position | count |
 * forget    from a queue: it is deleted and empty. a: queue id, b: its slot. Answer, to the topology: `emptied`
 * fence     from a queue, for a connection. a: its generation, b: connection, c: request, body: QueueAnswer. When all that was
 *           appended before is on the device, the connection hears `answer` with it
 * unsure    from a queue that ends in order, with dead letters on their way. a: queue id, b: position of the last message they are of
 * commit    from itself
 * define    from the topology. a: number of the request, body: readonly { key, value }[]. Answer: `defined`.
 * ```
 */
export const StoreLetter = {
  append: 0x801,
  settle: 0x802,
  returned: 0x803,
  read: 0x804,
  retain: 0x805,
  forget: 0x806,
  fence: 0x807,
  define: 0x808,
  commit: 0x809,
  unsure: 0x80a,
} as const;

/** Words of one message in an `append`. */
export const APPEND_WORDS = 5;

/** Flags of an `append`. */
export const AppendWord = {
  /** Bits that the store keeps: src/store (AppendFlag). */
  keptBits: 0xff00ff,
  /** An answer is wanted. */
  confirm: 0x100,
} as const;

export const STORE_ID = 7;

/** The store's thread: the last of the mesh, so that scheduler threads count from 1. */
export function storeThread(schedulers: number): number {
  return schedulers + 1;
}
