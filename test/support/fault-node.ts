/**
 * A node for fault tests: with a log that counts injected crashes, and a way to order faults. For negative controls the
 * same node can be started from a copy of the sources with one text changed, so that the broker itself has no switch for it.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NodeConfig, RunningNode } from '../../src/main/node.ts';
import type { Logger } from '../../src/main/log.ts';
import type { TestBroker } from './broker.ts';
import { type SourceChange, changed } from './source-change.ts';

const ROOT = join(import.meta.dirname, '../..');
const COPIED = ['src', 'actors', 'native-free-io', 'tools', 'bench', 'bin', 'package.json'];

type Compose = {
  readonly startNode: (config: NodeConfig, log: Logger) => Promise<RunningNode>;
};
type Defaults = { readonly defaultNodeConfig: () => NodeConfig };
type Log = { readonly createLog: (level: 'error', destination: { write(line: string): void }) => Logger };

export type FaultNode = {
  readonly broker: TestBroker;
  readonly node: RunningNode;
  /** Crashes that were ordered and happened. */
  crashes(): number;
  /** Errors in the log that are no injected crash. */
  readonly surprises: readonly string[];
  close(): Promise<void>;
};

/** A copy of the sources with `change`; refuses when the right text is not there exactly once. Answers its directory. */
export function brokenCopy(...changes: readonly SourceChange[]): { readonly root: string; remove(): void } {
  const root = mkdtempSync(join(tmpdir(), 'leveret-broken-'));
  for (const name of COPIED) cpSync(join(ROOT, name), join(root, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  for (const change of changes) {
    const path = join(root, change.file);
    writeFileSync(path, changed(readFileSync(path, 'utf8'), change));
  }
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}

export async function startFaultNode(config: Partial<NodeConfig>, root: string = ROOT): Promise<FaultNode> {
  const load = async <T>(file: string): Promise<T> => (await import(pathToFileURL(join(root, 'src/main', file)).href)) as T;
  const { startNode } = await load<Compose>('compose.ts');
  const { defaultNodeConfig } = await load<Defaults>('node-defaults.ts');
  const { createLog } = await load<Log>('log.ts');
  let crashes = 0;
  const surprises: string[] = [];
  const log = createLog('error', {
    write: (line) => {
      if (line.includes('InjectedCrash') || line.includes('injected end of the thread')) crashes++;
      else surprises.push(line);
    },
  });
  const node = await startNode({ ...defaultNodeConfig(), port: 0, schedulers: 1, logLevel: 'error', ...config }, log);
  return {
    broker: { url: node.url, host: node.host, port: node.port, user: 'guest', password: 'guest', close: () => node.close('done') },
    node,
    crashes: () => crashes,
    surprises,
    close: () => node.close('done'),
  };
}
