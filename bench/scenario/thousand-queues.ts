import { PLAIN_LOAD } from './load.ts';
import { type ThroughputScenario } from './scenario.ts';

/** Many queues with little in each: batches are small, and everything is far apart in memory. */
export const thousandQueues: ThroughputScenario = {
  kind: 'throughput',
  name: 'thousand-queues',
  title: '10 producers to 1,000 queues in turn, 1,000 consumers on 10 connections, 100 B, automatic ack',
  load: { ...PLAIN_LOAD, producers: 10, consumers: 10, consumerChannels: 100, queues: 1_000 },
  ratioAtLeast: 8,
  cpuRatioAtMost: 0.15,
};
