/** The conductor's handle on a forked side: an order out, the matching notice back. */
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Notice, Order } from './orders.ts';

const SIDE_FILE = join(import.meta.dirname, 'side.ts');

type NoticeOf<Kind extends Notice['kind']> = Extract<Notice, { kind: Kind }>;

export class SideProcess {
  readonly #child: ChildProcess;
  readonly #name: string;
  /** Notices that came before anyone waited for them; at most one of each kind is under way. */
  readonly #early: Notice[] = [];
  #waiting: { readonly kind: string; readonly take: (notice: Notice) => void; readonly refuse: (error: Error) => void } | undefined;
  #failure: Error | undefined;

  constructor(name: string) {
    this.#name = name;
    this.#child = fork(SIDE_FILE, { execArgv: ['--disable-warning=ExperimentalWarning'] });
    this.#child.on('message', (notice: Notice) => this.#hear(notice));
    this.#child.on('exit', (code) => this.#fail(`ended with ${code}`));
  }

  tell(order: Order): void {
    if (this.#child.connected) this.#child.send(order);
  }

  /** The next notice of this kind. Rejects when the side fails or ends. One wait at a time. */
  next<Kind extends Notice['kind']>(kind: Kind): Promise<NoticeOf<Kind>> {
    return new Promise((resolve, reject) => {
      const index = this.#early.findIndex((notice) => notice.kind === kind);
      const early = this.#early[index];
      if (early !== undefined) {
        this.#early.splice(index, 1);
        resolve(early as NoticeOf<Kind>);
      } else if (this.#failure !== undefined) reject(this.#failure);
      else this.#waiting = { kind, take: (notice) => resolve(notice as NoticeOf<Kind>), refuse: reject };
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #hear(notice: Notice): void {
    if (notice.kind === 'failed') this.#fail(notice.reason);
    else if (this.#waiting?.kind === notice.kind) {
      const { take } = this.#waiting;
      this.#waiting = undefined;
      take(notice);
    } else this.#early.push(notice);
  }

  #fail(reason: string): void {
    this.#failure ??= new Error(`${this.#name}: ${reason}`);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.refuse(this.#failure);
  }
}
