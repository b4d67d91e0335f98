/**
 * CPU profiles of all threads of a node over the same time, for `leveret flame`. Each thread looks at itself and writes its own file: a
 * profile is megabytes, and has no business in rings and mailboxes.
 */
import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { ThreadProfile } from '../../native-free-io/thread-profile.ts';

export type ProfileOrder =
  | { readonly type: 'start'; readonly intervalUs: number }
  /** To a file that does not exist yet. */
  | { readonly type: 'finish'; readonly path: string }
  | { readonly type: 'drop' };

/** What a thread is sent: the order, and where the answer goes. A thread that ends closes its end of the port. */
export type ProfileMessage = { readonly type: 'profile'; readonly order: ProfileOrder; readonly reply: MessagePort };

/** One line on why it was not done; undefined: it was. */
type ProfileReply = string | undefined;

/** A profile that nobody fetches is dropped after this time, ms. */
export const PROFILE_MS_MAX = 600_000;
export const PROFILE_INTERVAL_US = { least: 50, most: 100_000 } as const;

/** On each thread: the profile that runs there. */
export class OwnProfile {
  #running: ThreadProfile | undefined = undefined;

  async carryOut(order: ProfileOrder): Promise<ProfileReply> {
    const running = this.#running;
    try {
      switch (order.type) {
        case 'start':
          running?.drop();
          this.#running = undefined;
          this.#running = await ThreadProfile.start(order.intervalUs);
          return undefined;
        case 'finish':
          this.#running = undefined;
          await running?.finish(order.path);
          return running === undefined ? 'the thread was started anew meanwhile' : undefined;
        case 'drop':
          this.#running = undefined;
          running?.drop();
          return undefined;
      }
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async answer({ order, reply }: ProfileMessage): Promise<void> {
    reply.postMessage(await this.carryOut(order));
    reply.close();
  }
}

/** How the main thread reaches the others. */
export interface ProfilingHost {
  /** Names of the threads that run now, besides the main thread. */
  profiledThreads(): readonly string[];
  postProfile(thread: string, message: ProfileMessage): void;
}

/** What came of a thread's profile: its file in the folder, or why there is none. */
export type ProfiledThread = { readonly thread: string } & ({ readonly file: string } | { readonly problem: string });

export class Profiling {
  readonly #host: ProfilingHost;
  readonly #own = new OwnProfile();
  #threads: readonly string[] = [];
  #forgotten: NodeJS.Timeout | undefined = undefined;

  constructor(host: ProfilingHost) {
    this.#host = host;
  }

  /** On all threads. One that runs already is dropped. Rejects when a thread cannot. */
  async start(intervalUs: number): Promise<void> {
    this.#end();
    const threads = ['main', ...this.#host.profiledThreads()];
    this.#threads = threads;
    this.#forgotten = setTimeout(() => this.drop(), PROFILE_MS_MAX).unref();
    const replies = await Promise.all(threads.map((thread) => this.#order(thread, { type: 'start', intervalUs })));
    const problem = replies.find((reply) => reply !== undefined);
    if (problem !== undefined) throw new Error(problem);
  }

  /** Writes one file a thread into `folder`. Rejects when none was started. */
  async finish(folder: string): Promise<readonly ProfiledThread[]> {
    const threads = this.#threads;
    if (threads.length === 0) throw new Error('no profile was started');
    this.#end();
    return Promise.all(
      threads.map(async (thread) => {
        const file = `${thread}.cpuprofile`;
        const problem = await this.#order(thread, { type: 'finish', path: join(folder, file) });
        return problem === undefined ? { thread, file } : { thread, problem };
      }),
    );
  }

  drop(): void {
    for (const thread of this.#threads) void this.#order(thread, { type: 'drop' });
    this.#end();
  }

  #end(): void {
    clearTimeout(this.#forgotten);
    this.#threads = [];
  }

  #order(thread: string, order: ProfileOrder): Promise<ProfileReply> {
    if (thread === 'main') return this.#own.carryOut(order);
    if (!this.#host.profiledThreads().includes(thread)) return Promise.resolve('the thread was lost');
    const { port1, port2 } = new MessageChannel();
    return new Promise((resolve) => {
      port1.on('message', (reply: ProfileReply) => {
        resolve(reply);
        port1.close();
      });
      port1.on('close', () => resolve('the thread was lost'));
      this.#host.postProfile(thread, { type: 'profile', order, reply: port2 });
    });
  }
}
