/** What a group and the watches of its actors leave behind when actors go for good. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ActorContext } from '../../../../actors/runtime/actor.ts';
import { Letter } from '../../../../actors/runtime/letter.ts';
import { Scheduler } from '../../../../actors/runtime/scheduler.ts';

const WATCH = 0x901;
const CRASH = 0x902;
const test = suite('actor group');

function world() {
  const undeliverable: number[] = [];
  const scheduler = new Scheduler(
    0,
    1,
    {
      nowMs: () => 0,
      setTimer: () => ({}),
      clearTimer: () => {},
      soon: () => {},
      undeliverable: (_to, letter) => undeliverable.push(letter.type),
      crashed: () => {},
    },
    undefined,
  );
  const ended: string[] = [];
  const groupOf = (restart: 'permanent' | 'temporary', restarts: number) =>
    scheduler.group({
      name: restart,
      policy: { restart, shutdown: 100, kind: 'worker' },
      giveUp: 'escalate',
      intensity: { restarts, periodMs: 1_000 },
      childrenMax: 10,
      onEnded: (reason) => ended.push(reason.text),
    });
  const factory = (context: ActorContext) => ({
    receive(letter: Letter) {
      if (letter.type === WATCH) context.watch({ thread: 0, id: letter.a, generation: 0 });
      else throw new Error('asked to');
    },
    endTurn() {},
    stop() {},
  });
  const tell = (id: number, type: number, a = 0): void => {
    const letter = new Letter(type);
    letter.a = a;
    scheduler.tell({ thread: 0, id, generation: 0 }, letter);
    while (scheduler.run());
  };
  return { scheduler, groupOf, factory, tell, ended, undeliverable };
}

test('a group that gives up leaves no place of an actor behind: its id can be used again', () => {
  const { scheduler, groupOf, factory, tell, ended, undeliverable } = world();
  scheduler.spawn(groupOf('permanent', 3), 5, factory);
  // A letter is given to three incarnations before it is put aside.
  tell(5, CRASH);
  assert.equal(ended, []);
  assert.equal(undeliverable, [CRASH]);
  tell(5, CRASH);
  assert.match(ended[0] ?? '', 'too many restarts');
  assert.is(scheduler.has(5), false);
  assert.equal([...scheduler.groups()], []);
  scheduler.spawn(groupOf('permanent', 1), 5, factory);
  assert.ok(scheduler.actor(5));
});

test('a first start that fails keeps no mailbox that nobody reads', () => {
  const { scheduler, groupOf, tell, undeliverable } = world();
  scheduler.spawn(groupOf('permanent', 1), 5, () => {
    throw new Error('cannot start');
  });
  assert.is(scheduler.has(5), false);
  tell(5, WATCH);
  assert.equal(undeliverable, [WATCH]);
});

test('a watcher that crashes and does not come back watches nobody any more', () => {
  const { scheduler, groupOf, factory, tell } = world();
  scheduler.spawn(groupOf('permanent', 1), 5, factory);
  scheduler.spawn(groupOf('temporary', 1), 6, factory);
  tell(6, WATCH, 5);
  assert.equal(scheduler.watchersOf(5).map(({ id }) => id), [6]);
  tell(6, CRASH);
  assert.is(scheduler.has(6), false);
  assert.equal(scheduler.watchersOf(5), []);
});

test.run();
