import { PLAIN_LOAD } from './load.ts';
import { type ThroughputScenario } from './scenario.ts';

/** The shortest way of a small message: nothing to store, nothing to settle. */
export const automaticAck100b: ThroughputScenario = {
  kind: 'throughput',
  name: 'auto-100b',
  title: '100 B, transient, automatic ack',
  load: PLAIN_LOAD,
  ratioAtLeast: 15,
  cpuRatioAtMost: 0.15,
};
