/** The command line's entry: finds the verb and hands over. Everything a verb needs is loaded when that verb is used. */
import { packageVersion } from './package-version.ts';
import { EXIT_FAILURE, EXIT_USAGE, complain } from './command/command.ts';
import { inspectCommand } from './command/inspect.ts';
import { restartQueueCommand } from './command/restart-queue.ts';
import { startCommand } from './command/start.ts';
import { treeCommand } from './command/tree.ts';
import type { Command } from './command/command.ts';

/** What the broker's own program can do; `tools/cli.ts` knows more. */
export const COMMANDS: readonly Command[] = [startCommand(async () => (await import('./compose.ts')).startNode), treeCommand, inspectCommand, restartQueueCommand];

const HELP_FLAGS = ['--help', '-h'];

/** Runs `argv` (without the two paths that Node puts first) and sets the exit code; a running broker keeps the process alive. */
export async function main(argv: readonly string[] = process.argv.slice(2), commands: readonly Command[] = COMMANDS): Promise<void> {
  try {
    const code = await dispatch(argv, commands);
    if (code !== undefined) process.exitCode = code;
  } catch (error) {
    complain(`this should not happen, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exit(EXIT_FAILURE);
  }
}

function dispatch(argv: readonly string[], commands: readonly Command[]): Promise<number | undefined> | number {
  const [verb, ...rest] = argv;
  if (verb === '--version' || verb === '-v') return say(packageVersion());
  if (verb === undefined) {
    complain(`say what to do: ${commands.map((command) => command.name).join(', ')}. See leveret --help.`);
    return EXIT_USAGE;
  }
  if (verb === 'help' || verb === '--help' || verb === '-h') return helpOn(rest[0], commands);
  const command = find(verb, commands);
  if (command === undefined) return unknownVerb(verb, commands);
  const { helpFlags = HELP_FLAGS } = command;
  return helpFlags.some((flag) => rest.includes(flag)) ? sayHelp(command) : command.run(rest);
}

function helpOn(verb: string | undefined, commands: readonly Command[]): Promise<number> | number {
  if (verb === undefined) return say(overview(commands));
  const command = find(verb, commands);
  return command === undefined ? unknownVerb(verb, commands) : sayHelp(command);
}

function sayHelp(command: Command): Promise<number> | number {
  const text = command.help();
  return typeof text === 'string' ? say(text) : text.then(say);
}

function overview(commands: readonly Command[]): string {
  const lines = commands.map((command) => `  ${command.name.padEnd(14)} ${command.summary}`);
  return `Leveret ${packageVersion()}, a message broker for RabbitMQ's clients (AMQP 0-9-1)

leveret <command> [options]

${lines.join('\n')}

  leveret <command> --help   the command's options
  leveret --version          the version`;
}

function find(verb: string, commands: readonly Command[]): Command | undefined {
  return commands.find((command) => command.name === verb);
}

function unknownVerb(verb: string, commands: readonly Command[]): number {
  const what = verb.startsWith('-') ? 'option' : 'command';
  complain(`unknown ${what} "${verb}"; commands are ${commands.map((command) => command.name).join(', ')}. See leveret --help.`);
  return EXIT_USAGE;
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
