import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCompareOptions, parseRunOptions, parseSinkOptions } from '../../../bench/options.ts';
import { namesOf, SCENARIOS } from '../../../bench/scenario/catalogue.ts';

const test = suite('bench/options');

test('without options: everything, both brokers, once', () => {
  const { scenarios, ...rest } = parseCompareOptions([]);
  assert.is(scenarios.length, SCENARIOS.length);
  const timing = { windowSeconds: 6, warmupSeconds: 2 };
  assert.equal(rest, { timing, runs: 1, retakes: 0, peers: ['rabbitmq', 'leveret'], schedulers: undefined, durability: undefined, jsonFile: undefined });
});

test('every option of the comparison', () => {
  const words = '--only latency,auto-100b --only-peer leveret --seconds 1.5 --warmup 0 --runs 3 --retakes 4 --schedulers 2 --durability written --json out.json';
  const { scenarios, ...rest } = parseCompareOptions(words.split(' '));
  assert.equal(scenarios.map(({ name }) => name), ['latency', 'auto-100b']);
  const timing = { windowSeconds: 1.5, warmupSeconds: 0 };
  assert.equal(rest, { timing, runs: 3, retakes: 4, peers: ['leveret'], schedulers: 2, durability: 'written', jsonFile: 'out.json' });
});

test('a run leaves out memory unless it has a process to read, and restarts unless they are asked for', () => {
  const has = (wanted: string, words: readonly string[]): boolean => parseRunOptions(words).scenarios.some(({ kind }) => kind === wanted);
  assert.not.ok(has('memory', []));
  assert.ok(has('memory', ['--pid', '1']));
  assert.ok(has('memory', ['--scenario', 'memory']));
  assert.not.ok(has('restart', ['--pid', '1']));
  assert.ok(has('restart', ['--scenario', 'restart-1m']));
});

test('the second half of a workload asks for the whole, once', () => {
  const names = (only: string): string[] => parseCompareOptions(['--only', only]).scenarios.map(({ name }) => name);
  assert.equal(names('drain'), ['fill-persistent']);
  assert.equal(names('fill-persistent,drain'), ['fill-persistent']);
});

test('another number of messages, where a workload has one', () => {
  const { scenarios } = parseCompareOptions(['--messages', '5000']);
  const fills = scenarios.flatMap((scenario) => ('fill' in scenario ? [scenario.fill.messages] : []));
  assert.equal(fills, [5_000, 5_000, 5_000, 5_000, 5_000]);
  assert.throws(() => parseCompareOptions(['--messages', '0']), /--messages 0/);
});

test('refuses what makes no sense, by name', () => {
  assert.throws(() => parseCompareOptions(['--only', 'nonsense']), /no scenario is called nonsense/);
  assert.throws(() => parseCompareOptions(['--only-peer', 'nonsense']), /no peer is called nonsense/);
  assert.throws(() => parseCompareOptions(['--seconds', '0']), /--seconds 0/);
  assert.throws(() => parseSinkOptions(['--warmup', '-1']), /--warmup/);
  assert.throws(() => parseCompareOptions(['--runs', '1.5']), /--runs 1.5/);
  assert.throws(() => parseCompareOptions(['--nonsense', '1']), /nonsense/);
});

test('a wrong command line is answered with a sentence and the usage, and no stack', () => {
  for (const tool of ['run', 'compare', 'sink']) {
    const start = (...words: string[]): { status: number | null; stdout: string; stderr: string } =>
      spawnSync(process.execPath, [join(import.meta.dirname, `../../../bench/${tool}.ts`), ...words], { encoding: 'utf8' });
    const wrong = start('--seconds', 'x');
    assert.is(wrong.status, 2);
    assert.match(wrong.stderr, /^--seconds x is not a positive number\n\nUsage: .*\[--warmup N\]/);
    assert.not.match(wrong.stderr, /\n {4}at /);
    const help = start('--help');
    assert.is(help.status, 0);
    assert.match(help.stdout, /^Usage: .*\n\nWorkloads: .*auto-100b/);
  }
});

test('the names of workloads are unique', () => {
  assert.is(new Set(SCENARIOS.flatMap(namesOf)).size, SCENARIOS.flatMap(namesOf).length);
});

test.run();
