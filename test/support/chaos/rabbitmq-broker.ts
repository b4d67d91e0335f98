/**
 * Debian's RabbitMQ as a broker that may be killed: the checker has to find as little against it as it deserves. Ports, node
 * name, cookie, epmd and folders are its own; loopback only.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ManagedBroker } from '../../../tools/chaos/managed-broker.ts';

const SCRIPT = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const READY = /completed with \d+ plugins/;
const START_LIMIT_MS = 90_000;
const OUTPUT_LIMIT_CHARACTERS = 65_536;

export const rabbitmqIsThere = existsSync(SCRIPT);

export class RabbitmqBroker implements ManagedBroker {
  readonly name = 'rabbitmq';
  readonly problems: string[] = [];
  url: string | undefined = undefined;
  starts = 0;
  deaths = 0;
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #port: number;
  readonly #epmd: ChildProcess;
  #child: ChildProcess | undefined = undefined;
  #ended: Promise<void> = Promise.resolve();
  #expected = false;

  private constructor(folder: string, port: number, environment: NodeJS.ProcessEnv, epmd: ChildProcess) {
    this.#folder = folder;
    this.#port = port;
    this.#environment = environment;
    this.#epmd = epmd;
  }

  /** With these of the plugins that its package brings along. */
  static async create(plugins: readonly string[] = []): Promise<RabbitmqBroker> {
    const folder = mkdtempSync(join(tmpdir(), 'leveret-chaos-rabbitmq-'));
    const [port, distributionPort, epmdPort] = [await freePort(), await freePort(), await freePort()];
    writeFileSync(join(folder, 'rabbitmq.conf'), `listeners.tcp.1 = 127.0.0.1:${port}\nlog.console = false\n`);
    writeFileSync(join(folder, 'enabled_plugins'), `[${plugins.join(',')}].\n`);
    const environment = {
      PATH: process.env['PATH'],
      LANG: 'C.UTF-8',
      HOME: folder,
      ERL_EPMD_PORT: String(epmdPort),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_CONF_ENV_FILE: '/dev/null',
      RABBITMQ_NODENAME: `chaos-${process.pid}-${port}@localhost`,
      RABBITMQ_DIST_PORT: String(distributionPort),
      RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
      RABBITMQ_MNESIA_BASE: join(folder, 'data'),
      RABBITMQ_LOG_BASE: join(folder, 'log'),
      RABBITMQ_PID_FILE: join(folder, 'pid'),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    };
    // In the foreground: the one that Erlang would start by itself stays for ever.
    const epmd = spawn('epmd', ['-port', String(epmdPort), '-address', '127.0.0.1'], { env: environment, stdio: 'ignore' });
    return new RabbitmqBroker(folder, port, environment, epmd);
  }

  async start(): Promise<number | undefined> {
    const startedAtMs = performance.now();
    // A group of its own: the script and the virtual machine below it are killed together.
    const child = spawn(SCRIPT, [], { env: this.#environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#child = child;
    this.#expected = false;
    this.starts++;
    let output = '';
    const ready = Promise.withResolvers<boolean>();
    const hear = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_LIMIT_CHARACTERS);
      if (READY.test(output)) ready.resolve(true);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    this.#ended = new Promise((resolve) => {
      // Closed when nobody holds the pipes any more: the virtual machine is gone too.
      child.on('close', (code, signal) => {
        this.url = undefined;
        if (!this.#expected) {
          this.deaths++;
          this.problems.push(`rabbitmq ended by itself with ${signal ?? code}:\n${output}`);
        }
        resolve();
      });
    });
    void this.#ended.then(() => ready.resolve(false));
    const timer = setTimeout(() => ready.resolve(false), START_LIMIT_MS);
    const isReady = await ready.promise;
    clearTimeout(timer);
    if (this.#expected) return undefined;
    if (!isReady) throw new Error(`rabbitmq does not start:\n${output}`);
    this.url = `amqp://guest:guest@127.0.0.1:${this.#port}`;
    return performance.now() - startedAtMs;
  }

  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#expected = true;
    this.url = undefined;
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // All of the group have ended already.
    }
  }

  ended(): Promise<void> {
    return this.#ended;
  }

  async close(): Promise<void> {
    this.signal('SIGKILL');
    await this.#ended;
    this.#epmd.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
