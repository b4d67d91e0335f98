import { PLAIN_LOAD, type LatencyScenario } from './scenario.ts';

/** A quiet broker: how long one message takes from the time its sending was due to its arrival. */
export const steadyLatency: LatencyScenario = {
  kind: 'latency',
  name: 'latency',
  title: '2,000 msg/s, 100 B, transient, automatic ack: publish to delivery',
  load: { ...PLAIN_LOAD, ratePerSecond: 2_000 },
  p50RatioAtMost: 0.5,
  p99RatioAtMost: 0.6,
};
