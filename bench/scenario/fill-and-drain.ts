import { SMALL_FILL, type BacklogScenario } from './scenario.ts';

/** What an outage of the consumers costs: the queue grows to 1 M, and must be gone soon when they return. */
export const fillAndDrain: BacklogScenario = {
  kind: 'backlog',
  name: 'fill-persistent',
  drainName: 'drain',
  title: '100 B, persistent, confirms (1,000 outstanding), no consumer; then drained with automatic ack',
  fill: SMALL_FILL,
  fillRatioAtLeast: 8,
  drainRatioAtLeast: 6,
};
