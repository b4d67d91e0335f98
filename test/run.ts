/**
 * The test command: runs every `*.test.ts` below this folder, each file in a process of its own, and ends with the line
 * `N passed, N failed`. A file that dies, hangs or executes no test counts as one failure, so that silence is never a pass.
 * All that a failed file wrote is printed when it ends; before the last line stand the failed files again, each with what failed in it.
 *
 *   node test/run.ts            all
 *   node test/run.ts unit ring  the files whose path contains one of the words
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const ROOT = import.meta.dirname;
/** One file may run this long before it counts as hung, milliseconds: several times what the longest takes on a busy machine. */
const FILE_TIMEOUT_MS = 900_000;
/** What a file has started may hold its output open for so long after its end, milliseconds. */
const LEFTOVER_MS = 10_000;
/** Of a failed file that names no test, so many lines stand at the end again. */
const LAST_LINES = 15;
/** What one file has had compiled, and freed of its types, the next ones and the brokers that they start find here. */
const COMPILED = mkdtempSync(join(tmpdir(), 'leveret-compiled-'));
/** Files that measure time or own both cores run alone, after the others. */
const ALONE = ['litmus', 'fault', 'conformance', 'main'];

type Outcome = { readonly name: string; readonly passed: number; readonly failed: number; readonly output: string };

/** Groups of processes that run, by the file's process. */
const running = new Set<number>();

function testFiles(words: readonly string[]): string[] {
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort();
}

/** Ends a file's process, and what it started. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of them have ended already.
  }
}

function runFile(file: string): Promise<Outcome> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(ROOT, file)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { NODE_COMPILE_CACHE: COMPILED, ...process.env, FORCE_COLOR: '0', NO_COLOR: '1' },
      // A group of its own, which can be ended together.
      detached: true,
    });
    if (child.pid !== undefined) running.add(child.pid);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const timer = setTimeout(() => {
      output += `\nthe file ran longer than ${FILE_TIMEOUT_MS} ms and was ended\n`;
      endGroup(child.pid);
    }, FILE_TIMEOUT_MS);
    let leftover: NodeJS.Timeout | undefined;
    child.on('error', (error) => (output += `\n${error.message}\n`));
    child.on('exit', () => {
      leftover = setTimeout(() => {
        endGroup(child.pid);
        for (const stream of [child.stdout, child.stderr]) stream.destroy();
      }, LEFTOVER_MS);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      clearTimeout(leftover);
      if (child.pid !== undefined) running.delete(child.pid);
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
      resolve({ name, passed, failed, output });
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

/** What a failed file says of its failures: the lines that name a test, each with the first of its message, or else its last lines. */
function digest({ name, output }: Outcome): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const named = lines.flatMap((line, at) => (/^\s+FAIL\s/.test(line) ? [line, lines[at + 1] ?? ''] : []));
  return [`FAIL  ${name}`, ...(named.length > 0 ? named : lines.slice(-LAST_LINES))].join('\n');
}

process.once('exit', () => rmSync(COMPILED, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const pid of running) endGroup(pid);
    rmSync(COMPILED, { recursive: true, force: true });
    process.kill(process.pid, signal);
  });
}

const files = testFiles(process.argv.slice(2));
const alone = files.filter((file) => ALONE.some((folder) => file.startsWith(`${folder}/`)));
const together = files.filter((file) => !alone.includes(file));
const outcomes = [...(await runAll(together, 2)), ...(await runAll(alone, 1))];
const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0) + (files.length === 0 ? 1 : 0);
for (const outcome of outcomes) if (outcome.failed > 0) process.stdout.write(`\n${digest(outcome)}\n`);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
