import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BacklogFigures } from '../../../bench/measurement/backlog.ts';
import type { ConfirmFigures } from '../../../bench/measurement/confirm.ts';
import type { DeadLetterFigures } from '../../../bench/measurement/dead-letters.ts';
import type { ExpiringFigures } from '../../../bench/measurement/expiring.ts';
import type { LoadFigures } from '../../../bench/measurement/load.ts';
import type { RestartFigures } from '../../../bench/measurement/restart.ts';
import { describeFigures } from '../../../bench/report/figures.ts';
import { medianRun } from '../../../bench/report/median.ts';
import { formatTable } from '../../../bench/report/table.ts';
import { judge } from '../../../bench/report/verdict.ts';
import { automaticAck100b } from '../../../bench/scenario/automatic-ack-100b.ts';
import { bigBacklog } from '../../../bench/scenario/big-backlog.ts';
import { ttlDeadLetter } from '../../../bench/scenario/dead-letters.ts';
import { dropHead } from '../../../bench/scenario/drop-head.ts';
import { expiring } from '../../../bench/scenario/expiring.ts';
import { fillAndDrain } from '../../../bench/scenario/fill-and-drain.ts';
import { idleMemory } from '../../../bench/scenario/idle-memory.ts';
import { restartWithMillion } from '../../../bench/scenario/restart-with-million.ts';
import { singleConfirm } from '../../../bench/scenario/single-confirm.ts';
import { steadyLatency } from '../../../bench/scenario/steady-latency.ts';

const test = suite('bench/report');

const NO_LATENCY = { count: 1, minUs: 0, p50Us: 0, p75Us: 0, p95Us: 0, p99Us: 0, p999Us: 0, maxUs: 0 };

function load(receivedPerSecond: number, latency?: { p50Us: number; p99Us: number; missing: number }): LoadFigures {
  const result = { kind: 'load' as const, receivedPerSecond, sentPerSecond: 0, confirmedPerSecond: 0, received: 0, confirmed: 0, left: 0, behind: 0 };
  return latency === undefined ? result : { ...result, latency: { ...NO_LATENCY, encoded: '', ...latency } };
}

test('throughput passes at its ratio and fails below', () => {
  assert.equal(judge(automaticAck100b, load(100_000), load(1_500_000))[0],
    { workload: 'auto-100b', measure: 'received', rabbitmq: '100,000 msg/s', leveret: '1,500,000 msg/s', ratio: '15.00 x', goal: 'at least 15 x', passed: true });
  assert.is(judge(automaticAck100b, load(100_000), load(1_499_000))[0]?.passed, false);
});

test('beside each throughput stands the processor time of a million messages', () => {
  const passed = (cpuSecondsPerMillion: number): unknown =>
    judge(automaticAck100b, { ...load(1), cpuSecondsPerMillion: 10 }, { ...load(20), cpuSecondsPerMillion }).map((verdict) => verdict.passed);
  assert.equal(passed(1.5), [true, true]);
  assert.equal(passed(1.51), [true, false]);
});

test('where nobody consumes the confirms count', () => {
  const [first] = judge(dropHead, { ...load(0), confirmedPerSecond: 10 }, { ...load(0), confirmedPerSecond: 49 });
  assert.equal([first?.measure, first?.leveret, first?.passed], ['confirmed', '49 msg/s', false]);
});

test('expired messages must go soon', () => {
  const gone = (clearedPerSecond: number): ExpiringFigures => ({ kind: 'expiring', messages: 10, clearedPerSecond });
  assert.is(judge(expiring, gone(100), gone(500))[0]?.passed, true);
  assert.is(judge(expiring, gone(100), gone(499))[0]?.passed, false);
  assert.match(describeFigures(gone(500)), /10 expired at 500/);
  const dead = (arrivedPerSecond: number): DeadLetterFigures => ({ kind: 'dead-letter', messages: 10, arrivedPerSecond });
  assert.equal([500, 499].map((rate) => judge(ttlDeadLetter, dead(100), dead(rate))[0]?.passed), [true, false]);
});

test('no verdict without a goal, and none without both figures', () => {
  assert.is(judge(bigBacklog, restart(5, 1), restart(5, 100))[0]?.passed, undefined);
  assert.is(judge(automaticAck100b, load(1), undefined)[0]?.passed, undefined);
  assert.is(judge(automaticAck100b, undefined, load(1))[0]?.passed, undefined);
});

