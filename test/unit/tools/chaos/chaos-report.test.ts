import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BrokerLog } from '../../../../tools/chaos/broker-log.ts';
import { formatReport, hasPassed } from '../../../../tools/chaos/chaos-report.ts';
import type { ChaosReport } from '../../../../tools/chaos/chaos-report.ts';
import { emptyTally } from '../../../../tools/chaos/fault-drivers.ts';
import { progressLine } from '../../../../tools/chaos/progress-line.ts';
import { RecoveryTimes } from '../../../../tools/chaos/recovery-times.ts';

const reports = suite('chaos report');
const CLEAN = { attempted: 1200, acknowledged: 1100, ok: 1150, lost: 0, recovered: 50, unexpected: 0, duplicated: 0, disordered: 0, repeated: 7 };

reports('a run passes when nothing is against it, and every counter that is fails it', () => {
  assert.is(hasPassed(CLEAN, 0, []), true);
  for (const counter of ['lost', 'unexpected', 'duplicated', 'disordered'] as const) assert.is(hasPassed({ ...CLEAN, [counter]: 1 }, 0, []), false, counter);
  assert.is(hasPassed(CLEAN, 1, []), false);
  assert.is(hasPassed(CLEAN, 0, ['the broker ended by itself']), false);
});

reports('the table says what happened and how to see it again', () => {
  const afterStart = new RecoveryTimes();
  for (let ms = 1; ms <= 200; ms++) afterStart.add(ms);
  const report: ChaosReport = {
    passed: false,
    seed: 42,
    broker: 'leveret 9.9.9',
    commit: 'abc1234',
    node: 'v24.0.0',
    startedAt: '2026-11-21T00:00:00.000Z',
    durationMs: 61_234,
    verdict: { ...CLEAN, lost: 1 },
    left: 0,
    faults: { ...emptyTally(), kills: { running: 3, recovering: 1, stopping: 1, store: 2 }, crashes: { queue: 20, connection: 10 }, threadsLost: 2 },
    recovery: { afterStart: afterStart.summary()! },
    examples: ['lost: message 1'],
    problems: [],
  };
  const text = formatReport(report);
  for (const part of ['leveret 9.9.9 (abc1234), Node v24.0.0', '61.2 s', '30 (20 queue, 10 connection)', '2 lost, 0 stalled', '5 (3 serving, 1 recovering, 1 closing)']) assert.match(text, part);
  assert.match(text, 'p50 100 ms, p99 198 ms, max 200 ms (200)');
  assert.match(text, /acknowledged +1,100\n/);
  assert.match(text, /stores lost +2\n/);
  assert.match(text, '! lost: message 1');
  assert.match(text, 'FAILED; --seed 42 makes the same plan');
  assert.match(formatReport({ ...report, passed: true }), /passed\n$/);
});

reports('the line of progress', () => {
  const recovery = new RecoveryTimes();
  const progress = { phase: 'traffic', elapsedMs: 12_300, crashes: 7, threadsLost: 1, kills: 2, acknowledged: 12_345, missing: 3, recovery } as const;
  assert.is(progressLine(progress, { crashes: 10, threads: 0, kills: 5 }), '  12 s  crashes 7/10  threads 1  kill -9 2/5  confirmed 12,345  lost so far 3');
  recovery.add(80.4);
  assert.match(progressLine({ ...progress, phase: 'draining' }, { crashes: 0, threads: 0, kills: 0 }), 'draining  crashes 7  threads 1  kill -9 2  recovery p50 80 p99 80 max 80 ms');
});

reports("the broker's log: what was ordered is counted, all else is told", () => {
  const log = new BrokerLog();
  log.push('{"level":"error","group":"queue","error":"InjectedCrash: injected crash 3 of queue -7, before a letter\\n at"}\n{"level":"error","err":{"mess');
  log.push('age":"injected crash 1 of topology-writer 1, after a letter"}}\n{"thread":1,"msg":"a scheduler thread was lost and is replaced"}\n');
  log.push('{"level":"error","msg":"something else"}\nhalf a line');
  log.end();
  log.push('{"msg":"the store has failed: the node stops, and so on"}\n');
  log.storeLossOrdered = true;
  log.push('{"msg":"the store has failed: the node stops, and so on"}\n');
  log.push('{"msg":"injected end of the thread"}\n');
  assert.equal([...log.crashesByGroup], [['queue', 1], ['topology-writer', 1]]);
  assert.equal([log.crashes, log.threadsLost, log.storeLosses], [2, 1, 1]);
  assert.equal(log.surprises, ['{"level":"error","msg":"something else"}', '{"msg":"the store has failed: the node stops, and so on"}']);
});

reports.run();
