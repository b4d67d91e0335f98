/** `leveret chaos`: what is needed to run it is loaded when it is run. */
import { writeFile } from 'node:fs/promises';
import { randomInt } from 'node:crypto';
import { EXIT_FAILURE, EXIT_USAGE, complain } from '../../src/main/command/command.ts';
import type { Command } from '../../src/main/command/command.ts';
import { describeOptions, parseOptions } from '../../src/main/option.ts';
import { CHAOS_OPTIONS, configureChaos } from './chaos-options.ts';

const SEED_LIMIT = 0x7fff_ffff;

export const chaosCommand: Command = {
  name: 'chaos',
  summary: 'crash a broker under verified traffic, and judge what came of every message',
  help: () => `leveret chaos [options]

Starts a broker of its own, sends messages through it, lets its actors crash and its threads end, kills it with kill -9 and starts
it again; then reads all queues empty and tells what came of every message. Or watches a broker that runs: --url ... --faults none.

  Exit codes: 0 nothing was lost, unexpected, duplicated or disordered; 1 something was; 2 the command line was wrong.

${describeOptions(CHAOS_OPTIONS)}`,
  run: runCommand,
};

async function runCommand(argv: readonly string[]): Promise<number> {
  const parsed = parseOptions(CHAOS_OPTIONS, argv, process.env);
  const configured = parsed.kind === 'problem' ? { problem: parsed.text } : configureChaos(parsed.values, randomInt(SEED_LIMIT));
  if ('problem' in configured) {
    complain(`${configured.problem} See leveret chaos --help.`);
    return EXIT_USAGE;
  }
  const { options, json } = configured;
  const { runChaos } = await import('./run-chaos.ts');
  const { formatReport } = await import('./chaos-report.ts');
  const { progressLine } = await import('./progress-line.ts');
  process.stderr.write(`seed ${options.seed}\n`);
  const { isTTY } = process.stderr;
  const showLine = (line: string): void => void (isTTY && process.stderr.write(`\r\u001b[K${line.slice(0, (process.stderr.columns ?? 120) - 1)}`));
  try {
    const report = await runChaos({ ...options, signal: abortOnSignal(), watch: (progress) => showLine(progressLine(progress, options)) });
    showLine('');
    if (json === '-') process.stdout.write(`${JSON.stringify(report)}\n`);
    else process.stdout.write(formatReport(report));
    if (json !== undefined && json !== '-') await writeFile(json, `${JSON.stringify(report, undefined, 2)}\n`);
    return report.passed ? 0 : EXIT_FAILURE;
  } catch (error) {
    showLine('');
    complain(error instanceof Error ? error.message : String(error));
    return EXIT_FAILURE;
  }
}

/** The first Ctrl-C ends the faults, and what was sent is judged; a second one ends the process, and its broker with it. */
function abortOnSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
