import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectionId } from '../../../../actors/connection/connection-id.ts';
import { ConnectionLetter } from '../../../../actors/messages/connection-messages.ts';
import { ReplicaLetter } from '../../../../actors/messages/replica-messages.ts';
import { TopologyLetter } from '../../../../actors/messages/topology-messages.ts';
import type { ActorContext } from '../../../../actors/runtime/actor.ts';
import { type ActorRef, Letter } from '../../../../actors/runtime/letter.ts';
import { CHANGES_HELD_MAX, TopologyActor } from '../../../../actors/topology/topology-actor.ts';
import type { ChangeOutcome } from '../../../../src/amqp/channel/channel-port.ts';
import { SLOT_WORDS } from '../../../../src/broker/queue/ledger-layout.ts';
import type { TopologyCommand } from '../../../../src/broker/topology/topology-command.ts';
import { Topology } from '../../../../src/broker/topology/topology.ts';
import type { DiskChange } from '../../../../src/store/port.ts';
import { definitionPort } from '../../../support/definition-port.ts';
import { USER, VHOST, WHO, Writer } from '../../../support/topology-fixture.ts';

const CLIENT: ActorRef = { thread: 1, id: 9, generation: 0 };
const FIRST: readonly TopologyCommand[] = [
  { type: 'vhost.set', vhost: { name: VHOST, queueCountMax: -1 } },
  { type: 'user.set', user: { name: USER, passwordHash: '', hashingAlgorithm: '', tags: [] } },
  { type: 'permission.set', permission: { user: USER, vhost: VHOST, configure: '.*', write: '.*', read: '.*' } },
];
const writer = new Writer();

/** A topology actor, its letters, and what it told the store. */
class Bench {
  readonly outcomes: { readonly request: number; readonly outcome: ChangeOutcome }[] = [];
  readonly shown: number[] = [];
  readonly defines: (readonly DiskChange[])[] = [];
  readonly topology: Topology;
  actor: TopologyActor;
  #requests = 0;
  readonly #isDurable: boolean;

  constructor(isDurable: boolean, topology = new Topology()) {
    this.topology = topology;
    this.#isDurable = isDurable;
    this.actor = this.incarnation(undefined);
    if (topology.version === 0) this.actor.decideNow(...FIRST);
    if (isDurable && this.defines.length > 0) this.defined();
    this.actor.addReplica(1);
  }

  incarnation(before: TopologyActor | undefined): TopologyActor {
    const gate = { ...definitionPort, define: (changes: readonly DiskChange[]) => this.defines.push(changes) };
    this.actor = new TopologyActor(this.#context(), this.topology, new Int32Array(64 * SLOT_WORDS), before, this.#isDurable ? gate : undefined);
    return this.actor;
  }

  ask(command: TopologyCommand): number {
    const request = ++this.#requests;
    this.tell(TopologyLetter.change, request, command);
    return request;
  }

  /** The store has what it was told last. */
  defined(): void {
    this.tell(TopologyLetter.defined, this.defines.length);
  }

  /** The one replica has applied what it was shown. */
  applied(): void {
    this.tell(TopologyLetter.applied, this.shown.at(-1)!);
  }

  tell(type: number, a: number, body?: unknown): void {
    const letter = new Letter(type);
    letter.a = a;
    letter.body = body;
    letter.sender = CLIENT;
    this.actor.receive(letter);
    this.actor.endTurn();
  }

  answered(): number[] {
    return this.outcomes.splice(0).map(({ request, outcome }) => ('refusal' in outcome ? -request : request));
  }

  #context(): ActorContext {
    return {
      self: { thread: 0, id: 2, generation: 1 },
      tell: (_to, letter) => {
        if (letter.type === ReplicaLetter.events) this.shown.push(letter.a);
        if (letter.type === ConnectionLetter.outcome) this.outcomes.push({ request: letter.a, outcome: letter.body as ChangeOutcome });
      },
      watch: () => {},
      unwatch: () => {},
      armTimer: () => {},
      cancelTimer: () => {},
      end: () => {},
    };
  }
}

const actors = suite('topology actor');

actors('a durable change is first stored, then shown, then answered', () => {
  const bench = new Bench(true);
  const request = bench.ask(writer.queue('q'));
  assert.is(bench.defines.length, 2);
  // The queue, and the ids that it and those after it may have.
  assert.is(bench.defines[1]!.length, 2);
  assert.equal([bench.shown, bench.answered()], [[], []]);
  bench.defined();
  assert.equal(bench.shown, [bench.topology.version]);
  assert.equal(bench.answered(), []);
  bench.applied();
  assert.equal(bench.answered(), [request]);
});

actors('the first objects of a data directory are one transaction', () => {
  const bench = new Bench(true);
  assert.is(bench.defines.length, 1);
  assert.ok(bench.defines[0]!.length > FIRST.length);
});

actors('a transient change is not written; it waits only for durable ones before it', () => {
  const bench = new Bench(true);
  bench.ask(writer.queue('q'));
  bench.defined();
  bench.applied();
  bench.answered();
  const alone = bench.ask(writer.queue('t', { exclusive: true }));
  assert.is(bench.defines.length, 2);
  bench.applied();
  assert.equal(bench.answered(), [alone]);
  const durable = bench.ask(writer.exchange('x', 'topic'));
  const behind = bench.ask(writer.queue('u', { exclusive: true }));
  bench.applied();
  assert.equal(bench.answered(), []);
  bench.defined();
  bench.applied();
  assert.equal(bench.answered(), [durable, behind]);
});

