/**
 * Runs every other file of this folder, one after the other, each in a process of its own.
 *
 *   node bench/micro/run.ts          all
 *   node bench/micro/run.ts ring     the files whose name contains one of the words
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

const words = process.argv.slice(2);
const files = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== basename(import.meta.filename) && !file.endsWith('-thread.ts'))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
let failed = files.length === 0;
for (const file of files) {
  const { status } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, file)], {
    stdio: 'inherit',
  });
  failed ||= status !== 0;
}
process.exitCode = failed ? 1 : 0;
