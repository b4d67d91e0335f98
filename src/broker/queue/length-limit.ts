/**
 * x-max-length, x-max-length-bytes and x-overflow: how many messages may be ready, and how many bytes of bodies they may have together
 * (RabbitMQ guide "Queue Length Limit"). What is unsettled counts for neither.
 *
 * The two ways to keep to it differ in more than who goes. A queue that refuses looks before it takes a message, whatever a consumer could
 * take at once. A queue that drops takes the message first and then drops from the head until it keeps to the limit: a message that is
 * larger than the limit takes all others along and goes itself.
 */
import type { QueueOptions } from '../queue-options.ts';

export type LengthLimit = {
  /** Whether a queue with so many ready messages and bytes takes another of `size` bytes; if not, the publisher is refused. */
  admits(ready: number, readyBytes: number, size: number): boolean;
  /** Whether the head of a queue with so many has to go. Never of an empty one. */
  exceededBy(ready: number, readyBytes: number): boolean;
};

/** Undefined for a queue without a limit, which then pays nothing for it. */
export function lengthLimit({ maxLength, maxLengthBytes, overflow }: QueueOptions): LengthLimit | undefined {
  if (maxLength === undefined && maxLengthBytes === undefined) return undefined;
  const messages = maxLength ?? Infinity;
  const bytes = maxLengthBytes ?? Infinity;
  const isExceeded = (ready: number, readyBytes: number): boolean => ready > messages || readyBytes > bytes;
  if (overflow === 'drop-head') return { admits: () => true, exceededBy: isExceeded };
  return { admits: (ready, readyBytes, size) => !isExceeded(ready + 1, readyBytes + size), exceededBy: () => false };
}
