import { type MemoryScenario } from './scenario.ts';

/** What a broker costs while nothing happens: first alone, then with 5,000 connections of one channel each. */
export const idleMemory: MemoryScenario = {
  kind: 'memory',
  name: 'memory',
  title: 'RSS idle; each of 5,000 idle connections with one channel',
  connections: 5_000,
  idleAtMostMb: 120,
  connectionAtMostKib: 40,
};
