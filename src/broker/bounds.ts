/**
 * Every limit of the domain, in one place, so that no structure that a client can grow is without one.
 *
 * Sizes are bytes, durations milliseconds, everything else a count.
 */

/** A name or a routing key is an AMQP shortstr: its length is one octet. */
export const NAME_SIZE_MAX = 255;

/** Ids of queues are positive int32, because they travel in the fixed records between threads. */
export const QUEUE_ID_MAX = 0x7fff_ffff;

/** Exchanges of one node; a declare past it is refused with 406, as RabbitMQ's cluster_exchange_limit does. */
export const EXCHANGE_COUNT_MAX = 1_000_000;

/** Queues of one node; a declare past it is refused with 406, as RabbitMQ's cluster_queue_limit does. */
export const QUEUE_COUNT_MAX = 4_000_000;

/** Bindings of one node; a bind past it is refused with 406. */
export const BINDING_COUNT_MAX = 16_000_000;

/** Virtual hosts of one node. */
export const VHOST_COUNT_MAX = 10_000;

/** Users of one node. */
export const USER_COUNT_MAX = 100_000;

/** Ten years: the longest x-expires and x-message-ttl (rabbit_misc:check_expiry). */
export const EXPIRY_MAX_MS = 315_360_000_000;

/** The highest x-max-priority (MAX_SUPPORTED_PRIORITY of RabbitMQ). */
export const PRIORITY_MAX = 255;

/** Routing keys that one message may add with CC and BCC; a message with more is refused with 406. */
export const EXTRA_ROUTING_KEY_COUNT_MAX = 1024;

/** Compiled patterns of permissions that are kept; the oldest is forgotten first. */
export const PATTERN_CACHE_COUNT_MAX = 1024;

/** A permission pattern longer than this is refused when it is set. Patterns come from the operator only. */
export const PATTERN_SIZE_MAX = 4096;
