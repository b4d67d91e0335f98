/** `leveret flame`: what is needed to run it is loaded when it is run. */
import { EXIT_FAILURE, EXIT_USAGE, complain } from '../../src/main/command/command.ts';
import type { Command } from '../../src/main/command/command.ts';
import { describeOptions, parseOptions } from '../../src/main/option.ts';
import { FLAME_OPTIONS, type FlameOptions, configureFlame } from './flame-options.ts';

export const flameCommand: Command = {
  name: 'flame',
  summary: 'profile every thread of a running node, and draw where the time goes',
  help: () => `leveret flame [options]
leveret flame --diff FOLDER FOLDER [--out FOLDER]

Looks at the stacks of all threads of a running node for some seconds, and writes a page with a flame graph of each thread and the
profiles it is made from (.cpuprofile, which the developer tools of browsers open too). With --diff: what changed from the first to
the second of two such folders.

  --diff FOLDER FOLDER               compare two recordings instead of making one
${describeOptions(FLAME_OPTIONS)}`,
  run: runCommand,
};

async function runCommand(argv: readonly string[]): Promise<number> {
  const diff = argv.indexOf('--diff');
  const folders = diff < 0 ? [] : argv.slice(diff + 1, diff + 3);
  if (diff >= 0 && (folders.length < 2 || folders.some((folder) => folder.startsWith('--')))) return refuse('--diff needs two folders.');
  if (argv.lastIndexOf('--diff') !== diff) return refuse('--diff was given twice.');
  const parsed = parseOptions(FLAME_OPTIONS, diff < 0 ? argv : [...argv.slice(0, diff), ...argv.slice(diff + 3)], process.env, ['--diff']);
  if (parsed.kind === 'problem') return refuse(parsed.text);
  const options = configureFlame(parsed.values, new Date());
  if ('problem' in options) return refuse(options.problem);
  try {
    const { drawDifference, drawRecording } = await import('./draw.ts');
    const [before, after] = folders;
    const page = before === undefined || after === undefined ? await drawLive(options, drawRecording) : drawDifference(before, after, options.folder);
    process.stdout.write(`${page}\n`);
    return 0;
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    return EXIT_FAILURE;
  }
}

type Draw = (options: FlameOptions, signal: AbortSignal) => Promise<{ readonly page: string; readonly problems: readonly string[] }>;

async function drawLive(options: FlameOptions, drawRecording: Draw): Promise<string> {
  process.stderr.write(`looking at the node in ${options.dataDir} for ${options.seconds} s ...\n`);
  const { page, problems } = await drawRecording(options, endedBySignal());
  for (const problem of problems) complain(problem);
  return page;
}

function refuse(problem: string): number {
  complain(`${problem} See leveret flame --help.`);
  return EXIT_USAGE;
}

/** Ctrl-C ends the recording early, and what was seen is drawn. */
function endedBySignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
