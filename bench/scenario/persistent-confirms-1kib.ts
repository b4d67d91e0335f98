import { BATCHED_ACK, PLAIN_LOAD } from './load.ts';
import { type ThroughputScenario } from './scenario.ts';

/** The same with bodies of 1 KiB: the device takes ten times as much. */
export const persistentConfirms1kib: ThroughputScenario = {
  kind: 'throughput',
  name: 'persistent-1kib',
  title: '1 KiB, persistent, confirms (1,000 outstanding), manual ack',
  load: { ...PLAIN_LOAD, ...BATCHED_ACK, bodyBytes: 1_024, persistent: true, outstandingLimit: 1_000 },
  ratioAtLeast: 8,
};
