/** Leveret as its users start it: the command line tool in a process of its own, with a data directory of its own. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerProcess } from './broker-process.ts';
import type { Peer } from './peer.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const START_LIMIT_MS = 60_000;

/** `schedulers`: how many scheduler threads; undefined: the broker's own default. */
export async function startLeveret(schedulers?: number): Promise<Peer> {
  const program = join(ROOT, 'bin', 'leveret.js');
  if (!existsSync(program)) throw new Error(`${program} is missing`);
  const folder = mkdtempSync(join(tmpdir(), 'leveret-bench-'));
  const options = ['--port', '0', '--data-dir', folder, ...(schedulers === undefined ? [] : ['--schedulers', String(schedulers)])];
  const broker = new BrokerProcess(process.execPath, [program, 'start', ...options], process.env);
  const stop = async (): Promise<void> => {
    await broker.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  try {
    await broker.find(/Server startup complete/, START_LIMIT_MS);
    // A banner may end the address with a slash, which in an AMQP URI would name the empty virtual host.
    const url = (await broker.find(/amqp:\/\/[^\s"',;<>]+/, START_LIMIT_MS))[0].replace(/\/$/, '');
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    return { name: 'leveret', version, url, pid: broker.child.pid as number, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
