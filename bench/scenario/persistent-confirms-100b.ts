import { BATCHED_ACK, PLAIN_LOAD } from './load.ts';
import { type ThroughputScenario } from './scenario.ts';

/** Persistent and confirmed. RabbitMQ's classic queues confirm without fsync, Leveret after it. */
export const persistentConfirms100b: ThroughputScenario = {
  kind: 'throughput',
  name: 'persistent-100b',
  title: '100 B, persistent, confirms (1,000 outstanding), manual ack',
  load: { ...PLAIN_LOAD, ...BATCHED_ACK, persistent: true, outstandingLimit: 1_000 },
  ratioAtLeast: 8,
};
