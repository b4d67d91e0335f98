/** x-max-length and x-overflow: how many messages may be ready (RabbitMQ guide "Queue Length Limit"). */
import type { QueueOptions } from '../queue-options.ts';

export type LengthLimit = {
  /** Whether a queue with so many ready messages takes another; if not, the publisher is refused. */
  admits(ready: number): boolean;
  /** How many messages must go from the head of a queue with so many ready ones. */
  excess(ready: number): number;
};

/** Undefined for a queue without a limit, which then pays nothing for it. */
export function lengthLimit({ maxLength, overflow }: QueueOptions): LengthLimit | undefined {
  if (maxLength === undefined) return undefined;
  if (overflow === 'drop-head') return { admits: () => true, excess: (ready) => ready - maxLength };
  return { admits: (ready) => ready < maxLength, excess: () => 0 };
}
