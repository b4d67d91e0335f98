/** Every workload, in the order in which they run: memory first, while the broker is fresh. */
import { automaticAck100b } from './automatic-ack-100b.ts';
import { automaticAck16b } from './automatic-ack-16b.ts';
import { automaticAck1kib } from './automatic-ack-1kib.ts';
import { automaticAck64kib } from './automatic-ack-64kib.ts';
import { bigBacklog } from './big-backlog.ts';
import { rejectDeadLetter, ttlDeadLetter } from './dead-letters.ts';
import { dropHead } from './drop-head.ts';
import { expiring } from './expiring.ts';
import { fanOut100b } from './fan-out-100b.ts';
import { fillAndDrain } from './fill-and-drain.ts';
import { idleMemory } from './idle-memory.ts';
import { manualAck100b } from './manual-ack-100b.ts';
import { persistentConfirms100b } from './persistent-confirms-100b.ts';
import { persistentConfirms1kib } from './persistent-confirms-1kib.ts';
import { priorities } from './priorities.ts';
import { restartWithMillion } from './restart-with-million.ts';
import type { Scenario } from './scenario.ts';
import { singleConfirm } from './single-confirm.ts';
import { smallPrefetch100b } from './small-prefetch-100b.ts';
import { busyLatency, steadyLatency } from './steady-latency.ts';
import { tenQueues100b } from './ten-queues-100b.ts';
import { thousandQueues } from './thousand-queues.ts';

export const SCENARIOS: readonly Scenario[] = [
  idleMemory,
  steadyLatency,
  busyLatency,
  automaticAck16b,
  automaticAck100b,
  manualAck100b,
  smallPrefetch100b,
  automaticAck1kib,
  automaticAck64kib,
  tenQueues100b,
  fanOut100b,
  thousandQueues,
  persistentConfirms100b,
  persistentConfirms1kib,
  priorities,
  dropHead,
  ttlDeadLetter,
  rejectDeadLetter,
  expiring,
  singleConfirm,
  fillAndDrain,
  restartWithMillion,
  bigBacklog,
];

/** What a workload may be asked for by: its own name, and that of its second half. */
export function namesOf(scenario: Scenario): string[] {
  return scenario.kind === 'backlog' ? [scenario.name, scenario.drainName] : [scenario.name];
}

/** The workloads of these names, in the catalogue's order; all for an empty list. Throws a RangeError for an unknown name. */
export function scenariosNamed(names: readonly string[]): Scenario[] {
  const known = SCENARIOS.flatMap(namesOf);
  for (const name of names) {
    if (!known.includes(name)) throw new RangeError(`no scenario is called ${name}; there are ${known.join(', ')}`);
  }
  return SCENARIOS.filter((scenario) => names.length === 0 || namesOf(scenario).some((name) => names.includes(name)));
}

/** The workload with another number of messages, where it has one. */
export function resized(scenario: Scenario, messages: number): Scenario {
  if (scenario.kind !== 'backlog' && scenario.kind !== 'restart' && scenario.kind !== 'expiring' && scenario.kind !== 'dead-letter') return scenario;
  return { ...scenario, fill: { ...scenario.fill, messages } };
}
