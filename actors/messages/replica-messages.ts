/**
 * Letters to the replica actor of each scheduler thread (prefix 0x05).
 *
 * ```
 * events      from the topology. a: version after them, body: TopologyEvent[]. Answer: `applied`.
 * threadLost  from the main thread. a: the thread. Answer: `fenced`, when every actor here has heard of it.
 * shutdown    from the main thread: stop accepting, close every connection, stop every queue. body: why
 * alarm       from the janitor. body: the reasons
 * crash       from a test: makes an actor crash, stalls it, or ends the thread. body: what
 * describe    a: request. body: what to tell. For those who look at a running node.
 * ```
 */
export const ReplicaLetter = {
  events: 0x501,
  threadLost: 0x502,
  shutdown: 0x503,
  alarm: 0x504,
  crash: 0x505,
  describe: 0x506,
} as const;

export const REPLICA_ID = 1;
