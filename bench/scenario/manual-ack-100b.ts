import { BATCHED_ACK, PLAIN_LOAD } from './load.ts';
import { type ThroughputScenario } from './scenario.ts';

/** The way most applications consume: a prefetch, and one ack for many messages. */
export const manualAck100b: ThroughputScenario = {
  kind: 'throughput',
  name: 'manual-100b',
  title: '100 B, transient, manual ack, prefetch 500, multiple every 100',
  load: { ...PLAIN_LOAD, ...BATCHED_ACK },
  ratioAtLeast: 15,
  cpuRatioAtMost: 0.15,
};