actors('what comes while something is under way is one transaction', () => {
  const bench = new Bench(true);
  bench.ask(writer.exchange('a', 'topic'));
  for (const name of ['b', 'c', 'd']) bench.ask(writer.exchange(name, 'topic'));
  bench.ask({ type: 'exchange.delete', who: WHO, exchange: 'c', ifUnused: false });
  assert.is(bench.defines.length, 2);
  bench.defined();
  assert.is(bench.defines.length, 3);
  assert.equal(bench.defines[2]!.map(({ value }) => value !== undefined), [true, false, true]);
});

actors('while a disk is full, what was stored long ago is declared again, and what was not waits', () => {
  const bench = new Bench(true);
  bench.ask(writer.queue('old'));
  bench.defined();
  bench.applied();
  bench.answered();
  const first = bench.ask(writer.queue('new'));
  const old = bench.ask(writer.queue('old'));
  assert.equal(bench.answered(), [old]);
  const again = bench.ask(writer.queue('new'));
  assert.equal(bench.answered(), []);
  // There is room again.
  bench.defined();
  bench.applied();
  assert.equal(bench.answered(), [first, again]);
});

actors('no more than so many wait for a disk, but what deletes itself always may', () => {
  const bench = new Bench(true);
  bench.ask(writer.queue('new'));
  for (let held = 1; held < CHANGES_HELD_MAX; held++) bench.ask(writer.queue('new'));
  assert.equal(bench.answered(), []);
  bench.ask(writer.queue('new'));
  bench.ask(writer.queue('other'));
  assert.is(bench.answered().length, 2);
  assert.is(bench.topology.queue(VHOST, 'other'), undefined);
  bench.actor.decideNow({ type: 'queue.vanish', id: bench.topology.queue(VHOST, 'new')!.record.id });
  assert.is(bench.topology.queue(VHOST, 'new'), undefined);
});

actors('a new incarnation says again what is not stored, all in one, and takes no older answer', () => {
  const bench = new Bench(true);
  const first = bench.ask(writer.queue('q'));
  const second = bench.ask(writer.exchange('x', 'topic'));
  assert.is(bench.defines.length, 2);
  bench.incarnation(bench.actor);
  assert.is(bench.defines.length, 3);
  assert.is(bench.defines[2]!.length, 3);
  bench.tell(TopologyLetter.defined, 2);
  assert.equal(bench.shown, []);
  bench.tell(TopologyLetter.defined, 3);
  bench.applied();
  assert.equal(bench.answered(), [first, second]);
});

actors('who stops says what was not said yet', () => {
  const bench = new Bench(true);
  bench.ask(writer.exchange('a', 'topic'));
  bench.ask(writer.exchange('b', 'topic'));
  assert.is(bench.defines.length, 2);
  bench.actor.stop();
  assert.is(bench.defines.at(-1)!.length, 2);
});

actors('without a store everything is shown at once', () => {
  const bench = new Bench(false);
  const request = bench.ask(writer.queue('q'));
  assert.equal(bench.shown, [bench.topology.version]);
  assert.equal(bench.answered(), []);
  const again = bench.ask(writer.queue('q'));
  // Not every thread knows the queue yet: who declares it again must wait as well (I8).
  assert.equal(bench.answered(), []);
  bench.applied();
  assert.equal(bench.answered(), [request, again]);
});

actors('slots of queues that were restored are taken, the gaps are used first, ids go on', () => {
  const early = new Writer();
  for (const slot of [1, 2, 3, 5]) early.must(early.queue(`q${slot}`, { slot, thread: 1 }));
  early.must(early.queueDelete('q2'));
  const bench = new Bench(true, Topology.restore(early.topology.snapshot(), 50, 1_000));
  const queues = ['a', 'b', 'c'].map((name) => {
    bench.ask(writer.queue(name));
    const { id, slot } = bench.topology.queue(VHOST, name)!.record;
    return [id, slot];
  });
  assert.equal(queues, [
    [1_001, 2],
    [1_002, 4],
    [1_003, 6],
  ]);
});

actors('an exclusive queue goes with a connection that is lost with its thread, and is not declared for it afterwards', () => {
  const bench = new Bench(false);
  const declare = (name: string, serial: number): boolean => {
    const command = writer.queue(name, { exclusive: true });
    assert.ok(command.type === 'queue.declare');
    bench.ask({ ...command, who: { ...WHO, connection: connectionId(1, serial) } });
    return bench.topology.queue(VHOST, name) !== undefined;
  };
  assert.ok(declare('before', 5));
  bench.actor.connectionsLost(1, 6);
  assert.is(bench.topology.queue(VHOST, 'before'), undefined);
  assert.not(declare('late', 5), 'nobody is left who would delete it');
  assert.ok(declare('of the replacement', 6));
  bench.incarnation(bench.actor);
  assert.not(declare('late', 5), 'a crash forgets it');
});

actors('what a lost thread had applied does not set its replacement back', () => {
  const bench = new Bench(false);
  bench.ask(writer.queue('q'));
  const late = bench.shown.at(-1)!;
  bench.actor.dropReplica(1);
  bench.ask(writer.queue('r'));
  bench.actor.addReplica(1);
  bench.answered();
  bench.tell(TopologyLetter.applied, late);
  const request = bench.ask(writer.queue('r'));
  assert.equal(bench.answered(), [request]);
});

actors.run();
