import { PLAIN_LOAD } from './load.ts';
import { type ThroughputScenario } from './scenario.ts';

/** Where copying begins to weigh as much as the work per message. */
export const automaticAck1kib: ThroughputScenario = {
  kind: 'throughput',
  name: 'auto-1kib',
  title: '1 KiB, transient, automatic ack',
  load: { ...PLAIN_LOAD, bodyBytes: 1_024 },
  ratioAtLeast: 4,
};
