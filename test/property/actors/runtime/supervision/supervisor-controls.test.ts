/** Negative controls: the property of the histories must fail for each of these deliberately broken supervisors. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DynamicSupervisor } from '../../../../../actors/runtime/supervision/dynamic-supervisor.ts';
import { Supervisor } from '../../../../../actors/runtime/supervision/supervisor.ts';
import { loadMutant, type Mistake } from '../../../support/mutant.ts';
import { HISTORY_BYTES, playDynamic, playOrdered, type HistoryPlayer } from '../../../support/supervisor-makers.ts';

/** A mistake must show within this many histories of one kind. */
const HISTORIES_MAX = 5_000;

const FOLDER = new URL('../../../../../actors/runtime/supervision/', import.meta.url);

type Control = Mistake & { readonly name: string };

const ordered: readonly Control[] = [
  {
    name: 'a restart is counted only after it has been made',
    right: 'if (!this.#window.admit(this.#port.now())) {',
    wrong: `const late = this as unknown as { isSpent?: boolean };
    const isSpent = late.isSpent ?? false;
    late.isSpent = !this.#window.admit(this.#port.now());
    if (isSpent) {`,
  },
  { name: 'a group is stopped in start order', right: 'group.toReversed()', wrong: '[...group]' },
  {
    name: 'all are stopped in start order at the end',
    right: "this.#children.inStartOrder().toReversed(), []",
    wrong: 'this.#children.inStartOrder(), []',
  },
  {
    name: 'a temporary child is started again with its group',
    right: "spec.restart !== 'temporary')",
    wrong: "spec.restart !== 'permanent' || true)",
  },
  {
    name: 'a failed start is not tried again',
    right: "this.#waiting.push({ kind: 'try-again', id: child.spec.id });",
    wrong: '',
  },
  { name: 'a late timer is believed', right: 'epoch !== this.#epoch || ', wrong: '' },
  {
    name: 'an old exit is believed',
    right: "child.state !== 'exited' || child.generation !== generation",
    wrong: "child.state === 'stopped'",
  },
  {
    name: 'the dead are asked to stop',
    right: "child.state === 'running') {\n        return this.#stop",
    wrong: "child.state === 'running' || child.state === 'exited') {\n        return this.#stop",
  },
  {
    name: 'a failure at boot leaves the started children',
    right: "      case 'boot':\n        return this.#end(",
    wrong: "      case 'boot':\n        return this.#finishEnd(",
  },
  {
    name: 'a transient child comes back after a normal exit',
    right: 'restartDue(child.spec.restart, reason)',
    wrong: "child.spec.restart !== 'temporary'",
  },
];

const dynamic: readonly Control[] = [
  {
    name: 'a transient child comes back after a normal exit',
    right: 'restartDue(this.#options.policy.restart, reason)',
    wrong: "this.#options.policy.restart !== 'temporary'",
  },
  {
    name: 'marked children share one budget',
    right: "if (this.#options.giveUp === 'escalate') return this.#window;",
    wrong: 'return this.#window;',
  },
  { name: 'a new life begins with the old budget', right: 'child.window = null;', wrong: '' },
  { name: 'a late timer kills', right: 'child?.stopEpoch === epoch', wrong: 'child !== undefined' },
  { name: 'the parent is told before the last child is down', right: ' || this.#children.size > 0) return;', wrong: ') return;' },
  {
    name: 'a failed attempt to come back is given up',
    right: "case 'restarting':\n        return this.#restart(child, reason);",
    wrong: "case 'restarting':\n        return this.#forget(child);",
  },
];

function historiesUntilCaught(play: HistoryPlayer): number | null {
  const property = fc.property(HISTORY_BYTES, (history) => void play(history));
  const details = fc.check(property, { numRuns: HISTORIES_MAX, endOnFailure: true });
  if (!details.failed) return null;
  // Only a disagreement is a catch: a mutant that cannot run at all proves nothing.
  assert.match(String(details.errorInstance), /supervisor:\n[^]*reference:\n|no operation waits|starts nothing/);
  return details.numRuns;
}

const test = suite('supervisor controls');

test('an unchanged copy is not caught', async () => {
  const right = 'const child = ';
  const unchanged = { right: 'export class Supervisor ', wrong: 'export class Supervisor ' };
  const { Supervisor: Same } = await loadMutant(new URL('supervisor.ts', FOLDER), unchanged);
  assert.is(historiesUntilCaught(playOrdered('rest-for-one', Same as typeof Supervisor)), null);
  await loadMutant(new URL('supervisor.ts', FOLDER), { right, wrong: '' }).then(
    () => assert.unreachable('a text that stands many times was accepted'),
    () => undefined,
  );
});

for (const control of ordered) {
  test(control.name, async () => {
    const { Supervisor: Broken } = await loadMutant(new URL('supervisor.ts', FOLDER), control);
    const strategies = ['one-for-one', 'rest-for-one', 'one-for-all'] as const;
    const caught = strategies.some((strategy) => historiesUntilCaught(playOrdered(strategy, Broken as typeof Supervisor)) !== null);
    assert.ok(caught, 'no history showed the mistake');
  });
}

for (const control of dynamic) {
  test(`dynamic: ${control.name}`, async () => {
    const { DynamicSupervisor: Broken } = await loadMutant(new URL('dynamic-supervisor.ts', FOLDER), control);
    assert.ok(historiesUntilCaught(playDynamic(Broken as typeof DynamicSupervisor)) !== null, 'no history showed the mistake');
  });
}

test.run();
