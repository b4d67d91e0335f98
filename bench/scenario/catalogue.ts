/** Every workload, in the order in which they run: memory first, while the broker is fresh. */
import { automaticAck100b } from './automatic-ack-100b.ts';
import { automaticAck1kib } from './automatic-ack-1kib.ts';
import { automaticAck64kib } from './automatic-ack-64kib.ts';
import { idleMemory } from './idle-memory.ts';
import { manualAck100b } from './manual-ack-100b.ts';
import { persistentConfirms100b } from './persistent-confirms-100b.ts';
import { persistentConfirms1kib } from './persistent-confirms-1kib.ts';
import type { Scenario } from './scenario.ts';
import { steadyLatency } from './steady-latency.ts';
import { tenQueues100b } from './ten-queues-100b.ts';

export const SCENARIOS: readonly Scenario[] = [
  idleMemory,
  steadyLatency,
  automaticAck100b,
  manualAck100b,
  automaticAck1kib,
  automaticAck64kib,
  tenQueues100b,
  persistentConfirms100b,
  persistentConfirms1kib,
];

/** The workloads of these names, in the catalogue's order; all for an empty list. Throws a RangeError for an unknown name. */
export function scenariosNamed(names: readonly string[]): Scenario[] {
  const known = SCENARIOS.map(({ name }) => name);
  for (const name of names) {
    if (!known.includes(name)) throw new RangeError(`no scenario is called ${name}; there are ${known.join(', ')}`);
  }
  return SCENARIOS.filter(({ name }) => names.length === 0 || names.includes(name));
}
