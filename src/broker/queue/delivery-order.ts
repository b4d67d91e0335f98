/**
 * Which ready message is the next one: what RabbitMQ calls the backing queue. An order holds positions, the ledger holds everything else,
 * and an order is made again from the ledger after a crash.
 */
export interface DeliveryOrder {
  /** Messages that are ready. */
  readonly size: number;
  /** Position of the next one. Only when there is one. */
  readonly next: number;
  /** Bits that the state of a new message must have, so that its place is known without its content. */
  markOf(address: number): number;
  /** The message at the end of the ledger is new, with its mark. */
  added(position: number): void;
  /** Takes the next one. Only when there is one. */
  take(): number;
  /** A message that was taken is ready again, at its place (I5). */
  putBack(position: number): void;
  /** After a crash, from the ledger. */
  recover(): void;
  /** The ledger holds nothing any more. */
  clear(): void;

  // ---- for those who ask what was delivered, or will be soon

  /** Nothing from this position on was ever delivered, and all of it comes in the order of positions. */
  readonly cursor: number;
  /** Those that come before it. Only as many as matter to whoever reads contents back. */
  readonly comebacks: Iterable<number>;
  /** Every message before this position is delivered soon: among the next `window` ones. What stands behind it `isFar` knows, until the next call. */
  farFrom(window: number): number;
  isFar(position: number): boolean;
}
