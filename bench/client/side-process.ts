/** The conductor's handle on a forked side: an order out, the matching notice back. */
import { fork, type ChildProcess } from 'node:child_process';
import { siblingFile } from '../sibling.ts';
import type { Notice, Order, Sample } from './orders.ts';

const SIDE_FILE = siblingFile(import.meta.url, './side');

type NoticeOf<Kind extends Notice['kind']> = Extract<Notice, { kind: Kind }>;

export class SideProcess {
  /** Samples and the word that all are done go here, and not to whoever waits. */
  onSample: ((sample: Sample) => void) | undefined;
  onDone: (() => void) | undefined;
  /** The side failed or ended, and nobody was waiting for it. */
  onFailure: ((error: Error) => void) | undefined;
  readonly #child: ChildProcess;
  readonly #name: string;
  /** Notices that came before anyone waited for them; at most one of each kind is under way. */
  readonly #early: Notice[] = [];
  #waiting: { readonly kind: string; readonly take: (notice: Notice) => void; readonly refuse: (error: Error) => void } | undefined;
  #failure: Error | undefined;

  constructor(name: string) {
    this.#name = name;
    this.#child = fork(SIDE_FILE, { execArgv: ['--disable-warning=ExperimentalWarning'], serialization: 'advanced' });
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
    else if (notice.kind === 'sample') this.onSample?.(notice.sample);
    else if (notice.kind === 'done') this.onDone?.();
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
    if (waiting === undefined) this.onFailure?.(this.#failure);
    else waiting.refuse(this.#failure);
  }
}
