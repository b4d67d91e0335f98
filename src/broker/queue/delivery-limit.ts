/**
 * x-delivery-limit: how often a message may come back (RabbitMQ guide "Quorum Queues", "Poison Message Handling"). With a limit of n it is
 * delivered n + 1 times; what comes back then is dropped, or dead-lettered for the reason `delivery_limit`. RabbitMQ knows it on quorum
 * queues only, here every queue may have it.
 *
 * What counts is what a consumer did with a delivery: reject and nack with requeue, basic.recover, the end of its channel or connection. A
 * delivery that never reached anybody (`unsent`, `surplus`) does not. A crash of the queue itself counts each delivery that it held, once, as
 * RabbitMQ counts the loss of a node; but nothing is dropped for that, because no consumer has failed: the count stops at the limit, and the
 * next return tells.
 *
 * The count stands in the ledger's entry, behind the change of state: a crash between the two leaves it one lower, never higher.
 */
import type { Ledger } from './ledger.ts';

/** The limit of a quorum queue that does not say, as of RabbitMQ 4.0. */
export const DELIVERY_LIMIT_DEFAULT = 20;

/** Counts, and never drops. */
export const UNLIMITED_DELIVERIES = Infinity;

export class DeliveryLimit {
  readonly #ledger: Ledger;
  readonly #limit: number;

  constructor(ledger: Ledger, limit: number) {
    this.#ledger = ledger;
    this.#limit = limit;
  }

  /** Whether the delivery that comes back now was the last one that the message may have. */
  isReached(position: number): boolean {
    return this.#ledger.deliveries(position) >= this.#limit;
  }
}
