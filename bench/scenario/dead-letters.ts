import { PLAIN_LOAD } from './load.ts';
import { type ThroughputScenario } from './scenario.ts';

/** Messages that nobody takes in time: they expire after a second, and arrive by way of the dead letters. */
export const ttlDeadLetter: ThroughputScenario = {
  kind: 'throughput',
  name: 'ttl-dead-letter',
  title: '100 B into a queue with a TTL of 1 s, dead-lettered into a second one, consumed there with automatic ack',
  load: { ...PLAIN_LOAD, topology: 'expired', queueArguments: { 'x-message-ttl': 1_000 }, outstandingLimit: 1_000 },
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
