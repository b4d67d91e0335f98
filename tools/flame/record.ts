/** A profile of a running node: every thread over the same time, as files in a folder. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { askNode } from '../../src/main/ask-node.ts';
import type { ProfiledThread } from '../../src/main/profiling.ts';
import { readCpuProfile } from './cpu-profile.ts';
import { type Frame, fold } from './fold.ts';

/** The node whose data directory is `dataDir`; the folder is made, for its owner alone. Times in the unit of their names. */
export type Recording = { readonly dataDir: string; readonly folder: string; readonly seconds: number; readonly intervalUs: number };

/** Rejects with one sentence, and a folder that it made is gone again. `signal` ends the recording early, and what was seen counts. */
export async function record({ dataDir, folder, seconds, intervalUs }: Recording, signal?: AbortSignal): Promise<readonly ProfiledThread[]> {
  const absolute = resolve(folder);
  const isNew = mkdirSync(absolute, { recursive: true, mode: 0o700 }) !== undefined;
  try {
    await ask(dataDir, 'profile start', { intervalUs });
    await sleep(seconds * 1000, undefined, signal === undefined ? {} : { signal }).catch(() => {});
    return (await ask(dataDir, 'profile finish', { folder: absolute })) as readonly ProfiledThread[];
  } catch (error) {
    // The profiles of some threads would pass for those of all.
    if (isNew) rmSync(absolute, { recursive: true, force: true });
    throw error;
  }
}

/** The threads that were recorded into a folder, by name. Throws one sentence. */
export function readRecording(folder: string, threads: readonly ProfiledThread[]): Frame[] {
  return threads.flatMap((profiled) => ('file' in profiled ? [readThread(join(folder, profiled.file), profiled.thread)] : []));
}

/** Throws one sentence when there is no such profile. */
export function readThread(path: string, thread: string): Frame {
  try {
    return fold(readCpuProfile(readFileSync(path, 'utf8')), thread);
  } catch (error) {
    throw new Error(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

async function ask(dataDir: string, what: string, fields: Readonly<Record<string, unknown>>): Promise<unknown> {
  const reply = await askNode(dataDir, what, fields);
  if ('problem' in reply) throw new Error(reply.problem);
  return reply.answer;
}
