/** bin/leveret.js: which Node runs what. An older Node is tried when the machine has one (`LEVERET_OLD_NODE`, or /usr/bin/node). */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageVersion } from '../../src/main/package-version.ts';
import { startChild } from './support/child.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const LAUNCHER = join(ROOT, 'bin', 'leveret.js');
const launcher = suite('launcher');
const folder = mkdtempSync(join(tmpdir(), 'leveret-launcher-'));
launcher.after(() => rmSync(folder, { recursive: true, force: true }));

function oldNode(): string | undefined {
  const path = process.env['LEVERET_OLD_NODE'] ?? '/usr/bin/node';
  if (!existsSync(path)) return undefined;
  const major = Number(/^v(\d+)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[1]);
  return major < 22 ? path : undefined;
}

launcher('answers --version, --help and a wrong verb', async () => {
  const version = startChild(process.execPath, [LAUNCHER, '--version']);
  assert.is(await version.ended, 0);
  assert.is(version.stdout(), `${packageVersion()}\n`);
  const help = startChild(process.execPath, [LAUNCHER, 'start', '--help']);
  assert.is(await help.ended, 0);
  assert.match(help.stdout(), '--data-dir');
  const wrong = startChild(process.execPath, [LAUNCHER, 'strat']);
  assert.is(await wrong.ended, 2);
  assert.match(wrong.stderr(), /^leveret: unknown command "strat"; commands are start, (?:[a-z-]+, )+[a-z-]+\. See leveret --help\.\n$/);
});

launcher('draws the tree', async () => {
  const tree = startChild(process.execPath, [LAUNCHER, 'tree']);
  assert.is(await tree.ended, 0);
  for (const name of ['root', 'store', 'topology', 'queues', 'connections', 'listener']) assert.match(tree.stdout(), name);
});

/** A clone with nothing in it but the launcher, a pinned Node and a program that reports what happens to it. */
function bareClone(program: string): string {
  const clone = mkdtempSync(join(folder, 'clone-'));
  cpSync(join(ROOT, 'bin'), join(clone, 'bin'), { recursive: true });
  mkdirSync(join(clone, 'src', 'main'), { recursive: true });
  mkdirSync(join(clone, 'node_modules', 'node', 'bin'), { recursive: true });
  writeFileSync(join(clone, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(clone, 'node_modules', 'node', 'bin', 'node'), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 });
  writeFileSync(join(clone, 'src', 'main', 'cli.ts'), program);
  return clone;
}

const old = oldNode();
const withOldNode = old === undefined ? launcher.skip : launcher;

withOldNode('an old Node hands over to the pinned one, with arguments, exit code and signals', async () => {
  const clone = bareClone(`
    export function main(): void {
      const hold = setInterval(() => undefined, 1000);
      process.on('SIGTERM', () => { clearInterval(hold); process.exit(7); });
      process.stdout.write(['ready', process.versions.node, ...process.argv.slice(2)].join(' ') + '\\n');
    }`);
  const child = startChild(old ?? '', [join(clone, 'bin', 'leveret.js'), 'start', '--port', '0']);
  await child.said(`ready ${process.versions.node} start --port 0\n`);
  child.process.kill('SIGTERM');
  assert.is(await child.ended, 7);
});

withOldNode('a killed launcher takes the broker along', async () => {
  const clone = bareClone(`
    export function main(): void {
      setInterval(() => undefined, 1000);
      process.stdout.write('ready\\n');
    }`);
  const child = startChild(old ?? '', [join(clone, 'bin', 'leveret.js')]);
  await child.said('ready');
  child.process.kill('SIGKILL');
  /* Its standard output closes only when the last process that holds it has ended; without that this waits for ever. */
  assert.is(await child.ended, 'SIGKILL');
});

withOldNode('an old Node without a pinned one gets one sentence', async () => {
  const clone = bareClone('');
  rmSync(join(clone, 'node_modules'), { recursive: true });
  const inClone = startChild(old ?? '', [join(clone, 'bin', 'leveret.js')]);
  assert.is(await inClone.ended, 1);
  assert.match(inClone.stderr(), /^leveret: this is Node [\d.]+, and the sources need Node 24; run "npm ci", which brings it\.\n$/);
  rmSync(join(clone, 'src'), { recursive: true });
  const installed = startChild(old ?? '', [join(clone, 'bin', 'leveret.js')]);
  assert.is(await installed.ended, 1);
  assert.match(installed.stderr(), /^leveret: this is Node [\d.]+, and Leveret needs Node 22\.12 or newer; see https:\/\/nodejs\.org\.\n$/);
});

launcher.run();
