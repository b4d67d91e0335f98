/** Reads databases in a process that may die of them, and says how it went. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { EntryDigest } from './numbered-commits.ts';

const READER = join(import.meta.dirname, 'image-reader.ts');
/** Longer than any database of these tests takes. */
const READING_MS = 30_000;

export type Reading = { readonly entries: readonly EntryDigest[] } | { readonly refused: string } | { readonly ended: string };

export class ImageReading {
  #child: ChildProcess | undefined;
  #answered: ((answer: Reading) => void) | undefined;

  /** One at a time. */
  async read(path: string): Promise<Reading> {
    const child = (this.#child ??= this.#start());
    const answer = new Promise<Reading>((resolve) => (this.#answered = resolve));
    child.stdin!.write(`${path}\n`);
    const timer = setTimeout(() => child.kill('SIGKILL'), READING_MS);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#child?.stdin!.end();
  }

  #start(): ChildProcess {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', READER], { stdio: ['pipe', 'pipe', 'ignore'] });
    createInterface({ input: child.stdout }).on('line', (line) => this.#answered?.(JSON.parse(line) as Reading));
    child.on('close', (code, signal) => {
      this.#child = undefined;
      this.#answered?.({ ended: `the reader ended with ${signal ?? code}` });
    });
    return child;
  }
}
