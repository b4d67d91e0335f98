/** One verb of the command line. */
export type Command = {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Options that ask for the help text; `--help` and `-h` when absent. */
  readonly helpFlags?: readonly string[];
  /** The whole text of `leveret <name> --help`. */
  help(): string | Promise<string>;
  /** Runs with what follows the verb and answers the exit code; undefined while something keeps the process alive. */
  run(argv: readonly string[]): Promise<number | undefined>;
};

/** The command line was wrong; nothing was started. */
export const EXIT_USAGE = 2;
/** The command line was right, and it did not work. */
export const EXIT_FAILURE = 1;

/** One sentence on standard error. */
export function complain(sentence: string): void {
  process.stderr.write(`leveret: ${sentence}\n`);
}
