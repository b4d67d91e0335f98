import { PLAIN_LOAD } from './load.ts';
import { type ThroughputScenario } from './scenario.ts';

/** One message becomes ten. */
export const fanOut100b: ThroughputScenario = {
  kind: 'throughput',
  name: 'fan-out',
  title: '1 producer, fanout exchange, 10 queues, 10 consumers, 100 B, automatic ack',
  load: { ...PLAIN_LOAD, topology: 'fan-out', consumers: 10, queues: 10 },
  ratioAtLeast: 8,
  cpuRatioAtMost: 0.15,
};
