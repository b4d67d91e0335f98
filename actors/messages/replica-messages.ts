/**
 * Letters to the replica actor of each scheduler thread (prefix 0x05).
 *
 * ```
 * events      from the topology. a: version after them, body: TopologyEvent[]. Answer: `applied`.
 * threadLost  from the keeper. a: the thread. Answer: `fenced`, when every actor here has heard of it.
 * threadBack  from the keeper. a: the thread, whose queues run again
 * shutdown    from the keeper: close every connection. body: why. Answer: `stopped`.
 * alarm       from the keeper. body: the reasons
 * fault       from a test: makes an actor crash, stalls it, or ends the thread. body: what
 * describe    from the keeper. a: request. Answer: `described`.
 * restartQueue  from the keeper: start a queue again that is marked crashed. a: request, body: queue id. Answer: `described`.
 * ```
 */
export const ReplicaLetter = {
  events: 0x501,
  threadLost: 0x502,
  threadBack: 0x503,
  shutdown: 0x504,
  alarm: 0x505,
  fault: 0x506,
  describe: 0x507,
  restartQueue: 0x508,
} as const;

export const REPLICA_ID = 1;
