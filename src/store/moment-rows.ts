/** Messages of a timeline that are laid out together, in columns: those that a group brought, or those of spans that were read. */
export interface MomentRows {
  readonly count: number;
  dueMs(row: number): number;
  /** Rises with each message of the timeline: those of one millisecond go out in this order. */
  arrival(row: number): number;
  /** Bytes of its record. */
  size(row: number): number;
  /** MomentFlag */
  flags(row: number): number;
  copy(row: number, target: Buffer, at: number): void;
}