test('latency must be lower, at both percentiles, with nothing missing', () => {
  const rabbitmq = load(2_000, { p50Us: 100, p99Us: 400, missing: 0 });
  const outcomes = (p50Us: number, p99Us: number, missing: number): unknown[] =>
    judge(steadyLatency, rabbitmq, load(2_000, { p50Us, p99Us, missing })).map(({ passed }) => passed);
  assert.equal(outcomes(35, 160, 0), [true, true]);
  assert.equal(outcomes(36, 161, 0), [false, false]);
  assert.equal(outcomes(35, 160, 1), [false, false]);
});

test('memory has absolute limits', () => {
  const verdicts = judge(idleMemory, undefined, { kind: 'memory', idleMb: 119, connectionKib: 41 });
  assert.equal(verdicts.map(({ passed, rabbitmq }) => [passed, rabbitmq]), [[true, '-'], [false, '-']]);
});

test('filling and draining are two workloads of the table, and an empty queue drains at no speed', () => {
  const backlog = (publishedPerSecond: number, deliveredPerSecond: number | undefined): BacklogFigures => ({
    kind: 'backlog',
    messages: 10,
    publishedPerSecond,
    deliveredPerSecond,
    filledMb: 7,
  });
  const rows = (leveret: BacklogFigures): unknown[] =>
    judge(fillAndDrain, backlog(100, 100), leveret).map(({ workload, passed }) => [workload, passed]);
  assert.equal(rows(backlog(800, 600)), [['fill-persistent', true], ['fill-persistent', undefined], ['drain', true]]);
  assert.equal(rows(backlog(799, 599)), [['fill-persistent', false], ['fill-persistent', undefined], ['drain', false]]);
  assert.is(judge(fillAndDrain, backlog(100, 100), backlog(800, undefined))[2]?.passed, false);
  assert.match(describeFigures(backlog(800, undefined)), /the queue was empty/);
});

test('a confirm is judged by what it takes above fdatasync of the same run', () => {
  const confirmed = (p50Us: number, p99Us: number): ConfirmFigures => ({
    kind: 'confirm',
    confirm: { ...NO_LATENCY, p50Us, p99Us },
    flush: { ...NO_LATENCY, p50Us: 200, p99Us: 900 },
  });
  const goals = (figures: ConfirmFigures): unknown[] =>
    judge(singleConfirm, undefined, figures).filter(({ measure }) => /above/.test(measure)).map(({ leveret, passed }) => [leveret, passed]);
  assert.equal(goals(confirmed(500, 1_200)), [['0.30 ms', true], ['0.30 ms', true]]);
  assert.equal(goals(confirmed(511, 1_211)), [['0.31 ms', false], ['0.31 ms', false]]);
  assert.equal(goals(confirmed(199, 1_211)), [['-0.00 ms', undefined], ['0.31 ms', undefined]]);
  assert.match(describeFigures(confirmed(199, 1_211)), /without a flush/);
  assert.equal(goals({ ...confirmed(500, 1_200), flush: undefined }), [['-', undefined], ['-', undefined]]);
});

function restart(recovered: number, firstDeliverySeconds: number | undefined): RestartFigures {
  return { kind: 'restart', messages: 5, recovered, stopSeconds: 1, readySeconds: 1, firstDeliverySeconds, filledMb: 1, restartedMb: 1 };
}

test('a restart must bring everything back, in time', () => {
  const outcomes = (figures: RestartFigures): unknown[] => judge(restartWithMillion, undefined, figures).map(({ passed }) => passed);
  assert.equal(outcomes(restart(5, 2)).slice(0, 2), [true, true]);
  assert.equal(outcomes(restart(4, 2.1)).slice(0, 2), [false, false]);
  assert.equal(outcomes(restart(0, undefined)).slice(0, 2), [undefined, false]);
  assert.match(describeFigures(restart(0, undefined)), /the queue was empty after the restart/);
});

test('the median run', () => {
  const runs = [load(3), load(1), load(2)];
  assert.is(medianRun(runs), runs[2]);
  assert.is(medianRun([]), undefined);
});

test('the median of a latency is that of each percentile, and nothing missing is forgotten', () => {
  const runs = [load(1, { p50Us: 90, p99Us: 200, missing: 0 }), load(1, { p50Us: 50, p99Us: 300, missing: 0 }), load(1, { p50Us: 60, p99Us: 100, missing: 2 })];
  const median = medianRun(runs) as LoadFigures;
  assert.equal([median.latency?.p50Us, median.latency?.p99Us, median.latency?.missing], [60, 200, 2]);
});

test('a table lines its columns up', () => {
  assert.is(formatTable(['a', 'b', 'c'], [['long', 'x', '10'], ['s', 'y', '5']]), 'a     b   c\n----  -  --\nlong  x  10\ns     y   5');
});

test.run();
