/** The package as its users get it: packed, installed into an empty folder, run from there. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageVersion } from '../../src/main/package-version.ts';
import { startChild } from './support/child.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const packages = suite('package');
const folder = mkdtempSync(join(tmpdir(), 'leveret-package-'));
const home = join(folder, 'home');
/** The same Node for npm's scripts and for what they start. */
const environment = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
packages.after(() => rmSync(folder, { recursive: true, force: true }));

function npm(args: readonly string[], cwd: string): string {
  return execFileSync('npm', args, { cwd, env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

packages('the tarball holds the program and no source of tests', () => {
  npm(['pack', '--pack-destination', folder], ROOT);
  const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  assert.is(tarball, `leveret-${packageVersion()}.tgz`);
  const entries = execFileSync('tar', ['-tzf', join(folder, tarball ?? '')], { encoding: 'utf8' }).split('\n');
  for (const entry of ['bin/leveret.js', 'bin/enter.js', 'bin/package.json', 'dist/src/main/cli.js', 'dist/src/main/index.d.ts', 'dist/tools/chaos/chaos.d.ts', 'dist/bench/client/side.js', 'dist/bench/sink/server.js', 'README.md', 'CHANGELOG.md', 'LICENSE']) {
    assert.ok(entries.includes(`package/${entry}`), `${entry} is missing`);
  }
  for (const folderName of ['src', 'test', 'bench', 'dist/test', 'dist/bench/micro']) {
    assert.not.ok(entries.some((entry) => entry.startsWith(`package/${folderName}/`)), `${folderName} is shipped`);
  }
});

packages('it installs elsewhere and answers', async () => {
  execFileSync('mkdir', [home]);
  writeFileSync(join(home, 'package.json'), '{ "private": true, "type": "module" }');
  npm(['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, `leveret-${packageVersion()}.tgz`)], home);
  const bin = join(home, 'node_modules', '.bin', 'leveret');
  const version = startChild(process.execPath, [bin, '--version'], {}, home);
  assert.is(await version.ended, 0, version.stderr());
  assert.is(version.stdout(), `${packageVersion()}\n`);
  const help = startChild(process.execPath, [bin, 'start', '--help'], {}, home);
  assert.is(await help.ended, 0, help.stderr());
  assert.match(help.stdout(), '--data-dir');
  const tree = startChild(process.execPath, [bin, 'tree'], {}, home);
  assert.is(await tree.ended, 0, tree.stderr());
  const embedded = startChild(process.execPath, ['--input-type=module', '-e', "import { createBroker } from 'leveret'; process.stdout.write(typeof createBroker);"], {}, home);
  assert.is(await embedded.ended, 0, embedded.stderr());
  assert.is(embedded.stdout(), 'function');
  const lines = [
    "import { createBroker } from 'leveret';",
    "import { chaos, formatReport } from 'leveret/chaos';",
    'await using broker = await createBroker({ chaos: true });',
    'const report = await chaos(broker, { seed: 7, crashes: 8, threads: 1, durationMs: 1_000 });',
    'process.stdout.write(formatReport(report));',
  ];
  const hurt = startChild(process.execPath, ['--input-type=module', '-e', lines.join('\n')], {}, home);
  assert.is(await hurt.ended, 0, hurt.stderr());
  assert.match(hurt.stdout(), /seed +7\n[^]*\npassed\n$/);
});

packages('it measures itself: its parts find each other without the sources', async () => {
  const bin = join(home, 'node_modules', '.bin', 'leveret');
  const bench = startChild(process.execPath, [bin, 'bench', '--quick', '--only', 'auto-100b', '--out', join(folder, 'report'), '--json'], {}, home);
  assert.is(await bench.ended, 0, bench.stderr());
  assert.match(bench.stdout(), '"receivedPerSecond"');
  assert.match(bench.stdout(), '"clientCeilings":[{"bodyBytes":100,');
});

packages('npx leveret start serves and stops', async () => {
  const child = startChild('npx', ['leveret', 'start', '--port', '0', '--data-dir', join(folder, 'data')], environment, home);
  await child.said('Server startup complete\n');
  /* The signal reaches npx and its shell only; the broker has to notice. */
  child.process.kill('SIGTERM');
  await child.ended;
  assert.match(child.stderr(), '"msg":"closed"');
});

packages('npm start in the clone passes the signal on', async () => {
  const child = startChild('npm', ['start', '--', '--port', '0', '--data-dir', join(folder, 'clone-data')], environment, ROOT);
  await child.said('Server startup complete\n');
  child.process.kill('SIGTERM');
  await child.ended;
  assert.match(child.stderr(), '"msg":"closed"');
});

packages.run();
