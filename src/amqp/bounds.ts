/**
 * Every limit of the wire, in one place: nothing that a peer sends may grow without one of these names in its way.
 *
 * Defaults are RabbitMQ's; those that an operator may change are read through the configuration, with these as a start.
 */

/** Octets around the payload of a frame: type (1), channel (2), size (4) and the end octet (1). */
export const FRAME_OVERHEAD_SIZE = 8;

/** The smallest frame limit a client may negotiate, octets with the overhead (AMQP 0-9-1, "frame-min-size"). */
export const FRAME_MIN_SIZE = 4096;

/**
 * The frame limit until `connection.tune-ok`, octets with the overhead. 3.13 allows 4096; 4.1 and later 8192, because a long
 * token as a password does not fit into the smaller one.
 */
export const INITIAL_FRAME_MAX = 8192;

/** The frame limit that `connection.tune` offers, octets with the overhead. */
export const DEFAULT_FRAME_MAX = 131_072;

/** RabbitMQ forgives a payload that is too long by one overhead: some clients forget to subtract it. */
export const FRAME_SIZE_TOLERANCE = FRAME_OVERHEAD_SIZE;

/** Channels of one connection; channel numbers run from 1 to this. */
export const CHANNEL_MAX = 2047;

/** The smallest channel limit a client may negotiate. */
export const CHANNEL_MIN = 1;

/** The heartbeat that `connection.tune` proposes, seconds; the client's answer counts and 0 turns heartbeats off. */
export const HEARTBEAT_SECONDS = 60;

/** Tables and arrays inside each other; the outermost table is the first. */
export const TABLE_DEPTH_MAX = 32;

/** Fields directly inside one table. */
export const TABLE_FIELDS_MAX = 4096;

/** Elements directly inside one array. */
export const ARRAY_ELEMENTS_MAX = 65_536;

/** Octets of a short string: its length is one octet. */
export const SHORTSTR_SIZE_MAX = 255;

/** Octets of a message body that are accepted by default (`max_message_size`), 128 MiB. */
export const MESSAGE_SIZE_MAX = 134_217_728;

/**
 * Octets of message bodies that the headers on all channels of one connection may have announced and that have not come:
 * memory is set aside for them. One message within `max_message_size` is always admitted. RabbitMQ sets nothing aside.
 */
export const ANNOUNCED_BODIES_MAX = 536_870_912;

/** Octets that a peer may send before it has logged in. */
export const PRE_AUTH_BYTES_MAX = 65_536;

/** From accept to `connection.open-ok`, milliseconds. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;

/** A peer that failed to log in waits this long for the end of its connection, so that guessing is slow. Milliseconds. */
export const SILENT_CLOSE_DELAY_MS = 3_000;

/** `connection.secure` rounds of one login; the mechanisms offered need none or one. */
export const AUTH_ROUNDS_MAX = 4;

/** Octets of a broken payload that an error text shows. */
export const ERROR_SNIPPET_BYTES_MAX = 64;
