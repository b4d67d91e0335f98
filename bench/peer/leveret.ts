/** Leveret as its users start it: the command line tool in a process of its own, with a data directory of its own. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../sibling.ts';
import { BrokerProcess, freePort } from './broker-process.ts';
import { Lifetime } from './lifetime.ts';
import type { Peer } from './peer.ts';

const ROOT = packageRoot();
const START_LIMIT_MS = 60_000;

/** What of its command line a comparison chooses; undefined: the broker's own default. */
export type LeveretOptions = { readonly schedulers?: number | undefined; readonly durability?: string | undefined };

export async function startLeveret({ schedulers, durability }: LeveretOptions): Promise<Peer> {
  const program = join(ROOT, 'bin', 'leveret.js');
  const folder = mkdtempSync(join(tmpdir(), 'leveret-bench-'));
  const port = await freePort();
  const options = ['--port', String(port), '--data-dir', join(folder, 'data')];
  if (schedulers !== undefined) options.push('--schedulers', String(schedulers));
  if (durability !== undefined) options.push('--durability', durability);
  const lifetime = new Lifetime({
    // As its launcher would: however this process ends, the broker ends with it.
    spawn: () => new BrokerProcess(process.execPath, [...process.execArgv, program, 'start', ...options], { ...process.env, LEVERET_LAUNCHED: '1' }, 'ipc'),
    sign: /Server startup complete/,
  });
  const stop = async (): Promise<void> => {
    await lifetime.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  try {
    await lifetime.ready(START_LIMIT_MS);
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    return {
      name: 'leveret',
      version: durability === undefined ? version : `${version} (${durability})`,
      url: `amqp://guest:guest@127.0.0.1:${port}`,
      get pid() {
        return lifetime.process.child.pid as number;
      },
      folder,
      dataDir: join(folder, 'data'),
      restart: () => lifetime.restart(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
