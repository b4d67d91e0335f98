import { SMALL_FILL, type ExpiringScenario } from './scenario.ts';

/** Old news: a million messages whose time has passed behind one that has time, and then that one is taken. */
export const expiring: ExpiringScenario = {
  kind: 'expiring',
  name: 'expiring',
  title: '1 M x 100 B with an expiration that has passed, behind one message that has not: how fast they go',
  fill: { ...SMALL_FILL, persistent: false, properties: { expiration: '1' } },
  ratioAtLeast: 5,
};
