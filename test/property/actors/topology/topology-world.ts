/**
 * A topology actor among a store that commits when it likes, replicas that read when they like, crashes of the actor in the middle of
 * anything, and ends of the process. It watches that nobody is shown or told what the store does not have.
 */
import * as assert from 'uvu/assert';
import { ConnectionLetter } from '../../../../actors/messages/connection-messages.ts';
import { REPLICA_ID, ReplicaLetter } from '../../../../actors/messages/replica-messages.ts';
import { TOPOLOGY_ID, TOPOLOGY_THREAD, TopologyLetter } from '../../../../actors/messages/topology-messages.ts';
import type { ActorContext } from '../../../../actors/runtime/actor.ts';
import { type ActorRef, Letter } from '../../../../actors/runtime/letter.ts';
import type { StoreGate } from '../../../../actors/topology/definition-outbox.ts';
import { TopologyActor } from '../../../../actors/topology/topology-actor.ts';
import type { ChangeOutcome } from '../../../../src/amqp/channel/channel-port.ts';
import { SLOT_WORDS } from '../../../../src/broker/queue/ledger-layout.ts';
import { placeQueues } from '../../../../src/broker/topology/queue-placement.ts';
import type { TopologyCommand } from '../../../../src/broker/topology/topology-command.ts';
import { objectOfCommand, objectOfEvent } from '../../../../src/broker/topology/topology-object.ts';
import { isDurable, type TopologyEvent } from '../../../../src/broker/topology/topology-event.ts';
import { NO_OWNER, type QueueRecord, UNLIMITED } from '../../../../src/broker/topology/topology-records.ts';
import { Topology } from '../../../../src/broker/topology/topology.ts';
import { DefinitionKind, keyOf } from '../../../../src/store/definition-key.ts';
import { readDefinitions } from '../../../../src/store/definitions.ts';
import type { DiskChange } from '../../../../src/store/port.ts';
import { DefinitionMap, definitionPort } from '../../../support/definition-port.ts';
import { USER, VHOST } from '../../../support/topology-fixture.ts';

const THREADS = [1, 2];
const CLIENT = 77;
const slotWords = new Int32Array(4096 * SLOT_WORDS);

const FIRST_COMMANDS: readonly TopologyCommand[] = [
  { type: 'vhost.set', vhost: { name: VHOST, queueCountMax: UNLIMITED } },
  { type: 'user.set', user: { name: USER, passwordHash: '', hashingAlgorithm: '', tags: [] } },
  { type: 'permission.set', permission: { user: USER, vhost: VHOST, configure: '.*', write: '.*', read: '.*' } },
];

export type Step =
  | { readonly type: 'command'; readonly command: TopologyCommand }
  | { readonly type: 'commit' }
  | { readonly type: 'read'; readonly thread: number }
  | { readonly type: 'replace'; readonly thread: number }
  | { readonly type: 'crash'; readonly afterTells: number; readonly told: boolean }
  | { readonly type: 'crash after' }
  | { readonly type: 'kill' };

class Crash extends Error {}
type Replica = { topology: Topology; readonly inbox: Letter[] };

export class TopologyWorld {
  readonly store = new DefinitionMap();
  answered = 0;
  crashes = 0;
  shownCount = 0;
  topology = new Topology();
  actor!: TopologyActor;
  readonly #gate: StoreGate;
  readonly #replicas = new Map<number, Replica>();
  /** Who waits for an answer: the command, and the version that its change led to, once it is decided. */
  readonly #open = new Map<number, { readonly command: TopologyCommand; version: number }>();
  /** For each object, the version that the last command about it led to: what is older says nothing about the store any more. */
  readonly #changed = new Map<string, number>();
  /** Every id that a queue was shown with, in all processes. */
  readonly #ids = new Map<number, string>();
  readonly #emptied: QueueRecord[] = [];
  #defines: { readonly request: number; readonly changes: readonly DiskChange[] }[] = [];
  #requests = 0;
  #defined = 0;
  #crashIn: { tells: number; readonly told: boolean } | undefined = undefined;
  #crashAfter = false;

