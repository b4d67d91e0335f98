/**
 * Command-line options as data: one table says the flag, the environment variables, the meaning and how a value is read; parsing
 * and the help text both follow from it. A flag beats the environment, the environment beats the default.
 */
export type Option = {
  /** Without dashes: `data-dir` is given as `--data-dir X` or `--data-dir=X`. Undefined: from the environment only. */
  readonly flag?: string;
  /** The first that is set and not empty counts. */
  readonly environment: readonly string[];
  /** The value's name in the help text, `PORT`. */
  readonly value: string;
  readonly meaning: string;
  /** Shown in the help text. */
  readonly fallback: string;
};

/** What was given, by the option's key; absent means: the default. `from` is the flag or variable, for error sentences. */
export type GivenValues<Key extends string> = Partial<Record<Key, { readonly text: string; readonly from: string }>>;

export type ParsedOptions<Key extends string> =
  | { readonly kind: 'problem'; readonly text: string }
  | { readonly kind: 'values'; readonly values: GivenValues<Key> };

export type OptionTable<Key extends string> = Readonly<Record<Key, Option>>;

/**
 * Reads `argv` (what follows the command's name) and the environment. Values are texts still. `switches`: flags that the command reads
 * itself, without a value where they still stand in `argv`.
 */
export function parseOptions<Key extends string>(
  table: OptionTable<Key>,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  switches: readonly string[] = [],
): ParsedOptions<Key> {
  const values = fromEnvironment(table, environment);
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? '';
    if (!argument.startsWith('--')) return problem(`unexpected argument "${argument}"; options begin with "--".`);
    if (switches.includes(argument)) continue;
    const [name = '', ...rest] = argument.slice(2).split('=');
    const key = keyOfFlag(table, name);
    if (key === undefined) return problem(unknownFlag(table, name, switches));
    const text = argument.includes('=') ? rest.join('=') : argv[++index];
    if (text === undefined || text === '' || (!argument.includes('=') && text.startsWith('--'))) {
      return problem(`--${name} needs a value: --${name} ${table[key].value}.`);
    }
    values[key] = { text, from: `--${name}` };
  }
  return { kind: 'values', values };
}

/** The help text's block of options, one or two lines each. */
export function describeOptions<Key extends string>(table: OptionTable<Key>): string {
  const entries = Object.values<Option>(table);
  return entries
    .map((option) => {
      const head = option.flag === undefined ? option.environment[0] : `--${option.flag} ${option.value}`;
      const variable = option.flag === undefined || option.environment[0] === undefined ? '' : `; also ${option.environment[0]}`;
      return `  ${String(head).padEnd(34)} ${option.meaning}\n${' '.repeat(37)}(default ${option.fallback}${variable})`;
    })
    .join('\n');
}

function fromEnvironment<Key extends string>(
  table: OptionTable<Key>,
  environment: Readonly<Record<string, string | undefined>>,
): GivenValues<Key> {
  const values: GivenValues<Key> = {};
  for (const key of keysOf(table)) {
    const from = table[key].environment.find((name) => (environment[name] ?? '') !== '');
    if (from !== undefined) values[key] = { text: environment[from] ?? '', from };
  }
  return values;
}

function keysOf<Key extends string>(table: OptionTable<Key>): Key[] {
  return Object.keys(table).filter((key): key is Key => Object.hasOwn(table, key));
}

function keyOfFlag<Key extends string>(table: OptionTable<Key>, name: string): Key | undefined {
  return keysOf(table).find((key) => table[key].flag === name);
}

function unknownFlag<Key extends string>(table: OptionTable<Key>, name: string, switches: readonly string[]): string {
  const flags = Object.values<Option>(table).flatMap((option) => (option.flag === undefined ? [] : [`--${option.flag}`]));
  const known = [...switches, ...flags];
  return known.length === 0
    ? `unknown option --${name}; this command takes none but --help.`
    : `unknown option --${name}; known are ${known.join(', ')} and --help.`;
}

function problem(text: string): { readonly kind: 'problem'; readonly text: string } {
  return { kind: 'problem', text };
}
