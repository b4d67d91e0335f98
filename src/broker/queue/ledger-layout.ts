/**
 * Where a queue lives while nobody runs it. The actor of a queue is only its working copy: what the queue holds stands in
 * shared memory in this form, and the next incarnation, on whatever thread, takes it over.
 *
 * ```
 * slot (64 words, one a queue, in a table shared by all threads)
 *
 *   FIRST_CHUNK | HEAD | TAIL | LETTER_TAIL | LETTER_SENDER | LETTER_NUMBER | LETTER_ANSWERED | counters ...
 *
 *   HEAD         position of the oldest message that is not gone
 *   TAIL         position that the next message will get
 *   LETTER_*     the publish letter in progress and where TAIL stood when it began. TAIL is the commit word of each
 *                message (I2), so TAIL - LETTER_TAIL says how much of the letter is done, whatever happened since (I3)
 *
 * positions are wrapping int32 numbers, one for each message ever accepted, in order
 *
 * chunk (one block of shared memory, 1,024 entries), chained by the block table
 *
 *   | entry 0 | entry 1 | ... | entry 1023 |
 *
 *   A chunk whose entries are all gone is given back wherever it stands: its part of the positions is a hole, which reads as GONE. Each
 *   link of the chain says how many chunks further on the next one is, and is one word; what would be further off than it can say keeps a
 *   chunk that is gone between them.
 *
 *   FIRST_CHUNK  | address, its low ten bits 0 | low ten bits of the chunk's number |
 *   link         | address                     | chunks from here to there, 1 to 1,023 |     0: it is the last
 *
 * entry (four words)
 *
 *   | message address | state, flags, priority | owner | deliveries |
 *
 *   state        GONE, READY, UNSETTLED or DYING
 *   owner        id of the consumer that holds it, while UNSETTLED; why it died, and whether its dead letter was sent, while DYING; bytes of the body, while READY with its
 *                content in the store alone, in a queue that limits bytes
 *   deliveries   how often it came back
 *   address      0 while the content is in the store alone: never of an UNSETTLED message
 * ```
 */
export const SLOT_WORDS = 64;
export const FIRST_CHUNK = 0;
export const HEAD = 1;
export const TAIL = 2;
export const LETTER_TAIL = 3;
export const LETTER_SENDER = 4;
export const LETTER_NUMBER = 5;
/** Number of the letter that was begun last, once its publishes are all in and all answered; 0 before. */
export const LETTER_ANSWERED = 6;
/** Id of the queue whose slot this is; tells a new queue from one that is taken over. */
export const QUEUE_ID = 7;
/** Counters, wrapping int32: ready + delayed + unsettled + dying + settled + dropped = accepted (I1). */
export const ACCEPTED = 8;
export const SETTLED = 9;
export const DROPPED = 10;
export const DELIVERED = 11;
export const REDELIVERED = 12;
/** Written after each turn for those who only look: the management side and declare. */
export const READY_COUNT = 16;
export const UNSETTLED_COUNT = 17;
export const CONSUMER_COUNT = 18;
/** Generation of the incarnation that runs, or ran last. */
export const GENERATION = 19;
/** The single active consumer: its connection and its key there. */
export const ACTIVE_CONNECTION = 20;
export const ACTIVE_KEY = 21;
/** 1 once the queue has had a consumer: an auto-delete queue without one is then over. */
export const HAD_CONSUMER = 22;
/** Kept messages below this position have been handed to the store, and those below STORED are on the device. */
export const APPENDED = 24;
export const STORED = 25;
/** 1 once what the store has of the queue was found damaged: no incarnation serves it, it can only be deleted. */
export const DAMAGED = 26;
/** Transient messages were paged out up to this position. None before it is any more: the store takes them in order. */
export const PAGED_TO = 27;
/** Messages below this position may have died before, in a process that is gone, and their dead letters may be where these go. */
export const UNSURE_TO = 29;
/** Messages that came back and wait, for those who only look. */
export const DELAYED_COUNT = 28;
/** 1 while too much of the queue is under way to the store: its publishers are ahead of the store, and wait. */
export const STORE_BEHIND = 30;

export const ENTRY_WORDS = 4;
export const ADDRESS = 0;
export const STATE = 1;
export const OWNER = 2;
export const DELIVERIES = 3;

export const CHUNK_SHIFT = 10;
export const CHUNK_ENTRIES = 1 << CHUNK_SHIFT;
export const CHUNK_MASK = CHUNK_ENTRIES - 1;
/** Positions wrap, so numbers of chunks do. */
export const CHUNK_NUMBER_MASK = 2 ** (32 - CHUNK_SHIFT) - 1;
/** Addresses of chunks are multiples of 1,024; FIRST_CHUNK keeps the low bits of the chunk's number there. */
export const FIRST_NUMBER_MASK = 1023;
/** A link keeps there how far the next chunk is. */
export const GAP_MASK = 1023;
export const GAP_MAX = 1023;

export const GONE = 0;
export const READY = 1;
export const UNSETTLED = 2;
/** It has died, and its dead letters are not safe yet (dying.ts). */
export const DYING = 3;
export const STATE_MASK = 3;
/** Flag: the message was delivered before, or may have been. */
export const REDELIVERED_FLAG = 4;
/** Flag: the store has it or is about to, and must be told when it is gone. */
export const KEPT_FLAG = 8;
/** Flag: not to survive the process; the store has it because memory was short. */
export const PAGED_FLAG = 16;
/** Flag: its publisher said how long it may wait (`expiration`). */
export const EXPIRING_FLAG = 32;
/** Flag of a READY message: it came back and waits for its next delivery, so it is not ready yet (delayed-retry.ts). */
export const DELAYED_FLAG = 64;
/** Flag: it was published as one that may be there twice (PublishMark.redelivered), and so is its dead letter. */
export const REPEATED_FLAG = 128;
/** Of a state: READY alone is a message that may be delivered now. */
export const READY_MASK = STATE_MASK | DELAYED_FLAG;
/** The message's priority, in a queue that tells priorities apart; never above its highest. */
export const LEVEL_SHIFT = 16;
export const LEVEL_MASK = 0xff << LEVEL_SHIFT;
/** Flags that a message keeps while its state changes. */
export const FLAGS_MASK = REDELIVERED_FLAG | REPEATED_FLAG | KEPT_FLAG | PAGED_FLAG | EXPIRING_FLAG | LEVEL_MASK;

/** Queues a node holds at the same time. */
export const QUEUE_SLOTS_MAX = 262_144;
