import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DynamicSupervisor, type DynamicSupervisorOptions } from '../../../../../actors/runtime/supervision/dynamic-supervisor.ts';
import type { ExitReason } from '../../../../../actors/runtime/supervision/exit-reason.ts';
import { RecordingPort } from './recording-port.ts';

const BOOM: ExitReason = { kind: 'crash', text: 'boom' };
const NORMAL: ExitReason = { kind: 'normal', text: '' };

const QUEUES: DynamicSupervisorOptions = {
  policy: { restart: 'transient', shutdown: 100, kind: 'worker' },
  giveUp: 'mark',
  intensity: { restarts: 5, periodMs: 10_000 },
  childrenMax: 100_000,
};

/** A supervisor with these children standing. */
function standing(ids: readonly string[], changes: Partial<DynamicSupervisorOptions> = {}): { port: RecordingPort; group: DynamicSupervisor } {
  const port = new RecordingPort();
  const group = new DynamicSupervisor({ ...QUEUES, ...changes }, port);
  group.start();
  ids.forEach((id, request) => {
    group.startChild(request, id);
    group.started(id, 1);
  });
  port.take();
  return { port, group };
}

function crash(group: DynamicSupervisor, id: string, times: number): void {
  for (let time = 0; time < times; time++) {
    const generation = group.child(id)?.generation ?? 0;
    group.exited(id, generation, BOOM);
    group.started(id, generation + 1);
  }
}

const test = suite('dynamic supervisor');

test('the sixth crash in ten seconds marks a queue; its neighbours go on, and a restart by hand heals it', () => {
  const { port, group } = standing(['orders', 'other']);
  crash(group, 'orders', 5);
  assert.is(group.child('orders')?.state, 'running');
  port.take();
  crash(group, 'orders', 1);
  assert.equal(port.take(), ['marked orders crash: boom']);
  assert.equal(group.child('orders'), { id: 'orders', state: 'crashed', generation: 6, restarts: 5, lastError: 'crash: boom' });
  assert.is(group.child('other')?.state, 'running');
  group.startChild(90, 'orders');
  group.restartChild(91, 'orders');
  assert.equal(port.take(), ['answer 90 refused already-present', 'start orders#7']);
  group.started('orders', 7);
  assert.equal(port.take(), ['answer 91 done']);
  crash(group, 'orders', 5);
  assert.is(group.child('orders')?.state, 'running', 'the new life has a budget of its own');
});

test('crashes spread over more than the period are borne for ever', () => {
  const { port, group } = standing(['orders']);
  for (let time = 0; time < 100; time++) {
    port.nowMs += 2_001;
    crash(group, 'orders', 1);
  }
  assert.is(group.child('orders')?.state, 'running');
});

test('with escalate the whole group shares one budget and ends together', () => {
  const { port, group } = standing(['a', 'b', 'c'], { giveUp: 'escalate', intensity: { restarts: 1, periodMs: 1_000 } });
  crash(group, 'a', 1);
  port.take();
  crash(group, 'b', 1);
  assert.equal(port.take(), ['arm  100 epoch 1', 'stop a#2 in 100', 'stop c#1 in 100']);
  group.exited('a', 2, NORMAL);
  group.timerFired('', 1);
  group.exited('c', 1, BOOM);
  assert.equal(port.take(), ['kill c#1', 'escalate shutdown: too many restarts: child b, last crash: boom']);
});

test('a deleted queue ends normally and is forgotten', () => {
  const { port, group } = standing(['a']);
  group.exited('a', 1, NORMAL);
  assert.is(group.size, 0);
  group.startChild(1, 'a');
  assert.equal(port.take(), ['start a#2'], 'letters to its former life are not for it');
});

test('a name that comes from elsewhere goes on above its generation there', () => {
  const { port, group } = standing([]);
  group.startChild(1, 'moved', 41);
  assert.equal(port.take(), ['start moved#42']);
});

test('the group is bounded', () => {
  const { port, group } = standing(['a', 'b'], { childrenMax: 2 });
  group.startChild(1, 'c');
  assert.equal(port.take(), ['answer 1 refused full']);
});

test('100,000 children crash and come back, in constant time each', () => {
  const count = 100_000;
  const port = new RecordingPort();
  const group = new DynamicSupervisor(QUEUES, port);
  group.start();
  const before = process.cpuUsage();
  for (let id = 0; id < count; id++) group.startChild(id, id);
  assert.is(port.take().filter((line) => line.includes('busy')).length > 0, true, 'starts that wait are bounded');
  for (let id = 0; id < count; id++) {
    group.startChild(id, id);
    group.started(id, 1);
  }
  assert.is(group.size, count);
  for (let round = 1; round <= 3; round++) {
    for (let id = 0; id < count; id++) {
      group.exited(id, round, BOOM);
      group.started(id, round + 1);
    }
  }
  assert.is(group.child(count - 1)?.restarts, 3);
  // With work in proportion to the number of siblings, this would take minutes. Processor time: a busy machine is not asked.
  assert.ok(process.cpuUsage(before).user < 10_000_000);
});

test.run();
