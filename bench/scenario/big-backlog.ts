import { SMALL_FILL, type RestartScenario } from './scenario.ts';

/** A backlog that should not have to fit into memory. RabbitMQ needs many minutes for it, so it is measured only when asked for alone. */
export const bigBacklog: RestartScenario = {
  kind: 'restart',
  name: 'big-backlog',
  title: 'a queue of 10 M x 100 B, persistent: stopped in order, started again, first delivery',
  fill: { ...SMALL_FILL, messages: 10_000_000 },
  usualPeer: 'leveret',
};
