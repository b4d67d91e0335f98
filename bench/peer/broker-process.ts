/** What both peers share: a child process whose output is searched for a sign, free ports, and an end that is certain. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';

/** A broker that stops politely takes less; after that it is ended by force. */
const STOP_LIMIT_MS = 20_000;
/** Only the end of a long output matters, for the sign and for error messages. */
const OUTPUT_LIMIT_CHARACTERS = 65_536;

/** A port of the loopback interface that nobody uses now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

export class BrokerProcess {
  readonly child: ChildProcess;
  output = '';
  #listener: (() => void) | undefined;

  /** `channel`: the process can see by it that this one is gone. */
  constructor(command: string, argumentList: readonly string[], environment: NodeJS.ProcessEnv, channel: 'ipc' | 'ignore' = 'ignore') {
    // A group of its own: Ctrl-C is for the measurement, which ends its broker itself.
    this.child = spawn(command, argumentList, { env: environment, stdio: ['ignore', 'pipe', 'pipe', channel], detached: true });
    const hear = (chunk: Buffer): void => {
      this.output = (this.output + chunk.toString()).slice(-OUTPUT_LIMIT_CHARACTERS);
      this.#listener?.();
    };
    this.child.stdout?.on('data', hear);
    this.child.stderr?.on('data', hear);
    this.child.on('error', (error) => hear(Buffer.from(error.message)));
    this.child.on('exit', () => this.#listener?.());
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined;
  }

  /** Resolves with the match once the output has it. Rejects with the output when the process ends first, or after the limit. */
  find(sign: RegExp, limitMs: number): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const settle = (action: () => void): void => {
        clearTimeout(timer);
        this.#listener = undefined;
        action();
      };
      const timer = setTimeout(() => settle(() => reject(new Error(`not ready within ${limitMs} ms:\n${this.output}`))), limitMs);
      this.#listener = () => {
        const match = sign.exec(this.output);
        if (match !== null) settle(() => resolve(match));
        else if (this.ended) settle(() => reject(new Error(`it ended while starting:\n${this.output}`)));
      };
      this.#listener();
    });
  }

  /** Asks the process to end, and forces it after the limit. True: it ended in order, with status 0. */
  async stop(limitMs = STOP_LIMIT_MS): Promise<boolean> {
    if (this.ended) return this.child.exitCode === 0;
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), limitMs);
    await exited;
    clearTimeout(timer);
    return this.child.exitCode === 0;
  }
}
