import { PLAIN_LOAD } from './load.ts';
import { type LatencyScenario } from './scenario.ts';

/** Both programs compile what runs often: after 3 s at full rate and 5 s at 2,000 msg/s they still do. */
const STEADY = { heatSeconds: 3, settleSeconds: 20, p50RatioAtMost: 0.35, p99RatioAtMost: 0.4 } as const;

/** A quiet broker: how long one message takes from the time its sending was due to its arrival. */
export const steadyLatency: LatencyScenario = {
  kind: 'latency',
  name: 'latency',
  title: '2,000 msg/s, 100 B, transient, automatic ack: publish to delivery',
  load: { ...PLAIN_LOAD, ratePerSecond: 2_000 },
  ...STEADY,
};

/** The same with ten times as much to do. */
export const busyLatency: LatencyScenario = {
  kind: 'latency',
  name: 'latency-20k',
  title: '20,000 msg/s, 100 B, transient, automatic ack: publish to delivery',
  load: { ...PLAIN_LOAD, ratePerSecond: 20_000 },
  ...STEADY,
};
