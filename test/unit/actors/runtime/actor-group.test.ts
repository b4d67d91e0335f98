/** What a group and the watches of its actors leave behind when actors go for good. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ActorContext } from '../../../../actors/runtime/actor.ts';
import { Letter } from '../../../../actors/runtime/letter.ts';
import { Scheduler } from '../../../../actors/runtime/scheduler.ts';
import { Unrecoverable } from '../../../../actors/runtime/unrecoverable.ts';

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

test('an actor that cannot be recovered is marked at once, at its first start too, and what comes for it goes to nobody', () => {
  const { scheduler, tell, undeliverable } = world();
  const marked: string[] = [];
  let hopeless = true;
  let starts = 0;
  const group = scheduler.group({
    name: 'marking',
    policy: { restart: 'transient', shutdown: 100, kind: 'worker' },
    giveUp: 'mark',
    intensity: { restarts: 5, periodMs: 1_000 },
    childrenMax: 10,
    onMarked: (id, { text, final }) => marked.push(`${id} ${text} ${final === true}`),
  });
  const factory = () => {
    starts++;
    if (hopeless) throw new Unrecoverable('found damaged');
    return {
      receive() {
        throw new Unrecoverable('became damaged');
      },
      endTurn() {},
      stop() {},
    };
  };
  scheduler.spawn(group, 5, factory);
  assert.equal(marked, ['5 found damaged true']);
  assert.is(scheduler.has(5), true);
  tell(5, CRASH);
  assert.equal(undeliverable, [CRASH]);

  hopeless = false;
  group.supervisor.restartChild(0, 5);
  assert.is(group.snapshot().children[0]?.state, 'running');
  hopeless = true;
  tell(5, CRASH);
  assert.equal(marked, ['5 found damaged true', '5 became damaged true']);
  assert.is(group.snapshot().children[0]?.state, 'crashed');
  assert.is(starts, 2, 'no attempt more');
});

test('an actor that cannot be recovered ends a group that does not mark', () => {
  const { scheduler, groupOf, ended } = world();
  const group = groupOf('permanent', 3);
  scheduler.spawn(group, 6, () => ({
    receive() {
      throw new Unrecoverable('became damaged');
    },
    endTurn() {},
    stop() {},
  }));
  scheduler.tell({ thread: 0, id: 6, generation: 0 }, new Letter(CRASH));
  while (scheduler.run());
  assert.match(ended[0] ?? '', 'became damaged');
  assert.is(scheduler.has(6), false);
});

test.run();
