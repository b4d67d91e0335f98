/** The table of watches against a plain list of pairs. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Monitor, type WatchRef } from '../../../../actors/runtime/monitor.ts';
import { loadMutant } from '../../support/mutant.ts';

const RUNS = 5_000;
const ref = fc.record({ thread: fc.nat(2), id: fc.nat(2), generation: fc.integer({ min: 1, max: 2 }) });
const step = fc.record({
  kind: fc.constantFrom('watch' as const, 'watch' as const, 'unwatch' as const, 'down' as const, 'remove' as const, 'lost' as const),
  watcher: ref,
  target: ref,
});
const steps = fc.array(step, { maxLength: 40, size: 'max' });
type Steps = typeof steps extends fc.Arbitrary<infer Value> ? Value : never;

const nameOf = (one: WatchRef): string => `${one.thread}.${one.id}.${one.generation}`;

function play(Table: typeof Monitor, history: Steps): number {
  const monitor = new Table();
  let pairs: { watcher: WatchRef; target: WatchRef }[] = [];
  let told = 0;
  const isPair = (watcher: WatchRef, target: WatchRef) => (pair: (typeof pairs)[number]) =>
    nameOf(pair.watcher) === nameOf(watcher) && nameOf(pair.target) === nameOf(target);
  for (const { kind, watcher, target } of history) {
    if (kind === 'watch') {
      const isNew = !pairs.some(isPair(watcher, target));
      assert.is(monitor.watch(watcher, target), isNew);
      if (isNew) pairs.push({ watcher, target });
    } else if (kind === 'unwatch') {
      assert.is(monitor.unwatch(watcher, target), pairs.some(isPair(watcher, target)));
      const isOther = isPair(watcher, target);
      pairs = pairs.filter((pair) => !isOther(pair));
    } else if (kind === 'remove') {
      monitor.removeWatcher(watcher);
      pairs = pairs.filter((pair) => nameOf(pair.watcher) !== nameOf(watcher));
    } else if (kind === 'down') {
      const rest = pairs.filter((pair) => nameOf(pair.watcher) !== nameOf(target));
      const watchers = rest.filter((pair) => nameOf(pair.target) === nameOf(target)).map((pair) => nameOf(pair.watcher));
      assert.equal(monitor.down(target).map(nameOf), watchers);
      pairs = rest.filter((pair) => nameOf(pair.target) !== nameOf(target));
      told += watchers.length;
    } else {
      const rest = pairs.filter((pair) => pair.watcher.thread !== target.thread);
      const lost = rest.filter((pair) => pair.target.thread === target.thread);
      const notices = monitor.threadLost(target.thread).flatMap((notice) =>
        notice.watchers.map((one) => `${nameOf(one)} ${nameOf(notice.target)}`),
      );
      assert.equal(notices.sort(), lost.map((pair) => `${nameOf(pair.watcher)} ${nameOf(pair.target)}`).sort());
      pairs = rest.filter((pair) => pair.target.thread !== target.thread);
    }
    assert.is(monitor.size, pairs.length);
    assert.is(monitor.watched(target), pairs.some((pair) => nameOf(pair.target) === nameOf(target)));
  }
  return told;
}

const test = suite('monitor');

test(`agrees with a list of pairs in ${RUNS} histories`, () => {
  let told = 0;
  fc.assert(fc.property(steps, (history) => void (told += play(Monitor, history))), { numRuns: RUNS, includeErrorInReport: true });
  assert.ok(told > RUNS / 10, `only ${told} watchers were told`);
});

const controls = [
  { name: 'takes one incarnation for another', right: '`${thread}/${id}/${generation}`', wrong: '`${thread}/${id}/${generation > 0}`' },
  { name: 'leaves the watches of the dead', right: '    this.removeWatcher(ended);\n', wrong: '' },
];
for (const control of controls) {
  test(`negative control: a table that ${control.name} is caught`, async () => {
    const { Monitor: Broken } = await loadMutant(new URL('../../../../actors/runtime/monitor.ts', import.meta.url), control);
    const property = fc.property(steps, (history) => void play(Broken as typeof Monitor, history));
    assert.ok(fc.check(property, { numRuns: RUNS, endOnFailure: true }).failed);
  });
}

test.run();
