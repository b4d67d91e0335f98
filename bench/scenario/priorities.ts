import { BATCHED_ACK, PLAIN_LOAD } from './load.ts';
import { type ThroughputScenario } from './scenario.ts';

const LEVELS = 10;

/** A queue that sorts: ten levels, drawn at random. */
export const priorities: ThroughputScenario = {
  kind: 'throughput',
  name: 'priority',
  title: '100 B, 10 priorities at random, manual ack (prefetch 500, multiple every 100)',
  load: { ...PLAIN_LOAD, ...BATCHED_ACK, queueArguments: { 'x-max-priority': LEVELS }, priorities: LEVELS },
  ratioAtLeast: 5,
};
