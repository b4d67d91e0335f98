import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

/** A program under test, with what it has written so far. */
export type Child = {
  readonly process: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves when the text has appeared in standard output or standard error; rejects when the program ends before. */
  said(text: string): Promise<void>;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
};

/** Starts a program and watches it. `environment` is added to this process's own. */
export function startChild(command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}, cwd = process.cwd()): Child {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment }, cwd });
  let stdout = '';
  let stderr = '';
  const changed = new Set<() => void>();
  const tell = (): void => changed.forEach((check) => check());
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    tell();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    tell();
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ?? code ?? -1));
  });
  return {
    process: child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    said: (text) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (stdout.includes(text) || stderr.includes(text)) resolve();
        };
        changed.add(check);
        check();
        void ended.then((how) => reject(new Error(`ended with ${how} before saying "${text}":\n${stdout}${stderr}`)), reject);
      }),
  };
}
