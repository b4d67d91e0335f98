/**
 * RabbitMQ as Debian's package `rabbitmq-server` installs it, beside whatever else runs on the machine: ports, node name,
 * cookie, epmd and folders of its own, no plugins, loopback only.
 *
 * The script in /usr/sbin changes to the user rabbitmq when root calls it; the one called here does not. HOME is the temporary
 * folder, so Erlang makes a cookie there. epmd is started here, in the foreground, so that it can be ended again: the one that
 * Erlang would start stays for ever.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerProcess, freePort } from './broker-process.ts';
import { Lifetime } from './lifetime.ts';
import type { Peer } from './peer.ts';

const SCRIPT = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const START_LIMIT_MS = 90_000;

/** Why it cannot be started here; undefined: it can. */
export function rabbitmqMissing(): string | undefined {
  return existsSync(SCRIPT) ? undefined : `${SCRIPT} is missing: install Debian's package rabbitmq-server`;
}

export async function startRabbitmq(): Promise<Peer> {
  const missing = rabbitmqMissing();
  if (missing !== undefined) throw new Error(missing);
  const folder = mkdtempSync(join(tmpdir(), 'leveret-bench-rabbitmq-'));
  const [port, distributionPort, epmdPort] = [await freePort(), await freePort(), await freePort()];
  writeFileSync(join(folder, 'rabbitmq.conf'), `listeners.tcp.1 = 127.0.0.1:${port}\nlog.console = false\n`);
  writeFileSync(join(folder, 'enabled_plugins'), '[].\n');
  const pidFile = join(folder, 'pid');
  const environment = {
    PATH: process.env['PATH'],
    LANG: 'C.UTF-8',
    HOME: folder,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_NODENAME: `bench-${process.pid}-${port}@localhost`,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: pidFile,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  };
  const epmd = spawn('epmd', ['-port', String(epmdPort), '-address', '127.0.0.1'], { env: environment, stdio: 'ignore' });
  const lifetime = new Lifetime({
    spawn: () => {
      // The last process left its number here: it must not be taken for the next one's.
      rmSync(pidFile, { force: true });
      return new BrokerProcess(SCRIPT, [], environment);
    },
    sign: /completed with \d+ plugins/,
  });
  const stop = async (): Promise<void> => {
    await lifetime.stop();
    endLeftover(pidFile);
    epmd.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  try {
    epmd.once('error', (error) => lifetime.process.child.emit('error', error));
    await lifetime.ready(START_LIMIT_MS);
    const { output } = lifetime.process;
    const version = /RabbitMQ (\S+)/.exec(output)?.[1] ?? 'unknown';
    const erlang = /Erlang:\s+(\S+)/.exec(output)?.[1] ?? 'unknown';
    return {
      name: 'rabbitmq',
      version: `${version}, Erlang ${erlang}`,
      url: `amqp://guest:guest@127.0.0.1:${port}`,
      get pid() {
        return Number(readFileSync(pidFile, 'utf8'));
      },
      folder,
      restart: () => lifetime.restart(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The script waits for the virtual machine; if it was ended by force, the machine may have outlived it. */
function endLeftover(pidFile: string): void {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8'));
    const isOurs = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('rabbit');
    if (isOurs) process.kill(pid, 'SIGKILL');
  } catch {
    // No file, or no such process: nothing is left over.
  }
}
