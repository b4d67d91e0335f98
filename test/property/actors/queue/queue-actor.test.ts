/** Random histories of a queue actor with crashes in the middle of letters and of turns, and connections that keep books. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import type { QueueActor } from '../../../../actors/queue/queue-actor.ts';
import { EMPTY_TABLE, type FieldTable } from '../../../../src/broker/field-table.ts';
import { Settle } from '../../../../src/broker/queue/queue-machine.ts';
import { int, longstr, tableOf } from '../../../support/topology-fixture.ts';
import { type Mistake, loadMutant } from '../../support/mutant.ts';
import { QueueActorWorld } from './queue-actor-world.ts';

const RUNS = 200;
/** Of a control, for each setting: so many histories, so often. */
const CONTROL = { runs: 200, rounds: 10 };

type Step = { readonly name: string; readonly peer: number; readonly count: number; readonly one: boolean };

const STEPS = ['publish', 'publish', 'publish', 'turn', 'turn', 'consume', 'settle', 'settle', 'requeue', 'cancel', 'get', 'hear', 'hear', 'lose', 'crash', 'crash'];

function stepOf(...names: readonly string[]): fc.Arbitrary<Step> {
  return fc.record({ name: fc.constantFrom(...names), peer: fc.nat(5), count: fc.integer({ min: 1, max: 15 }), one: fc.boolean() });
}

const step = stepOf(...STEPS);
const stepOrPurge = stepOf(...STEPS, 'purge', 'purge');

function take(world: QueueActorWorld, { name, peer: at, count, one }: Step): void {
  if (world.peers.length < 3) world.connect();
  const peer = world.peers[at % world.peers.length]!;
  switch (name) {
    case 'publish':
      return world.publish(peer, count);
    case 'turn':
      return world.turn();
    case 'consume':
      return world.consume(peer, { prefetch: count % 4, noAck: one });
    case 'settle':
      return world.settle(peer, count, one ? Settle.ack : Settle.discard);
    case 'requeue':
      return world.settle(peer, count, Settle.requeue);
    case 'cancel':
      return world.cancel(peer);
    case 'purge':
      return world.purge(peer);
    case 'get':
      return world.get(peer, one);
    case 'hear':
      return world.hearRestart(peer);
    case 'lose':
      return world.lose(peer);
    case 'crash':
      return world.memory.lightFuse(count * at);
  }
}

const SETTINGS: Readonly<Record<string, FieldTable>> = {
  'a queue': EMPTY_TABLE,
  'a queue with one active consumer': tableOf({ 'x-single-active-consumer': { type: 't', value: true } }),
  'a queue with priorities': tableOf({ 'x-max-priority': int(200) }),
  'a queue with priorities that drops its head': tableOf({ 'x-max-priority': int(3), 'x-max-length': int(6) }),
  'a queue that drops its head': tableOf({ 'x-max-length': int(6) }),
  'a queue that refuses what is too much': tableOf({ 'x-max-length': int(6), 'x-overflow': longstr('reject-publish') }),
  'a queue whose retries wait': tableOf({ 'x-delayed-retry-type': longstr('all'), 'x-delayed-retry-min': int(10), 'x-delayed-retry-max': int(25) }),
  'a queue that limits deliveries': tableOf({ 'x-delivery-limit': int(1), 'x-delayed-retry-type': longstr('failed'), 'x-delayed-retry-min': int(9) }),
};

const actor = suite('histories of a queue actor');

function histories(setting: FieldTable, actors?: typeof QueueActor, steps = step) {
  return fc.property(fc.array(steps, { maxLength: 80, size: 'max' }), (steps) => {
    const world = new QueueActorWorld(setting, actors);
    for (const each of steps) take(world, each);
    world.finish();
  });
}

for (const [name, setting] of Object.entries(SETTINGS)) {
  actor(`${name} keeps its word, crashes included`, () => {
    fc.assert(histories(setting), { numRuns: RUNS, includeErrorInReport: true });
  });
}

for (const name of ['a queue', 'a queue that drops its head', 'a queue whose retries wait']) {
  actor(`${name} purges nothing that may be on its way to a socket`, () => {
    fc.assert(histories(SETTINGS[name]!, undefined, stepOrPurge), { numRuns: RUNS, includeErrorInReport: true });
  });
}

actor('what waits is ready in time after a crash, although nobody writes to the queue', () => {
  let crashes = 0;
  for (let changes = 0; changes < 60; changes++) {
    const world = new QueueActorWorld(SETTINGS['a queue whose retries wait']!);
    const peer = world.connect();
    world.publish(peer, 1);
    world.consume(peer, { prefetch: 0, noAck: false });
    world.turn();
    world.lose(peer);
    world.memory.lightFuse(changes);
    for (let turn = 0; turn < 20; turn++) world.turn();
    crashes += world.crashes;
    assert.equal(world.counts, { ready: 1, unsettled: 0, delayed: 0 }, `a crash at change ${changes}`);
  }
  assert.ok(crashes > 5);
});

actor('a letter that has the number of another publisher\'s is answered, wherever a crash meets it', () => {
  let crashes = 0;
  for (let changes = 0; changes < 40; changes++) {
    const world = new QueueActorWorld(SETTINGS['a queue']!);
    const [one, other] = [world.connect(), world.connect()];
    world.publish(one, 1);
    world.turn();
    world.memory.lightFuse(changes);
    world.publish(other, 3);
    for (let turn = 0; turn < 3; turn++) world.turn();
    crashes += world.crashes;
    assert.is(one.verdicts.size + other.verdicts.size, 4, `a crash at change ${changes}`);
    world.finish();
  }
  assert.ok(crashes > 5);
});

const FILE = new URL('../../../../actors/queue/queue-actor.ts', import.meta.url);

const MISTAKES: Readonly<Record<string, Mistake>> = {
  'a new incarnation watches nobody': { right: '      this.#context.watch(watcher);\n', wrong: '' },
  'an answer overtakes what was delivered before': { right: '    this.#outboxes.flush();\n    const letter', wrong: '    const letter' },
  'what was refused is released again': {
    right: '        ints[at] = 0;\n',
    wrong: '',
  },
  'nobody is waited for after a crash': { right: ' || !this.#unsynced.none) return;\n    while', wrong: ') return;\n    while' },
  'purges wait for nobody after a crash': {
    right: "this.#unsynced.whenNone(() => {\n          this.#answer({ to: from, request }, { type: 'purged'",
    wrong: "[0].forEach(() => {\n          this.#answer({ to: from, request }, { type: 'purged'",
  },
  'purges that waited are forgotten': { right: '    this.#unsynced.release();\n', wrong: '' },
  'nobody waits for the end of a delay': { right: 'this.#timeLimits.endDelays(this.#admission);', wrong: 'this.#machine.endDelays();' },
  'answers of a refused letter do not leave': { right: '    this.#confirms.send(sender);\n', wrong: "    if (accepted * PUBLISH_WORDS === count) this.#confirms.send(sender);\n" },
};

for (const [name, mistake] of Object.entries(MISTAKES)) {
  actor(`find that ${name}`, async () => {
    const { QueueActor: actors } = (await loadMutant(FILE, mistake)) as { readonly QueueActor: typeof QueueActor };
    const isFoundIn = (setting: FieldTable): boolean => fc.check(histories(setting, actors, stepOrPurge), { numRuns: CONTROL.runs, endOnFailure: true }).failed;
    let isFound = false;
    for (let round = 0; round < CONTROL.rounds && !isFound; round++) isFound = Object.values(SETTINGS).some(isFoundIn);
    assert.ok(isFound);
  });
}

actor.run();
