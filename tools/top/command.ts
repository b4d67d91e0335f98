/** `leveret top`: what is needed to run it is loaded when it is run. */
import { EXIT_FAILURE, EXIT_USAGE, complain } from '../../src/main/command/command.ts';
import type { Command } from '../../src/main/command/command.ts';
import { describeOptions, parseOptions } from '../../src/main/option.ts';
import { TOP_OPTIONS, configureTop } from './top-options.ts';

export const topCommand: Command = {
  name: 'top',
  summary: 'watch a running node: threads, queues, connections, the store, who was restarted',
  help: () => `leveret top [options]

A dashboard of the node that runs in a data directory. Keys: 1 to 5 or Tab choose a page, s sorts by the next column, r turns the order
round, the arrows scroll, q ends it.

  --once                             print all pages once and end; so it does where there is no terminal
  --json                             the same as JSON, for scripts
${describeOptions(TOP_OPTIONS)}`,
  run: runCommand,
};

async function runCommand(argv: readonly string[]): Promise<number> {
  const parsed = parseOptions(TOP_OPTIONS, argv, process.env, ['--once', '--json']);
  const options = parsed.kind === 'problem' ? { problem: parsed.text } : configureTop(parsed.values);
  if ('problem' in options) {
    complain(`${options.problem} See leveret top --help.`);
    return EXIT_USAGE;
  }
  const { lookOnce, watch } = await import('./watch.ts');
  try {
    const isOnce = argv.includes('--once') || argv.includes('--json') || !process.stdin.isTTY || !process.stdout.isTTY;
    if (isOnce) process.stdout.write(await lookOnce(options, argv.includes('--json'), process.stdout.columns));
    else await watch(options, process.stdin, process.stdout);
    return 0;
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    return EXIT_FAILURE;
  }
}
