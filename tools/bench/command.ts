/** `leveret bench`: what is needed to run it, and to explain it, is loaded when it is asked for. */
import type { Command } from '../../src/main/command/command.ts';

export const benchCommand: Command = {
  name: 'bench',
  summary: 'measure throughput and latency of this broker or of any other, with a report to look at',
  // PerfTest's -h is the address of the broker.
  helpFlags: ['--help', '-?'],
  help: async () => (await import('./run-command.ts')).BENCH_HELP,
  run: async (argv) => (await import('./run-command.ts')).runBenchCommand(argv),
};
