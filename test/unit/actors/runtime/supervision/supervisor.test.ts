import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChildSpec } from '../../../../../actors/runtime/supervision/child-spec.ts';
import type { ExitReason } from '../../../../../actors/runtime/supervision/exit-reason.ts';
import type { Strategy } from '../../../../../actors/runtime/supervision/strategy.ts';
import { ORDERED_CHILDREN_MAX, Supervisor } from '../../../../../actors/runtime/supervision/supervisor.ts';
import { REQUESTS_WAITING_MAX } from '../../../../../actors/runtime/supervision/supervisor-port.ts';
import { RecordingPort } from './recording-port.ts';

const BOOM: ExitReason = { kind: 'crash', text: 'boom' };
const NORMAL: ExitReason = { kind: 'normal', text: '' };
const SHUTDOWN: ExitReason = { kind: 'shutdown', text: '' };

function spec(id: string, changes: Partial<ChildSpec> = {}): ChildSpec {
  return { id, restart: 'permanent', shutdown: 100, kind: 'worker', ...changes };
}

/** A supervisor whose children a, b, c stand. */
function standing(strategy: Strategy, changes: Partial<ChildSpec> = {}): { port: RecordingPort; supervisor: Supervisor } {
  const port = new RecordingPort();
  const children = ['a', 'b', 'c'].map((id) => spec(id, changes));
  const supervisor = new Supervisor({ strategy, intensity: { restarts: 2, periodMs: 1_000 }, children }, port);
  supervisor.start();
  for (const { id } of children) supervisor.started(id, 1);
  port.take();
  return { port, supervisor };
}

const test = suite('supervisor');

test('starts in order, each when the one before stands, and then says so', () => {
  const port = new RecordingPort();
  const children = [spec('a'), spec('b')];
  const supervisor = new Supervisor({ strategy: 'one-for-one', intensity: { restarts: 1, periodMs: 1 }, children }, port);
  supervisor.start();
  assert.equal(port.take(), ['start a#1']);
  supervisor.started('a', 1);
  assert.equal(port.take(), ['start b#1']);
  supervisor.started('b', 1);
  assert.equal(port.take(), ['ready']);
});

test('a failed start at boot stops what stands in reverse order and is the failure of the supervisor', () => {
  const port = new RecordingPort();
  const children = [spec('a'), spec('b', { shutdown: 'brutal' }), spec('c')];
  const supervisor = new Supervisor({ strategy: 'one-for-one', intensity: { restarts: 1, periodMs: 1 }, children }, port);
  supervisor.start();
  supervisor.started('a', 1);
  supervisor.started('b', 1);
  supervisor.startFailed('c', 1, BOOM);
  supervisor.exited('b', 1, BOOM);
  supervisor.exited('a', 1, SHUTDOWN);
  assert.equal(port.take().slice(3), [
    'kill b#1',
    'arm a 100 epoch 1',
    'stop a#1 in 100',
    'escalate shutdown: child c failed to start, crash: boom',
  ]);
});

test('rest-for-one stops those started later in reverse order and starts all again in order', () => {
  const { port, supervisor } = standing('rest-for-one', { shutdown: 'infinity' });
  supervisor.exited('b', 1, BOOM);
  assert.equal(port.take(), ['stop c#1 in Infinity']);
  supervisor.exited('c', 1, SHUTDOWN);
  supervisor.started('b', 2);
  supervisor.started('c', 2);
  assert.equal(port.take(), ['start b#2', 'start c#2']);
  const states = supervisor.snapshot().children.map(({ id, state, restarts, lastError }) => [id, state, restarts, lastError]);
  assert.equal(states, [
    ['a', 'running', 0, null],
    ['b', 'running', 1, 'crash: boom'],
    ['c', 'running', 1, 'shutdown'],
  ]);
});

test('one-for-one leaves the others alone, and a normal exit brings a permanent child back', () => {
  const { port, supervisor } = standing('one-for-one');
  supervisor.exited('a', 1, NORMAL);
  assert.equal(port.take(), ['start a#2']);
});

