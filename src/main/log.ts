/**
 * The log: JSON lines into files and pipes, readable lines on a terminal, and no secret in either.
 *
 * It goes to standard error, so that standard output holds the banner alone.
 */
import { isatty } from 'node:tty';
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { terminalLine } from './terminal-line.ts';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const STANDARD_ERROR = 2;
/** Lines that a stalled reader has not taken yet are dropped above this, bytes: the log may never hold up or fill the broker. */
const LOG_BACKLOG_SIZE_MAX = 4_194_304;
const CENSOR = '[redacted]';
/** Field names whose values never reach the log, at the top of a record and two levels below. */
const SECRET_FIELDS = ['password', 'passwordHash', 'passphrase', 'secret', 'newSecret', 'token', 'authorization', 'cookie', 'response', 'credentials'];
const REDACTED_PATHS = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
const FATAL_LINE = '{"level":"fatal"';
const ERROR_LINE = /^\{"level":"(?:error|fatal)"/;
/** `amqp://user:password@host` inside any text, a JSON string included. */
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/"\\]*):[^\s@/"\\]*@/gi;

/** A text without the passwords of the URLs in it. */
export function withoutUrlPasswords(text: string): string {
  return text.replace(URL_PASSWORD, `$1:${CENSOR}@`);
}

/** A log whose errors others hear, too. */
export type WatchedLog = { readonly log: Logger; readonly watchers: Set<(line: string) => void> };

/** Like `createLog`; errors reach watchers, a line of JSON each, also when the log itself is silent. */
export function createWatchedLog(level: LogLevel): WatchedLog {
  const watchers = new Set<(line: string) => void>();
  const isQuiet = level === 'silent' || level === 'fatal';
  const own = level === 'silent' ? undefined : standardError();
  const write = (line: string): void => {
    if (level !== 'fatal' || line.startsWith(FATAL_LINE)) own?.write(line);
    if (watchers.size > 0 && ERROR_LINE.test(line)) for (const watcher of watchers) watcher(line);
  };
  return { log: createLog(isQuiet ? 'error' : level, { write }), watchers };
}

/** The log of a process. `destination` is for tests; without it, standard error. */
export function createLog(level: LogLevel, destination: DestinationStream = standardError()): Logger {
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED_PATHS, censor: CENSOR },
      hooks: { streamWrite: withoutUrlPasswords },
    },
    destination,
  );
}

function standardError(): DestinationStream {
  if (isatty(STANDARD_ERROR)) return { write: (line: string) => void process.stderr.write(terminalLine(line)) };
  return pino.destination({ fd: STANDARD_ERROR, sync: false, maxLength: LOG_BACKLOG_SIZE_MAX });
}
