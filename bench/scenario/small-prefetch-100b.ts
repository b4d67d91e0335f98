import { PLAIN_LOAD } from './load.ts';
import { type ThroughputScenario } from './scenario.ts';

/** Consumers that wait for their next messages often, beside publishers that wait for nothing: who of them gets the broker's time. */
export const smallPrefetch100b: ThroughputScenario = {
  kind: 'throughput',
  name: 'small-prefetch',
  title: '2 producers, 2 consumers, one queue, 100 B, manual ack (prefetch 100, multiple every 10)',
  load: { ...PLAIN_LOAD, producers: 2, consumers: 2, automaticAck: false, prefetch: 100, ackEvery: 10 },
  ratioAtLeast: 8,
  cpuRatioAtMost: 0.15,
};
