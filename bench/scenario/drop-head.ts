import { PLAIN_LOAD } from './load.ts';
import { type ThroughputScenario } from './scenario.ts';

/** A flood that nobody drinks: the queue keeps the newest 10,000, and every publish is confirmed. */
export const dropHead: ThroughputScenario = {
  kind: 'throughput',
  name: 'drop-head',
  title: '100 B, confirms (1,000 outstanding), x-max-length 10,000, no consumer',
  load: { ...PLAIN_LOAD, consumers: 0, queueArguments: { 'x-max-length': 10_000 }, outstandingLimit: 1_000 },
  measure: 'confirmed',
  ratioAtLeast: 5,
};
