/**
 * `npm run build`: compiles the broker into dist/, with declarations and source maps. What was there before is removed, so that
 * a file whose source is gone cannot be shipped.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const ROOT = dirname(import.meta.dirname);
const COMPILER = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
/** What package.json points at; a build without them is none. */
const ENTRIES = ['dist/tools/cli.js', 'dist/src/main/cli.js', 'dist/src/main/index.js', 'dist/src/main/index.d.ts', 'dist/tools/chaos/chaos.js', 'dist/tools/chaos/chaos.d.ts'];

rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
const compiled = spawnSync(process.execPath, [COMPILER, '--project', join(ROOT, 'tsconfig.build.json')], { cwd: ROOT, stdio: 'inherit' });
const missing = ENTRIES.filter((entry) => !existsSync(join(ROOT, entry)));
if (compiled.status !== 0) process.stderr.write('build: the compiler found errors, see above.\n');
else if (missing.length > 0) process.stderr.write(`build: the compiler left out ${missing.join(', ')}.\n`);
process.exitCode = compiled.status === 0 && missing.length === 0 ? 0 : 1;
