import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LoadFigures } from '../../../bench/measure.ts';
import { medianRun } from '../../../bench/report/median.ts';
import { formatTable } from '../../../bench/report/table.ts';
import { judge } from '../../../bench/report/verdict.ts';
import { automaticAck100b } from '../../../bench/scenario/automatic-ack-100b.ts';
import { idleMemory } from '../../../bench/scenario/idle-memory.ts';
import { persistentConfirms100b } from '../../../bench/scenario/persistent-confirms-100b.ts';
import { steadyLatency } from '../../../bench/scenario/steady-latency.ts';

const test = suite('bench/report');

function load(receivedPerSecond: number, latency?: { p50Us: number; p99Us: number; missing: number }): LoadFigures {
  const result = { kind: 'load' as const, receivedPerSecond, sentPerSecond: 0, received: 0, left: 0, behind: 0 };
  return latency === undefined ? result : { ...result, latency: { count: 1, p999Us: 0, maxUs: 0, ...latency } };
}

test('throughput passes at its ratio and fails below', () => {
  assert.equal(judge(automaticAck100b, load(100_000), load(800_000)), [
    { measure: 'received', rabbitmq: '100,000 msg/s', leveret: '800,000 msg/s', ratio: '8.00 x', goal: 'at least 8 x', passed: true },
  ]);
  assert.is(judge(automaticAck100b, load(100_000), load(799_000))[0]?.passed, false);
});

test('no verdict without a goal, and none without both figures', () => {
  assert.is(judge(persistentConfirms100b, load(1), load(2))[0]?.passed, undefined);
  assert.is(judge(automaticAck100b, load(1), undefined)[0]?.passed, undefined);
  assert.is(judge(automaticAck100b, undefined, load(1))[0]?.passed, undefined);
});

test('latency must be lower, at both percentiles, with nothing missing', () => {
  const rabbitmq = load(2_000, { p50Us: 100, p99Us: 400, missing: 0 });
  const outcomes = (p50Us: number, p99Us: number, missing: number): unknown[] =>
    judge(steadyLatency, rabbitmq, load(2_000, { p50Us, p99Us, missing })).map(({ passed }) => passed);
  assert.equal(outcomes(50, 240, 0), [true, true]);
  assert.equal(outcomes(51, 241, 0), [false, false]);
  assert.equal(outcomes(50, 240, 1), [false, false]);
});

test('memory has absolute limits', () => {
  const verdicts = judge(idleMemory, undefined, { kind: 'memory', idleMb: 119, connectionKib: 41 });
  assert.equal(verdicts.map(({ passed, rabbitmq }) => [passed, rabbitmq]), [[true, '-'], [false, '-']]);
});

test('the median run', () => {
  const runs = [load(3), load(1), load(2)];
  assert.is(medianRun(runs), runs[2]);
  assert.is(medianRun([]), undefined);
});

test('a table lines its columns up', () => {
  assert.is(formatTable(['a', 'b', 'c'], [['long', 'x', '10'], ['s', 'y', '5']]), 'a     b   c\n----  -  --\nlong  x  10\ns     y   5');
});

test.run();
