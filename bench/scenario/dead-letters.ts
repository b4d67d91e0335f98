import { PLAIN_LOAD } from './load.ts';
import { SMALL_FILL, type DeadLetterScenario, type ThroughputScenario } from './scenario.ts';

/** Messages that nobody takes in time: they expire after a second, and arrive by way of the dead letters. */
export const ttlDeadLetter: DeadLetterScenario = {
  kind: 'dead-letter',
  name: 'ttl-dead-letter',
  title: '300,000 x 100 B with confirms into a queue with a TTL of 1 s, dead-lettered into a second one, consumed there',
  fill: { ...SMALL_FILL, messages: 300_000, persistent: false },
  ttlMs: 1_000,
  ratioAtLeast: 5,
};

/** A consumer that refuses everything, and one that takes what was refused. */
export const rejectDeadLetter: ThroughputScenario = {
  kind: 'throughput',
  name: 'reject-dead-letter',
  title: '100 B, rejected one by one without requeueing (prefetch 500), dead-lettered into a second queue, consumed there',
  load: { ...PLAIN_LOAD, topology: 'rejected', consumers: 2, automaticAck: false, prefetch: 500, ackEvery: 100 },
  ratioAtLeast: 5,
};