  constructor() {
    this.#gate = {
      ...definitionPort,
      define: (changes) => {
        const request = ++this.#defined;
        this.#tell(() => this.#defines.push({ request, changes }));
        return request;
      },
    };
    this.#start();
  }

  /** A process begins: it knows what the store has. */
  #start(): void {
    const { events, faults, lastQueueId } = readDefinitions(this.store.entries(), definitionPort);
    assert.equal(faults, []);
    this.topology = Topology.restore(placeQueues(events, THREADS.length), events.length, lastQueueId);
    this.actor = new TopologyActor(this.#context(), this.topology, slotWords, undefined, this.#gate);
    if (events.length === 0) this.actor.decideNow(...FIRST_COMMANDS);
    for (const thread of THREADS) this.#startReplica(thread);
  }

  #startReplica(thread: number): void {
    this.#replicas.set(thread, { topology: Topology.restore(this.topology.snapshot(), this.topology.version), inbox: [] });
    this.actor.addReplica(thread);
  }

  do(step: Step): void {
    switch (step.type) {
      case 'command':
        return this.#command(step.command);
      case 'commit':
        return this.#commit();
      case 'read':
        return this.#read(step.thread);
      case 'replace':
        this.#crashIn = undefined;
        this.#replicas.delete(step.thread);
        this.actor.dropReplica(step.thread);
        return this.#startReplica(step.thread);
      case 'crash':
        this.#crashIn = { tells: step.afterTells, told: step.told };
        return;
      case 'crash after':
        this.#crashAfter = true;
        return;
      case 'kill':
        this.#open.clear();
        this.#emptied.length = 0;
        this.#defines = [];
        this.#crashIn = undefined;
        this.#crashAfter = false;
        return this.#start();
    }
  }

  /** All wheels turn until nothing moves: then nobody waits. */
  settleDown(): void {
    this.#crashIn = undefined;
    this.#crashAfter = false;
    for (let moves = 0; this.#moves(); moves++) {
      if (moves === 1000) throw new Error('it never comes to rest');
      this.#commit();
      for (const thread of THREADS) this.#read(thread);
    }
    assert.equal([...this.#open.values()], [], 'somebody was not answered');
    const stored = this.store.entries().filter(({ key }) => key[1] !== DefinitionKind.queueIds);
    assert.is(stored.length, durableCount(this.topology), 'the store has what the writer has');
  }

  #moves(): boolean {
    return this.#defines.length > 0 || this.#emptied.length > 0 || [...this.#replicas.values()].some(({ inbox }) => inbox.length > 0);
  }

  #command(command: TopologyCommand): void {
    const letter = new Letter(TopologyLetter.change);
    const ownAccord = command.type === 'queue.vanish' || command.type === 'connection.end';
    letter.a = ownAccord ? 0 : ++this.#requests;
    letter.body = command;
    letter.sender = { thread: 1, id: CLIENT, generation: 0 };
    const waiting = { command, version: Number.MAX_SAFE_INTEGER };
    if (!ownAccord) this.#open.set(letter.a, waiting);
    const before = this.topology.version;
    this.#deliver(letter);
    // What a virtual host begins with comes and goes without a command of its own.
    const object = command.type === 'vhost.set' ? vhostOf(command.vhost.name) : objectOfCommand(command);
    if (object !== undefined && this.topology.version > before) this.#changed.set(object, this.topology.version);
    waiting.version = this.topology.version;
  }

  #commit(): void {
    const said = this.#defines;
    this.#defines = [];
    for (const { changes } of said) this.store.put(changes);
    const last = said.at(-1);
    if (last !== undefined) this.#answerDefine(last.request);
  }

  #answerDefine(request: number): void {
    const letter = new Letter(TopologyLetter.defined);
    letter.a = request;
    this.#deliver(letter);
  }

  /** As a replica actor does it. */
  #read(thread: number): void {
    const { topology, inbox } = this.#replicas.get(thread)!;
    for (const letter of inbox.splice(0)) {
      if (letter.a <= topology.version) continue;
      for (const event of letter.body as readonly TopologyEvent[]) {
        this.#checkId(event);
        topology.apply(event);
        if (event.type === 'queue-deleted' && event.queue.thread === thread) this.#emptied.push(event.queue);
      }
      assert.is(topology.version, letter.a, 'a replica missed a change');
      const applied = new Letter(TopologyLetter.applied);
      applied.a = letter.a;
      applied.sender = { thread, id: REPLICA_ID, generation: 0 };
      this.#deliver(applied);
    }
    for (const { slot, id } of this.#emptied.splice(0)) {
      const letter = new Letter(TopologyLetter.emptied);
      letter.a = slot;
      letter.b = id;
      this.#deliver(letter);
    }
  }

  /** A replica is shown the queue: nobody before it had its id. */
  #checkId(event: TopologyEvent): void {
    if (event.type !== 'queue-created') return;
    const { id, name, vhost } = event.queue;
    const known = this.#ids.get(id);
    assert.ok(known === undefined || known === `${vhost} ${name}`, `the id ${id} of ${known} was given again, to ${name}`);
    this.#ids.set(id, `${vhost} ${name}`);
  }

  /** The event leaves for a replica. */
  #checkShown(event: TopologyEvent, version: number): void {
    this.shownCount++;
    const object = objectOfEvent(event);
    if (!isDurable(event) || object === undefined || (this.#changed.get(object) ?? 0) > version) return;
    if ('exchange' in event && (this.#changed.get(vhostOf(event.exchange.vhost)) ?? 0) > version) return;
    const isThere = event.type.endsWith('-created');
    assert.ok(this.#stands(event) !== isThere || this.#isStored(event) === isThere, `${event.type} was shown and is not stored`);
  }

  #isStored(event: TopologyEvent): boolean {
    const key = keyOf(event, definitionPort);
    return this.store.entries().some((entry) => entry.key.equals(key));
  }

  /** Whether the object of the event is there, for the writer. Only then does what comes later not excuse what the store lacks. */
  #stands(event: TopologyEvent): boolean {
    const key = keyOf(event, definitionPort);
    return [...this.topology.snapshot()].some((other) => isDurable(other) && keyOf(other, definitionPort).equals(key));
  }

  #checkAnswer(request: number, outcome: ChangeOutcome): void {
    const waiting = this.#open.get(request);
    this.#open.delete(request);
    if (waiting === undefined || 'refusal' in outcome) return;
    this.answered++;
    const { command, version } = waiting;
    if ((this.#changed.get(objectOfCommand(command) ?? '') ?? 0) > version) return;
    for (const event of durableNow(this.topology, command)) {
      assert.ok(this.#isStored(event), `${command.type} was answered and is not stored`);
      for (const [thread, { topology }] of this.#replicas) {
        assert.ok(
          [...topology.snapshot()].some((other) => keyOf(other, definitionPort).equals(keyOf(event, definitionPort))),
          `${command.type} was answered and thread ${thread} does not know`,
        );
      }
    }
    if (command.type === 'queue.delete' && this.topology.queue(command.who.vhost, command.queue) === undefined) {
      const queue = { vhost: command.who.vhost, name: command.queue } as QueueRecord;
      assert.not.ok(this.#isStored({ type: 'queue-deleted', queue }), 'queue.delete was answered and the queue is still stored');
    }
  }

  #deliver(letter: Letter): void {
    // The letter in hand comes again after a crash, three times at most.
    for (let left = 3; left > 0; left--) {
      try {
        this.actor.receive(letter);
        if (this.#crashAfter) {
          this.#crashAfter = false;
          throw new Crash();
        }
        this.actor.endTurn();
        return;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        this.crashes++;
        this.#crashIn = undefined;
        this.actor = new TopologyActor(this.#context(), this.topology, slotWords, this.actor, this.#gate);
      }
    }
  }

  /** Crashes the actor just before or just after it has told, if it is to. */
  #tell(tell: () => void): void {
    const crash = this.#crashIn;
    if (crash === undefined || crash.tells-- > 0) return tell();
    this.#crashIn = undefined;
    if (crash.told) tell();
    throw new Crash();
  }

  #context(): ActorContext {
    return {
      self: { thread: TOPOLOGY_THREAD, id: TOPOLOGY_ID, generation: 1 },
      tell: (to, letter) => this.#tell(() => this.#carry(to, letter)),
      watch: () => {},
      unwatch: () => {},
      armTimer: () => {},
      cancelTimer: () => {},
      end: () => {},
    };
  }

  #carry(to: ActorRef, letter: Letter): void {
    if (letter.type === ReplicaLetter.events) {
      for (const event of letter.body as readonly TopologyEvent[]) this.#checkShown(event, letter.a);
      this.#replicas.get(to.thread)!.inbox.push(letter);
    } else if (letter.type === ConnectionLetter.outcome) this.#checkAnswer(letter.a, letter.body as ChangeOutcome);
  }
}

function vhostOf(name: string): string {
  return `vhost ${name}`;
}

/** The durable things that the command names and that are there now. */
function durableNow(topology: Topology, command: TopologyCommand): readonly TopologyEvent[] {
  const events: TopologyEvent[] = [];
  if (command.type === 'queue.declare') {
    const queue = topology.queue(command.who.vhost, command.queue)?.record;
    if (queue?.durable === true && queue.exclusiveOwner === NO_OWNER) events.push({ type: 'queue-created', queue });
  } else if (command.type === 'exchange.declare') {
    const exchange = topology.exchange(command.who.vhost, command.exchange)?.record;
    if (exchange?.durable === true) events.push({ type: 'exchange-created', exchange });
  } else if (command.type.endsWith('.bind') && 'routingKey' in command) {
    for (const binding of topology.bindings(command.who.vhost)) {
      const { source, destination, routingKey } = binding;
      const isSame = source === command.source && destination === command.destination && routingKey === command.routingKey;
      if (isSame && binding.destinationKind === command.type.slice(0, -'.bind'.length) && binding.durable) events.push({ type: 'binding-created', binding });
    }
  }
  return events;
}

function durableCount(topology: Topology): number {
  return [...topology.snapshot()].filter(isDurable).length;
}