test('the third crash within the period is one too many for two restarts', () => {
  const { port, supervisor } = standing('one-for-one', { shutdown: 'brutal' });
  for (const generation of [1, 2]) {
    supervisor.exited('a', generation, BOOM);
    supervisor.started('a', generation + 1);
  }
  port.take();
  supervisor.exited('a', 3, BOOM);
  supervisor.exited('c', 1, BOOM);
  supervisor.exited('b', 1, BOOM);
  assert.equal(port.take(), ['kill c#1', 'kill b#1', 'escalate shutdown: too many restarts: child a, last crash: boom']);
});

test('attempts that fail to start are counted', () => {
  const { port, supervisor } = standing('one-for-one', { shutdown: 'brutal' });
  supervisor.exited('a', 1, BOOM);
  supervisor.startFailed('a', 2, BOOM);
  supervisor.startFailed('a', 3, BOOM);
  assert.equal(port.take(), ['start a#2', 'start a#3', 'kill c#1']);
});

test('a child that does not stop in time is killed; a late timer does nothing', () => {
  const { port, supervisor } = standing('one-for-one');
  supervisor.terminateChild(7, 'b');
  assert.equal(port.take(), ['arm b 100 epoch 1', 'stop b#1 in 100']);
  supervisor.timerFired('b', 0);
  assert.equal(port.take(), []);
  supervisor.timerFired('b', 1);
  supervisor.timerFired('b', 1);
  supervisor.exited('b', 1, BOOM);
  assert.equal(port.take(), ['kill b#1', 'answer 7 done']);
});

test('requests have the answers of OTP', () => {
  const { port, supervisor } = standing('one-for-one', { shutdown: 'brutal' });
  supervisor.startChild(1, spec('a'));
  supervisor.restartChild(2, 'a');
  supervisor.deleteChild(3, 'a');
  supervisor.terminateChild(4, 'nobody');
  assert.equal(port.take(), [
    'answer 1 refused already-started',
    'answer 2 refused running',
    'answer 3 refused running',
    'answer 4 refused not-found',
  ]);
  supervisor.terminateChild(5, 'a');
  supervisor.startChild(6, spec('a'));
  supervisor.exited('a', 1, BOOM);
  supervisor.deleteChild(7, 'a');
  supervisor.startChild(8, spec('a'));
  assert.equal(port.take(), ['kill a#1', 'answer 5 done', 'answer 6 refused already-present', 'answer 7 done', 'start a#2']);
});

test('a temporary child that ends is forgotten; a name used again goes on with a later generation', () => {
  const { port, supervisor } = standing('one-for-one', { restart: 'temporary' });
  supervisor.exited('b', 1, BOOM);
  assert.equal(supervisor.snapshot().children.map(({ id }) => id), ['a', 'c']);
  supervisor.startChild(1, spec('new'));
  assert.equal(port.take(), ['start new#2']);
});

test('children and waiting requests are bounded', () => {
  const { port, supervisor } = standing('one-for-one');
  supervisor.terminateChild(0, 'a');
  for (let request = 1; request <= REQUESTS_WAITING_MAX + 1; request++) supervisor.deleteChild(request, 'nobody');
  assert.equal(port.take().slice(2), [`answer ${REQUESTS_WAITING_MAX + 1} refused busy`]);
  supervisor.exited('a', 1, SHUTDOWN);
  assert.is(port.take().length, REQUESTS_WAITING_MAX + 1);
  const children = Array.from({ length: ORDERED_CHILDREN_MAX + 1 }, (_, index) => spec(`${index}`));
  assert.throws(() => new Supervisor({ strategy: 'one-for-one', intensity: { restarts: 1, periodMs: 1 }, children }, port));
  assert.throws(
    () => new Supervisor({ strategy: 'one-for-one', intensity: { restarts: 1, periodMs: 1 }, children: [spec('a'), spec('a')] }, port),
    /two children are named a/,
  );
});

test('an ended supervisor refuses and does nothing more', () => {
  const { port, supervisor } = standing('one-for-one', { shutdown: 'brutal' });
  supervisor.shutdown();
  supervisor.shutdown();
  supervisor.startChild(1, spec('d'));
  for (const id of ['c', 'b', 'a']) supervisor.exited(id, 1, BOOM);
  supervisor.startChild(2, spec('d'));
  assert.equal(port.take(), [
    'kill c#1',
    'kill b#1',
    'kill a#1',
    'escalate shutdown: ',
    'answer 1 refused ended',
    'answer 2 refused ended',
  ]);
  assert.is(supervisor.snapshot().state, 'ended');
});

test.run();
