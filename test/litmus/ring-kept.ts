/**
 * What a reader keeps in shared memory for the one that takes over from it (int32 words). The sequence is the effect of a
 * record: it is stored last.
 */
export const KEPT_SEQUENCE = 0;
/** The position of that record. */
export const KEPT_POSITION = 1;
/** How many records were delivered again. */
export const KEPT_AGAIN = 2;
export const KEPT_WORDS = 3;

export type ReaderOrders = {
  readonly ring: SharedArrayBuffer;
  readonly kept: SharedArrayBuffer;
  readonly lengthMax: number;
  /** Gives records free before they are read: the negative control. */
  readonly hasty: boolean;
};
