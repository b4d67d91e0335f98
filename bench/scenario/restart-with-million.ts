import { SMALL_FILL, type RestartScenario } from './scenario.ts';

/** How long an update of the broker keeps the consumers waiting. */
export const restartWithMillion: RestartScenario = {
  kind: 'restart',
  name: 'restart-1m',
  title: 'a queue of 1 M x 100 B, persistent: stopped in order, started again, first delivery',
  fill: SMALL_FILL,
  firstDeliveryAtMostSeconds: 2,
};
