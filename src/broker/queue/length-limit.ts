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
  /** Who goes when there is no room: whoever comes, or else the oldest. */
  readonly refuses: boolean;
  /** Whether a queue with so many ready messages and bytes has no room for another of `size` bytes. */
  overflows(ready: number, readyBytes: number, size: number): boolean;
  /** Whether the head of a queue with so many has to go. Never of an empty one. */
  exceededBy(ready: number, readyBytes: number): boolean;
};

/** Undefined for a queue without a limit, which then pays nothing for it. */
export function lengthLimit({ maxLength, maxLengthBytes, overflow }: QueueOptions): LengthLimit | undefined {
  if (maxLength === undefined && maxLengthBytes === undefined) return undefined;
  const messages = maxLength ?? Infinity;
  const bytes = maxLengthBytes ?? Infinity;
  const isExceeded = (ready: number, readyBytes: number): boolean => ready > messages || readyBytes > bytes;
  const refuses = overflow !== 'drop-head';
  return { refuses, overflows: (ready, readyBytes, size) => isExceeded(ready + 1, readyBytes + size), exceededBy: refuses ? () => false : isExceeded };
}
