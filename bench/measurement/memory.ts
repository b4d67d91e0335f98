/** What a broker costs while nothing happens. */
import { openIdleConnections } from '../client/idle-connections.ts';
import type { MemoryScenario } from '../scenario/scenario.ts';
import { settledRss } from './settled-memory.ts';
import type { Target } from './target.ts';

export type MemoryFigures = {
  readonly kind: 'memory';
  /** MB of 1,000,000 bytes. */
  readonly idleMb: number;
  /** Growth for each connection, KiB. */
  readonly connectionKib: number;
};

export async function measureMemory({ name, connections: count }: MemoryScenario, { url, pid }: Target): Promise<MemoryFigures> {
  if (pid === undefined) throw new Error(`${name} needs the process id of the broker`);
  const idleBytes = await settledRss(pid);
  const connections = await openIdleConnections(url, count);
  try {
    const busyBytes = await settledRss(pid);
    return { kind: 'memory', idleMb: idleBytes / 1e6, connectionKib: (busyBytes - idleBytes) / 1024 / count };
  } finally {
    for (const connection of connections) connection.drop();
  }
}
