import { PLAIN_LOAD } from './load.ts';
import { type ThroughputScenario } from './scenario.ts';

/** Bytes are all that counts: how often a body is copied. */
export const automaticAck64kib: ThroughputScenario = {
  kind: 'throughput',
  name: 'auto-64kib',
  title: '64 KiB, transient, automatic ack',
  load: { ...PLAIN_LOAD, bodyBytes: 65_536 },
  ratioAtLeast: 1.1,
};
