import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Actor } from '../../../../actors/runtime/actor.ts';
import { Letter } from '../../../../actors/runtime/letter.ts';
import { createMesh, MeshPort } from '../../../../actors/runtime/ring/mesh.ts';
import { Scheduler, type SchedulerHost } from '../../../../actors/runtime/scheduler.ts';

const test = suite('the scheduler of a thread');
const THREADS = 2;
const RING_BYTES = 4096;

/** A thread whose runs are called by the test. */
function host(): SchedulerHost & { readonly runs: (() => void)[] } {
  const runs: (() => void)[] = [];
  return {
    runs,
    soon: (run) => runs.push(run),
    undeliverable: () => undefined,
    crashed: (_group, _id, error) => {
      throw error;
    },
    nowMs: () => 0,
    setTimer: () => ({}),
    clearTimer: () => undefined,
  };
}

test('a letter told from outside a run reaches a thread that sleeps', () => {
  const mesh = createMesh(THREADS, RING_BYTES);
  const hosts = [host(), host()];
  const rung: number[] = [];
  const [teller, sleeper] = hosts.map((each, thread) => {
    return new Scheduler(thread, THREADS, each, new MeshPort(mesh, thread, { ring: (to) => rung.push(to) }));
  }) as [Scheduler, Scheduler];
  const read: number[] = [];
  const group = sleeper.group({
    name: 'group',
    policy: { restart: 'temporary', shutdown: 1_000, kind: 'worker' },
    giveUp: 'escalate',
    intensity: { restarts: 0, periodMs: 1_000 },
    childrenMax: 1,
  });
  const actor: Actor = { receive: (letter) => void read.push(letter.type), endTurn: () => undefined, stop: () => undefined };
  sleeper.spawn(group, 16, () => actor);
  teller.run();
  sleeper.run();

  teller.tell({ thread: 1, id: 16, generation: 0 }, new Letter(0x999));
  assert.is(hosts[0]?.runs.length, 1, 'the teller is to run');
  hosts[0]?.runs[0]?.();
  assert.equal(rung, [1], 'the sleeper is rung for');
  sleeper.run();
  assert.equal(read, [0x999]);
});

test.run();
