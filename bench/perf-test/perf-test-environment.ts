/**
 * PerfTest's options as environment variables, for containers: the long name in capitals, dashes as underscores, behind a prefix if
 * RABBITMQ_PERF_TEST_ENV_PREFIX names one. A variable is stronger than the command line, as it is with PerfTest.
 */
import { FLAGS, FLAG_NAMES, refusal, type Flag, type FlagName, type GivenFlags } from './perf-test-flags.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX_VARIABLE = 'RABBITMQ_PERF_TEST_ENV_PREFIX';
/** Where nothing is given on the command line and there is no prefix, only these say that PerfTest is meant: TIME or TYPE may be there for others. */
const SIGNS: readonly FlagName[] = ['uri', 'uris'];

function prefixIn(environment: Environment): string {
  const prefix = (environment[PREFIX_VARIABLE] ?? '').trim();
  return prefix === '' || prefix.endsWith('_') ? prefix : `${prefix}_`;
}

function variableOf(name: FlagName, prefix: string): string {
  return prefix + FLAGS[name].long.replaceAll('-', '_').toUpperCase();
}

/** Without an option of PerfTest's on the command line: whether the environment asks for a run of PerfTest's. */
export function isMeant(environment: Environment): boolean {
  const prefix = prefixIn(environment);
  return (prefix === '' ? SIGNS : FLAG_NAMES).some((name) => environment[variableOf(name, prefix)] !== undefined);
}

/** The options of the command line and those of the environment, and the variables that were read. */
export function withEnvironment(given: GivenFlags, environment: Environment): { readonly given: GivenFlags; readonly variables: readonly string[] } | { readonly problem: string } {
  const all: GivenFlags = { ...given };
  const variables: string[] = [];
  const prefix = prefixIn(environment);
  for (const name of FLAG_NAMES) {
    const { takes, standing }: Flag = FLAGS[name];
    const variable = variableOf(name, prefix);
    const value = environment[variable];
    if (value === undefined || standing === 'asks') continue;
    const isOff = takes === 'none' && value.toLowerCase() !== 'true';
    if (standing === 'refused' && !isOff) return { problem: refusal(variable, name) };
    variables.push(variable);
    if (isOff) delete all[name];
    else all[name] = takes === 'none' ? [] : takes === 'many' ? value.split(',') : [value];
  }
  return { given: all, variables };
}

/** The answer to `--environment-variables`. */
export function describeVariables(environment: Environment): string {
  const prefix = prefixIn(environment);
  const shown = FLAG_NAMES.filter((name) => (FLAGS[name] as Flag).standing === undefined);
  return shown.map((name) => `${variableOf(name, prefix).padEnd(34)} ${FLAGS[name].meaning}${FLAGS[name].takes === 'none' ? ' (true or false)' : ''}`).join('\n');
}
