/**
 * The test command: runs every `*.test.ts` below this folder, each file in a process of its own, and ends with the line
 * `N passed, N failed`. A file that dies, hangs or executes no test counts as one failure, so that silence is never a pass.
 *
 *   node test/run.ts            all
 *   node test/run.ts unit ring  the files whose path contains one of the words
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

const ROOT = import.meta.dirname;
/** One file may run this long before it counts as hung, milliseconds. */
const FILE_TIMEOUT_MS = 300_000;
/** Files that measure time or own both cores run alone, after the others. */
const ALONE = ['litmus', 'fault', 'conformance', 'main'];

type Outcome = { readonly passed: number; readonly failed: number };

function testFiles(words: readonly string[]): string[] {
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort();
}

function runFile(file: string): Promise<Outcome> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(ROOT, file)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1' },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const timer = setTimeout(() => {
      output += `\nthe file ran longer than ${FILE_TIMEOUT_MS} ms and was ended\n`;
      child.kill('SIGKILL');
    }, FILE_TIMEOUT_MS);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const count = (label: string): number =>
        [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))].reduce((sum, match) => sum + Number(match[1]), 0);
      const total = count('Total');
      const passed = count('Passed');
      const died = code !== 0 || signal !== null;
      const failed = Math.max(total - passed, died || total === 0 ? 1 : 0);
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      const name = relative(process.cwd(), join(ROOT, file));
      if (failed === 0) process.stdout.write(`ok    ${name} (${passed}, ${seconds} s)\n`);
      else process.stdout.write(`FAIL  ${name} (${passed} passed, exit ${signal ?? code}, ${seconds} s)\n${output}\n`);
      resolve({ passed, failed });
    });
  });
}

async function runAll(files: readonly string[], parallel: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const queue = [...files];
  const lane = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) outcomes.push(await runFile(file));
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return outcomes;
}

const files = testFiles(process.argv.slice(2));
const alone = files.filter((file) => ALONE.some((folder) => file.startsWith(`${folder}/`)));
const together = files.filter((file) => !alone.includes(file));
const outcomes = [...(await runAll(together, 2)), ...(await runAll(alone, 1))];
const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0) + (files.length === 0 ? 1 : 0);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
