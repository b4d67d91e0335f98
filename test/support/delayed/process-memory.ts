/** What a process has in memory, as Linux tells it. */
import { readFileSync } from 'node:fs';

export type ProcessMemory = {
  /** Memory of its own, shared among its threads: RssAnon, bytes. */
  readonly anonBytes: number;
  /** Pages of mapped files, the database's among them, which the system takes back at need: RssFile, bytes. */
  readonly fileBytes: number;
};

export function processMemory(pid: number): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const bytes = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return { anonBytes: bytes('RssAnon'), fileBytes: bytes('RssFile') };
}

/** Looks at a process now and then, and keeps the largest figures. */
export class MemoryWatch {
  readonly first: ProcessMemory;
  last: ProcessMemory;
  anonMaxBytes: number;
  fileMaxBytes: number;
  sumMaxBytes: number;
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number, everyMs: number) {
    this.first = this.last = processMemory(pid);
    this.anonMaxBytes = this.first.anonBytes;
    this.fileMaxBytes = this.first.fileBytes;
    this.sumMaxBytes = this.anonMaxBytes + this.fileMaxBytes;
    // A test that fails before `end` still ends.
    this.#timer = setInterval(() => this.#look(pid), everyMs).unref();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  /** One line, in MB, beside the first look. */
  get text(): string {
    const { anonBytes, fileBytes } = this.first;
    const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);
    const grown = (to: number, from: number): string => `${mb(from)} -> at most ${mb(to)} (+${mb(to - from)})`;
    return (
      `RssAnon ${grown(this.anonMaxBytes, anonBytes)}, RssFile ${grown(this.fileMaxBytes, fileBytes)}, ` +
      `both ${grown(this.sumMaxBytes, anonBytes + fileBytes)} MB; at the end ${mb(this.last.anonBytes)} and ${mb(this.last.fileBytes)}`
    );
  }

  #look(pid: number): void {
    try {
      this.last = processMemory(pid);
    } catch {
      // It has ended.
      return;
    }
    const { anonBytes, fileBytes } = this.last;
    this.anonMaxBytes = Math.max(this.anonMaxBytes, anonBytes);
    this.fileMaxBytes = Math.max(this.fileMaxBytes, fileBytes);
    this.sumMaxBytes = Math.max(this.sumMaxBytes, anonBytes + fileBytes);
  }
}
