/**
 * What a data directory holds, found out without changing anything in it, whether a node runs there or not. Nothing is locked but for a
 * moment, LMDB does not open the file, and what is read is read with the store's own readers.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OLDEST_SCHEMA_VERSION, SCHEMA_VERSION, lostFile } from '../../../native-free-io/file/data-directory.ts';
import { takeExclusiveLock } from '../../../native-free-io/file/exclusive-lock.ts';
import { checkLmdbFile } from '../../../native-free-io/lmdb/file-check.ts';
import { newestTransaction } from '../../../native-free-io/lmdb/file-entries.ts';
import { LmdbFileFault } from '../../../native-free-io/lmdb/page-file.ts';
import { isTimeline } from '../../broker/exchange/delayed-exchange.ts';
import { DEFINITION_KEYS } from '../../store/definition-key.ts';
import { readDefinitions } from '../../store/definitions.ts';
import { JournalFault } from '../../store/journal/journal-fault.ts';
import { StoreFormatError } from '../../store/store-record.ts';
import { STORE_FILE } from '../store-file.ts';
import { definitionPort } from '../stored-topology.ts';
import { type Definitions, listDefinitions } from './definition-lists.ts';
import { NOTHING_STORED, type StoredQueue, StoredQueues } from './stored-queues.ts';
import { type Unapplied, openUnapplied } from './unapplied.ts';

/** So often a store that a node writes meanwhile is read anew, until nothing was written between the first byte and the last. */
const ATTEMPTS_MAX = 5;

export type Inspection = {
  readonly directory: string;
  /** The data directory's version; see `native-free-io/file/data-directory.ts`. */
  readonly version: number;
  readonly state: 'running' | 'stopped in order' | 'not stopped in order' | 'never used';
  readonly fileBytes: number;
  readonly journal: Unapplied;
  /** Of the stored messages; null before anything was stored. */
  readonly format: number | null;
  /** A node wrote while it was read: figures are of different moments, and nothing can be said of damage. */
  readonly moving: boolean;
  /** What is damaged and belongs to no queue that is defined. */
  readonly faults: readonly string[];
  readonly definitions: Definitions;
  readonly stored: ReadonlyMap<number, StoredQueue>;
  readonly sharedSegments: number;
};

export type InspectionOutcome = { readonly inspection: Inspection; readonly queues: StoredQueues | undefined } | { readonly problem: string };

/** A problem is one sentence, without a full stop, on why nothing can be told. */
export function inspectDataDirectory(path: string): InspectionOutcome {
  const directory = resolve(path);
  const version = versionOf(directory);
  if (typeof version !== 'number') return version;
  const file = join(directory, STORE_FILE);
  const running = isHeld(directory);
  const lost = lostFile(directory);
  if (lost !== undefined) return { problem: withoutStop(lost) };
  if (!existsSync(file) || statSync(file).size === 0) return { inspection: emptyInspection(directory, version, running), queues: undefined };
  const check = running ? undefined : checkLmdbFile(file);
  if (check?.sound === false) return damagedFile(file, check.fault);
  try {
    for (let attempts = 1; ; attempts++) {
      const before = newestTransaction(file);
      const read = readStore(file, running);
      const moving = newestTransaction(file) !== before;
      if (moving && attempts < ATTEMPTS_MAX) continue;
      if ('problem' in read) return read;
      const { queues, definitions, faults, stored, journal } = read;
      const state = running ? 'running' : queues.clean ? 'stopped in order' : 'not stopped in order';
      const inspection = {
        directory,
        version,
        state,
        fileBytes: statSync(file).size,
        journal,
        format: queues.format,
        moving,
        faults: moving ? [] : faults,
        definitions,
        stored: running ? new Map([...stored].map(([id, queue]) => [id, ofRunning(queue, moving)])) : stored,
        sharedSegments: queues.sharedSegments,
      } as const;
      return { inspection, queues };
    }
  } catch (error) {
    if (error instanceof LmdbFileFault) return damagedFile(file, error.message);
    if (error instanceof JournalFault) return { problem: withoutStop(error.message) };
    throw error;
  }
}

type ReadStore = {
  readonly queues: StoredQueues;
  readonly definitions: Definitions;
  readonly faults: readonly string[];
  readonly stored: ReadonlyMap<number, StoredQueue>;
  readonly journal: Unapplied;
};

function readStore(file: string, running: boolean): ReadStore | { readonly problem: string } {
  const { disk, journal } = openUnapplied(file, running);
  const { events, faults } = readDefinitions(disk.entries(DEFINITION_KEYS.from, DEFINITION_KEYS.to), definitionPort);
  const definitions = listDefinitions(events);
  let queues: StoredQueues;
  try {
    queues = new StoredQueues(disk);
  } catch (error) {
    if (error instanceof StoreFormatError) return { problem: withoutStop(error.message) };
    throw error;
  }
  const stored = new Map<number, StoredQueue>(
    definitions.queues.map((queue) => [queue.id, isTimeline(queue) ? queues.examineTimeline(queue.id) : NOTHING_STORED]),
  );
  for (const id of queues.ids()) stored.set(id, queues.examine(id));
  const known = new Set(definitions.queues.map(({ id }) => id));
  const strays = queues.ids().filter((id) => !known.has(id));
  const told = strays.map((id) => `Messages are stored for a queue with the id ${id}, which is not defined${faults.length === 0 ? ': they go with the next start' : ''}.`);
  return { queues, definitions, faults: [...faults, ...queues.faults, ...told], stored, journal };
}

function ofRunning(queue: StoredQueue, moving: boolean): StoredQueue {
  return { ...queue, redelivered: null, damage: moving ? null : queue.damage };
}

function versionOf(directory: string): number | { readonly problem: string } {
  if (!existsSync(directory)) return { problem: `there is no directory ${directory}` };
  if (!statSync(directory).isDirectory()) return { problem: `${directory} is a file; give the data directory of a node` };
  const schema = join(directory, 'schema');
  if (!existsSync(schema)) return { problem: `${directory} is no data directory of Leveret: it has no file "schema"` };
  const text = readFileSync(schema, 'utf8').trim();
  if (!/^[0-9]{1,9}$/.test(text)) return { problem: `${schema} does not hold a version number` };
  const version = Number(text);
  if (version >= OLDEST_SCHEMA_VERSION && version <= SCHEMA_VERSION) return version;
  return { problem: `${directory} has version ${version}, and this Leveret reads versions ${OLDEST_SCHEMA_VERSION} to ${SCHEMA_VERSION}; inspect it with the one that wrote it` };
}

/** Whoever asks holds the lock for a moment; a node that starts just then waits longer than that. */
function isHeld(directory: string): boolean {
  const path = join(directory, 'lock');
  if (!existsSync(path)) return false;
  const lock = takeExclusiveLock(path);
  if (lock === 'held') return true;
  if (!(lock instanceof Error)) lock.release();
  return false;
}

function damagedFile(file: string, fault: string): { readonly problem: string } {
  return { problem: `${file} is damaged: ${withoutStop(fault)}; put back a copy of the data directory` };
}

function emptyInspection(directory: string, version: number, running: boolean): Inspection {
  return {
    directory,
    version,
    state: running ? 'running' : 'never used',
    fileBytes: 0,
    journal: null,
    format: null,
    moving: false,
    faults: [],
    definitions: listDefinitions([]),
    stored: new Map(),
    sharedSegments: 0,
  };
}

function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, '');
}
