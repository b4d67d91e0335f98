/** A process that answers orders one at a time, and another one when it has died or hung: how it ended is an answer too. */
import { type ChildProcess, fork } from 'node:child_process';

export type ProcessEnd = { readonly outcome: 'died' | 'hung'; readonly text: string };

export type AnsweringOptions = {
  readonly file: string;
  readonly timeoutMs: number;
  /** A process that has run for long says nothing about the next order: so many orders each at most. */
  readonly ordersMax?: number;
};

export class AnsweringProcess<Order extends object, Answer extends object> {
  readonly #options: AnsweringOptions;
  #child: ChildProcess | undefined;
  #orders = 0;

  constructor(options: AnsweringOptions) {
    this.#options = options;
  }

  async ask(order: Order): Promise<Answer | ProcessEnd> {
    const { file, timeoutMs, ordersMax = Infinity } = this.#options;
    if (++this.#orders % ordersMax === 0) this.stop();
    const child = (this.#child ??= fork(file, { execArgv: ['--disable-warning=ExperimentalWarning'], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }));
    return new Promise((resolve) => {
      let timedOut = false;
      const timer = setTimeout(() => {
        timedOut = true;
        child.kill('SIGKILL');
      }, timeoutMs);
      const finish = (answer: Answer | ProcessEnd): void => {
        clearTimeout(timer);
        child.removeAllListeners();
        resolve(answer);
      };
      child.once('message', (answer) => finish(answer as Answer));
      child.once('exit', (code, signal) => {
        this.#child = undefined;
        finish({ outcome: timedOut ? 'hung' : 'died', text: `ended with ${signal ?? code}` });
      });
      child.send(order);
    });
  }

  stop(): void {
    this.#child?.removeAllListeners();
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}
