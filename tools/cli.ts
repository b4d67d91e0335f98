/** The whole command line: the broker's own commands, and the tools beside it. */
import { COMMANDS, main as runMain } from '../src/main/cli.ts';
import { benchCommand } from './bench/command.ts';
import { chaosCommand } from './chaos/command.ts';
import { flameCommand } from './flame/command.ts';
import { topCommand } from './top/command.ts';

export function main(argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  return runMain(argv, [...COMMANDS, benchCommand, chaosCommand, flameCommand, topCommand]);
}
