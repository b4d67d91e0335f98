/** The wheel against a plain list: same timers, same ticks, never early, at most one tick late. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TICK_MS, TimerWheel } from '../../../../actors/runtime/timer-wheel.ts';
import { loadMutant, type Mistake } from '../../support/mutant.ts';

const RUNS = 10_000;
const KEYS = 12;
const SOURCE = new URL('../../../../actors/runtime/timer-wheel.ts', import.meta.url);

/** Distances from a fraction of a tick to days, so that all wheels and what lies beyond them are used. */
const distanceMs = fc.oneof(
  fc.integer({ min: -50, max: 700 }),
  fc.integer({ min: 0, max: 50_000 }),
  fc.integer({ min: 0, max: 3_000_000 }),
  fc.integer({ min: 0, max: 400_000_000 }),
  fc.constantFrom(640, 640 * 64, 640 * 64 * 64, 639, 641, 640 * 63, 640 * 64 * 64 * 64),
);
const step = fc.oneof(
  fc.record({ kind: fc.constant('arm' as const), key: fc.nat(KEYS - 1), ms: distanceMs }),
  fc.record({ kind: fc.constant('cancel' as const), key: fc.nat(KEYS - 1) }),
  fc.record({ kind: fc.constant('wait' as const), ms: distanceMs }),
  fc.record({ kind: fc.constant('wake' as const) }),
);
/** The bias of fast-check mixes near and far; a run begins anywhere, on a boundary of the slowest wheel as well. */
const run = fc.tuple(fc.oneof(fc.nat(10_000), fc.constantFrom(0, 640 * 64 ** 3 - 10)), fc.array(step, { maxLength: 40, size: 'max' }));

type Steps = typeof run extends fc.Arbitrary<infer Run> ? Run : never;
type WheelClass = typeof TimerWheel;

function play(Wheel: WheelClass, [startMs, steps]: Steps): number {
  const wheel = new Wheel<number>(startMs);
  const expected = new Map<number, { dueTick: number; epoch: number }>();
  let nowMs = startMs;
  let fired = 0;
  const advance = (): void => {
    const nowTick = Math.floor(nowMs / TICK_MS);
    const due = [...expected].filter(([, timer]) => timer.dueTick <= nowTick);
    let lastTick = 0;
    wheel.advance(nowMs, (key, epoch) => {
      const timer = expected.get(key);
      assert.ok(timer !== undefined && timer.epoch === epoch, `timer ${key} was not armed`);
      assert.ok(timer.dueTick <= nowTick, `timer ${key} fired early`);
      assert.ok(timer.dueTick >= lastTick, `timer ${key} fired out of order`);
      lastTick = timer.dueTick;
      expected.delete(key);
      fired += 1;
    });
    for (const [key] of due) assert.not.ok(expected.has(key), `timer ${key} did not fire`);
  };
  for (const one of steps) {
    if (one.kind === 'arm') {
      const nowTick = Math.floor(nowMs / TICK_MS);
      const epoch = wheel.arm(one.key, nowMs + one.ms);
      expected.set(one.key, { dueTick: Math.max(Math.ceil((nowMs + one.ms) / TICK_MS), nowTick + 1), epoch });
    } else if (one.kind === 'cancel') {
      assert.is(wheel.cancel(one.key), expected.delete(one.key));
    } else {
      if (one.kind === 'wait') nowMs += Math.max(one.ms, 0);
      else if (wheel.nextAtMs() !== Number.POSITIVE_INFINITY) nowMs = Math.max(nowMs, wheel.nextAtMs());
      advance();
    }
    assert.is(wheel.size, expected.size);
    const firstTick = Math.min(...[...expected.values()].map((timer) => timer.dueTick));
    assert.ok(wheel.nextAtMs() <= firstTick * TICK_MS, 'the next call would come too late');
    assert.is(wheel.nextAtMs() === Number.POSITIVE_INFINITY, expected.size === 0);
  }
  return fired;
}

const test = suite('timer wheel');

test(`agrees with a list in ${RUNS} runs`, () => {
  let fired = 0;
  fc.assert(
    fc.property(run, (steps) => void (fired += play(TimerWheel, steps))),
    { numRuns: RUNS, includeErrorInReport: true },
  );
  assert.ok(fired > RUNS, `only ${fired} timers fired`);
});

const controls: readonly (Mistake & { readonly name: string })[] = [
  { name: 'fires early', right: 'Math.ceil(atMs / TICK_MS)', wrong: 'Math.floor(atMs / TICK_MS)' },
  { name: 'forgets to take slots down', right: '      this.#takeDown();\n', wrong: '' },
  { name: 'puts what is due into the slot that has passed', right: 'this.#tick + 1);', wrong: 'this.#tick);' },
  { name: 'looks one slot short', right: 'ahead <= SLOTS; ahead++', wrong: 'ahead < SLOTS; ahead++' },
];

for (const control of controls) {
  test(`negative control: a wheel that ${control.name} is caught`, async () => {
    const { TimerWheel: Broken } = await loadMutant(SOURCE, control);
    const property = fc.property(run, (steps) => void play(Broken as WheelClass, steps));
    assert.ok(fc.check(property, { numRuns: RUNS, endOnFailure: true }).failed);
  });
}

test('a timer may arm itself and cancel its neighbour while it fires', () => {
  const wheel = new TimerWheel<string>(0);
  for (const key of ['a', 'b']) wheel.arm(key, 100);
  const fired: string[] = [];
  wheel.advance(100, (key) => {
    fired.push(key);
    wheel.cancel(key === 'a' ? 'b' : 'a');
    wheel.arm(key, 0);
  });
  assert.is(fired.length, 1);
  assert.is(wheel.nextAtMs(), 110);
  wheel.advance(110, (key) => fired.push(key));
  assert.equal(fired, [fired[0], fired[0]]);
});

test('a hundred thousand timers are armed, moved and fired in constant time each', () => {
  const count = 100_000;
  const wheel = new TimerWheel<number>(0);
  const startedAt = performance.now();
  for (let key = 0; key < count; key++) wheel.arm(key, 30_000 + (key % 1000));
  for (let key = 0; key < count; key++) wheel.arm(key, 60_000 + (key % 1000));
  let fired = 0;
  let calls = 0;
  while (wheel.size > 0) {
    calls += 1;
    wheel.advance(wheel.nextAtMs(), () => (fired += 1));
  }
  assert.is(fired, count);
  // One call a tick of the second in which they are due, and a few to take slots down.
  assert.ok(calls <= 110, `${calls} calls`);
  // With work in proportion to the timers that are armed, this would take minutes.
  assert.ok(performance.now() - startedAt < 5_000);
});

test.run();
