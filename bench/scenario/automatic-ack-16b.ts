import { PLAIN_LOAD } from './load.ts';
import { type ThroughputScenario } from './scenario.ts';

/** The smallest messages: what a broker costs for each, whatever is in it. */
export const automaticAck16b: ThroughputScenario = {
  kind: 'throughput',
  name: 'auto-16b',
  title: '16 B, transient, automatic ack',
  load: { ...PLAIN_LOAD, bodyBytes: 16 },
  ratioAtLeast: 15,
  cpuRatioAtMost: 0.15,
};
