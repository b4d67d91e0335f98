/**
 * The durable part of the topology as records of the store: what events change there, and what a new process finds.
 *
 * Ids of queues are never given twice, because messages are kept under them and those of a deleted queue may outlive it for a while.
 * A record therefore says how far ids may have been given out; it is written in steps, before an id of the next step is seen.
 */
import type { Buffer } from 'node:buffer';
import { isDurable, type TopologyEvent } from '../broker/topology/topology-event.ts';
import { DefinitionFormError } from './definition-bytes.ts';
import { DefinitionCheck, describeDefinition } from './definition-check.ts';
import { type Definition, type DefinitionPort, keyOf, kindName } from './definition-key.ts';
import { guessDefinition, readDefinition, valueOf } from './definition-record.ts';
import type { DiskChange, DiskEntry } from './port.ts';

/** Ids of queues that one record reserves. A start goes on above them, so this many may go unused each time. */
export const QUEUE_ID_STEP = 1_000;
/** Faults that a refusal to start spells out. */
const FAULTS_TOLD_MAX = 20;

/** What events change in the store, in their order. Events that nothing durable follows from change nothing. */
export function definitionChanges(events: readonly TopologyEvent[], port: DefinitionPort): readonly DiskChange[] {
  return events.filter(isDurable).map((event) => changeOf(event, port));
}

/** Reserves the ids of queues up to `through`. */
export function reserveQueueIds(through: number, port: DefinitionPort): DiskChange {
  return changeOf({ type: 'queue-ids', through }, port);
}

function changeOf(definition: Definition, port: DefinitionPort): DiskChange {
  const key = keyOf(definition, port);
  return { key, value: valueOf(definition, key, port) };
}

export type ReadDefinitions = {
  /** In an order that `Topology.restore` takes. Queues have no place as yet: `placeQueues` gives them one. */
  readonly events: readonly TopologyEvent[];
  /** No queue ever had a higher id: for `Topology.restore`. */
  readonly lastQueueId: number;
  /** A sentence for each record that cannot be used, and for each that misses another. None: all is well. */
  readonly faults: readonly string[];
};

/**
 * Reads every definition. Damage never throws and never hides the rest: what is sound is in `events`, the rest in `faults`; whether
 * a node may start without it is the caller's to decide (it should not: see `refusalToStart`).
 */
export function readDefinitions(entries: Iterable<DiskEntry>, port: DefinitionPort): ReadDefinitions {
  const check = new DefinitionCheck();
  for (const { key, value } of entries) {
    const kind = kindName(key);
    if (kind === undefined) {
      check.faults.push(`A record stands under the key ${key.toString('hex')}, which no definition has.`);
      continue;
    }
    try {
      check.add(readDefinition(key, value, port));
    } catch (error) {
      if (!(error instanceof DefinitionFormError)) throw error;
      check.faults.push(`The record of ${kind} (${key.toString('hex', 0, 8)}) is damaged: ${error.message}.${guessAt(key, value)}`);
    }
  }
  return check.result();
}

function guessAt(key: Buffer, value: Buffer): string {
  const guess = guessDefinition(key, value);
  return guess === undefined || guess.type === 'queue-ids' ? '' : ` It seems to be ${describeDefinition(guess)}.`;
}

/** What to tell whoever starts a node whose definitions have faults. */
export function refusalToStart(faults: readonly string[]): string {
  const told = faults.slice(0, FAULTS_TOLD_MAX).map((fault) => `  - ${fault}`);
  if (faults.length > FAULTS_TOLD_MAX) told.push(`  - and ${faults.length - FAULTS_TOLD_MAX} more`);
  return [
    'the definitions in the data directory are damaged, and a node that started without them would lose queues and their messages:',
    ...told,
    'Nothing was changed. Put a copy of the data directory in its place, or start with another one (--data-dir) and declare anew;',
    'if the device is failing, copy the directory away first.',
  ].join('\n');
}
