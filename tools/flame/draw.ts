/** From recordings to the page. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { packageVersion } from '../../src/main/package-version.ts';
import { difference } from './difference.ts';
import { flamePage } from './flame-page.ts';
import type { FlameOptions } from './flame-options.ts';
import type { Frame } from './fold.ts';
import { readRecording, readThread, record } from './record.ts';

/** The page's name in its folder. */
const PAGE = 'flame.html';
const SUFFIX = '.cpuprofile';

export type Drawn = { readonly page: string; readonly problems: readonly string[] };

/** Records a running node and draws it. Answers where the page is, and which threads could not be profiled. Rejects with one sentence. */
export async function drawRecording(options: FlameOptions, signal?: AbortSignal): Promise<Drawn> {
  const threads = await record(options, signal);
  const problems = threads.flatMap((profiled) => ('problem' in profiled ? [`${profiled.thread} could not be profiled: ${profiled.problem}`] : []));
  if (problems.length === threads.length) throw new Error(problems.join('; '));
  const frames = readRecording(options.folder, threads);
  const about = `${new Date().toISOString()}, a look each ${options.intervalUs} us, leveret ${packageVersion()}, node ${process.version}`;
  return { page: write(options.folder, flamePage('Where the time goes', about, frames)), problems };
}

/** What changed from one recorded folder to another. Throws one sentence. */
export function drawDifference(before: string, after: string, folder: string): string {
  const earlier = readFolder(before);
  const pairs = [...readFolder(after)].flatMap(([thread, frame]) => {
    const other = earlier.get(thread);
    return other === undefined ? [] : [difference(other, frame)];
  });
  if (pairs.length === 0) throw new Error(`${before} and ${after} have no thread in common`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return write(folder, flamePage(`From ${basename(resolve(before))} to ${basename(resolve(after))}`, 'share of each thread\'s work', pairs));
}

/** By thread. */
function readFolder(folder: string): Map<string, Frame> {
  let files: string[];
  try {
    files = readdirSync(folder).filter((file) => file.endsWith(SUFFIX)).sort();
  } catch {
    throw new Error(`${folder} is no folder that can be read`);
  }
  if (files.length === 0) throw new Error(`${folder} has no ${SUFFIX} files; make it with leveret flame --out ${folder}`);
  return new Map(files.map((file) => [basename(file, SUFFIX), readThread(join(folder, file), basename(file, SUFFIX))]));
}

function write(folder: string, page: string): string {
  const path = join(resolve(folder), PAGE);
  writeFileSync(path, page, { mode: 0o600 });
  return path;
}
