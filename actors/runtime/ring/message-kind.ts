/**
 * How a mesh uses the type word of a ring's record:
 *
 *     31      24 23                         0
 *    +----------+----------------------------+
 *    | kind     | type, chosen by the sender |
 *    +----------+----------------------------+
 *
 * A message that is longer than a record goes as FIRST, any number of MIDDLE, LAST, with nothing between them from the
 * same sender. The payload of FIRST begins with the length of the whole message in bytes (int32) and 4 unused bytes.
 * Kind 0xff is the ring's own (PADDING).
 */
export const INTS = 0;
export const BYTES = 1 << 24;
export const INTS_FIRST = 2 << 24;
export const BYTES_FIRST = 3 << 24;
export const MIDDLE = 4 << 24;
export const LAST = 5 << 24;

export const KIND_MASK = 0xff << 24;
export const TYPE_MASK = 0xffffff;

/** Bytes of a FIRST payload before the message's own bytes. */
export const FIRST_HEADER_BYTES = 8;

/** The longest message that a mesh carries, bytes; a longer one is the sender's mistake (RangeError). */
export const FRAGMENTED_MESSAGE_MAX = 64 * 1024 * 1024;
