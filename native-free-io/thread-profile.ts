/**
 * A CPU profile of the thread that asks for it: V8 looks at its stack at a fixed interval. Until one is asked for, nothing of this is
 * loaded and nothing runs.
 */
import { writeFile } from 'node:fs/promises';
import type { Session } from 'node:inspector/promises';

/** Who may read a profile: its owner. It names files and functions. */
const FILE_MODE = 0o600;

export class ThreadProfile {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /** `intervalUs`: between two looks at the stack, microseconds. */
  static async start(intervalUs: number): Promise<ThreadProfile> {
    const { Session } = await import('node:inspector/promises');
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: intervalUs });
    await session.post('Profiler.start');
    return new ThreadProfile(session);
  }

  /** Writes what was seen, as a `.cpuprofile` that the developer tools of browsers open too. Rejects when the file cannot be written. */
  async finish(path: string): Promise<void> {
    const { profile } = await this.#session.post('Profiler.stop');
    this.#session.disconnect();
    await writeFile(path, JSON.stringify(profile), { mode: FILE_MODE, flag: 'wx' });
  }

  /** What was seen is of no use to anybody. */
  drop(): void {
    this.#session.disconnect();
  }
}
