/**
 * Letters to the topology actor on the main thread (prefix 0x04).
 *
 * ```
 * change    a: request (0: no answer wanted), body: TopologyCommand. Answer: `outcome`, once every replica has applied it.
 * applied   from a replica. a: the version it has reached
 * emptied   from the store, or from the queue where there is none: a deleted queue holds nothing any more. a: its slot, which is free again, b: its id
 * defined   from the store. a: number of the `define`, which is on the device now
 * ```
 */
export const TopologyLetter = {
  change: 0x401,
  applied: 0x402,
  emptied: 0x403,
  defined: 0x404,
} as const;

/** The thread and id of the topology actor. */
export const TOPOLOGY_THREAD = 0;
export const TOPOLOGY_ID = 2;
