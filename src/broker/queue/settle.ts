/** How a delivery ends. The numbers travel in letters and never change. */
export const Settle = {
  ack: 0,
  /** The consumer failed: reject with requeue, or the end of its channel or connection. */
  requeue: 1,
  /** Reject or nack without requeue: dead-lettered where there is a dead-letter exchange, else dropped. */
  discard: 2,
  /** The socket has taken a delivery that needs no acknowledgement. */
  taken: 3,
  /** The delivery never reached the client: back to its place, not marked as redelivered. */
  unsent: 4,
  /** The consumer gave it back: nack with requeue, basic.recover. Another matter than `requeue` for delayed retries alone. */
  returned: 5,
  /**
   * It answered a question that had been answered: back to its place, marked as redelivered, because others may have overtaken it, but
   * neither counted nor delayed. The crash that lay between is not the message's fault.
   */
  surplus: 6,
} as const;
export type Settle = (typeof Settle)[keyof typeof Settle];
