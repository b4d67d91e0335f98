import { BATCHED_ACK, PLAIN_LOAD } from './load.ts';
import { type ThroughputScenario } from './scenario.ts';

/** Ten pairs at once: placement, and fairness between connections. */
export const tenQueues100b: ThroughputScenario = {
  kind: 'throughput',
  name: 'ten-queues',
  title: '10 producers, 10 consumers, 10 queues, 100 B, manual ack (prefetch 500, multiple every 100)',
  load: { ...PLAIN_LOAD, ...BATCHED_ACK, producers: 10, consumers: 10, queues: 10 },
  ratioAtLeast: 15,
  cpuRatioAtMost: 0.15,
};
