import { formatBanner } from '../banner.ts';
import { systemClock } from '../../../native-free-io/clock.ts';
import { startHeldNode } from '../held-node.ts';
import { createLog } from '../log.ts';
import { usableMemoryBytes } from '../node-defaults.ts';
import { endWithNpxShell } from '../npx-shell.ts';
import { describeOptions, parseOptions } from '../option.ts';
import { packageVersion } from '../package-version.ts';
import { closeOnSignals, thisProcess } from '../shutdown.ts';
import { START_OPTIONS, configureNode } from '../start-options.ts';
import { collectStartingGarbage } from '../starting-garbage.ts';
import { EXIT_FAILURE, EXIT_USAGE, complain } from './command.ts';
import type { StartNode } from '../held-node.ts';
import type { Logger } from '../log.ts';
import type { Command } from './command.ts';

/** `leveret start`: runs a node until a signal ends it. `loadNode` brings the core only when it is needed. */
export function startCommand(loadNode: () => Promise<StartNode>): Command {
  return {
    name: 'start',
    summary: 'run a broker',
    help: () => `leveret start [options]\n\nRuns a broker until SIGINT or SIGTERM.\n\n${describeOptions(START_OPTIONS)}`,
    run: (argv) => runStart(argv, loadNode),
  };
}

async function runStart(argv: readonly string[], loadNode: () => Promise<StartNode>): Promise<number | undefined> {
  const parsed = parseOptions(START_OPTIONS, argv, process.env);
  if (parsed.kind === 'problem') return refuseUsage(parsed.text);
  const configured = configureNode(parsed.values, usableMemoryBytes());
  if ('problem' in configured) return refuseUsage(configured.problem);
  const { config } = configured;

  const log = createLog(config.logLevel);
  endOnUncaught(log);
  const started = await startHeldNode(config, log, await loadNode());
  if ('problem' in started) {
    complain(started.problem);
    return EXIT_FAILURE;
  }
  const { node } = started;
  closeOnSignals(thisProcess, (reason) => node.close(reason), log);
  endWithNpxShell(process.env);
  const { url, dataDir, schedulers } = node;
  announce(formatBanner({ version: packageVersion(), url, dataDir, schedulers, durability: config.durability }));
  collectStartingGarbage(systemClock);
  return undefined;
}

function refuseUsage(sentence: string): number {
  complain(`${sentence} See leveret start --help.`);
  return EXIT_USAGE;
}

/** A reader of the banner that goes away early is no reason to stop serving. */
function announce(banner: string): void {
  process.stdout.on('error', () => undefined);
  process.stdout.write(banner);
}

/** What no supervisor caught is our fault and leaves the node in an unknown state: it says so and ends. */
function endOnUncaught(log: Logger): void {
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a broken invariant reached the process');
    process.exit(EXIT_FAILURE);
  });
}
