/**
 * The single writer of the topology.
 *
 * ```
 *   command -> decided, applied here -> `define` to the store -> on the device -> `events` to every replica -> applied by all -> answer
 * ```
 *
 * Nothing is shown before the device has it, so that nobody can build on what a crash of the process takes back: a message cannot be
 * confirmed in a queue that will not be there, and the messages of a deleted queue go only when the queue cannot come back. What has
 * nothing durable in it waits only for changes before it, because replicas apply events in order. (A thread that begins meanwhile is the
 * exception: it starts from the writer's own topology. That takes the loss of a thread and the end of the process within one commit.)
 *
 * A client that was told `declare-ok` may tell another, on whatever thread: it finds the queue (I8). This holds for who declared again
 * what is there already, too: the answer waits while the same thing is about to change.
 *
 * When the disk is full the store says nothing until there is room, and changes wait, and so do those who asked. Declaring again what was stored long ago is
 * answered, so that consumers can come and make room.
 */
import { ConnectionLetter } from '../messages/connection-messages.ts';
import { REPLICA_ID, ReplicaLetter } from '../messages/replica-messages.ts';
import { TopologyLetter } from '../messages/topology-messages.ts';
import type { Actor, ActorContext } from '../runtime/actor.ts';
import { type ActorRef, Letter, NOBODY } from '../runtime/letter.ts';
import type { ChangeOutcome } from '../../src/amqp/channel/channel-port.ts';
import { QUEUE_SLOTS_MAX, READY_COUNT, SLOT_WORDS } from '../../src/broker/queue/ledger-layout.ts';
import { hasHiddenQueue } from '../../src/broker/exchange/hidden-queue.ts';
import { ReplyCode, refuse } from '../../src/broker/refusal.ts';
import { decide } from '../../src/broker/topology/decide.ts';
import type { TopologyCommand, TopologyReply } from '../../src/broker/topology/topology-command.ts';
import type { TopologyEvent } from '../../src/broker/topology/topology-event.ts';
import { NO_OWNER, type QueueRecord } from '../../src/broker/topology/topology-records.ts';
import type { Topology } from '../../src/broker/topology/topology.ts';
import { isNamedBefore, threadOfConnection } from '../connection/connection-id.ts';
import { DefinitionOutbox, type StoreGate } from './definition-outbox.ts';
import { type Change, HeldChanges } from './held-changes.ts';
import { QueueSlots } from './queue-slots.ts';

/**
 * Changes that may wait for the store. Connections ask for one at a time, but those that were given up leave theirs behind while a disk
 * is full.
 */
export const CHANGES_HELD_MAX = 65_536;

export class TopologyActor implements Actor {
  readonly #context: ActorContext;
  readonly #topology: Topology;
  readonly #slotWords: Int32Array;
  readonly #slots: QueueSlots;
  /** Undefined in a node that keeps nothing. */
  readonly #outbox: DefinitionOutbox | undefined;
  readonly #held: HeldChanges;
  /** Version that each replica has reached, by thread. */
  readonly #reached: Map<number, number>;
  /** Shown, and not yet applied by every replica. In order of version. */
  readonly #shown: Change[];
  /** Of threads that were lost: the serial number that connections had come to. */
  readonly #lost: Map<number, number>;

  /**
   * `before` is the incarnation that crashed or was stopped: what it knew is still true, and what it began goes on. A letter over which it
   * crashed comes again. Was the command carried out then, it finds nothing to do now, and its second answer finds nobody who waits; an
   * answer, a list of events or a batch that left just before the crash may leave twice, which does no harm, but none is left out:
   * everything is taken off its list only after it was told.
   *
   * `gate` undefined: nothing is durable.
   */
  constructor(context: ActorContext, topology: Topology, slotWords: Int32Array, before: TopologyActor | undefined, gate?: StoreGate) {
    this.#context = context;
    this.#topology = topology;
    this.#slotWords = slotWords;
    this.#slots = before === undefined ? new QueueSlots(topology) : before.#slots;
    this.#held = before === undefined ? new HeldChanges(topology.version) : before.#held;
    this.#reached = before === undefined ? new Map() : before.#reached;
    this.#shown = before === undefined ? [] : before.#shown;
    this.#lost = before === undefined ? new Map() : before.#lost;
    if (before !== undefined) this.#outbox = before.#outbox;
    else this.#outbox = gate === undefined ? undefined : new DefinitionOutbox(gate, topology.lastQueueId);
    // The incarnation before may have crashed before it could say what it had collected.
    this.#outbox?.restate();
    // It may have crashed over telling what need not wait any more.
    this.#show();
  }

  receive(letter: Letter): void {
    switch (letter.type) {
      case TopologyLetter.change:
        return this.#change(letter.sender, letter.a, letter.body as TopologyCommand);
      case TopologyLetter.applied:
        return this.#applied(letter.sender.thread, letter.a);
      case TopologyLetter.emptied:
        return this.#slots.emptied(letter.a, letter.b);
      case TopologyLetter.defined:
        return this.#defined(letter.a);
    }
  }

  endTurn(): void {
    this.#outbox?.send();
  }

  /** Nobody waits for an answer any more, but what was decided is decided: a queue that deleted itself must not be back. */
  stop(): void {
    this.#outbox?.restate();
  }

  /** A thread has a replica at this version, and gets every event from now on. */
  addReplica(thread: number): void {
    this.#reached.set(thread, this.#topology.version);
  }

  /** Deleted queues of a thread that have not said that they are empty: a replacement of the thread goes on emptying them. */
  endingQueues(thread: number): readonly QueueRecord[] {
    return this.#slots.endingOn(thread);
  }

  /** A thread is lost: nobody waits for it any more. */
  dropReplica(thread: number): void {
    this.#reached.delete(thread);
    this.#answerShown();
  }

  /**
   * The connections of a thread are gone without a word, and exclusive queues go with them. `serial`: what names those that come after
   * them.
   */
  connectionsLost(thread: number, serial: number): void {
    this.#lost.set(thread, serial);
    const owners = new Set<number>();
    for (const vhost of this.#topology.vhosts()) {
      for (const { exclusiveOwner } of this.#topology.queues(vhost.name)) {
        if (exclusiveOwner !== NO_OWNER && threadOfConnection(exclusiveOwner) === thread) owners.add(exclusiveOwner);
      }
    }
    for (const connection of owners) this.decideNow({ type: 'connection.end', connection });
  }

  /** It was lost with its thread; what it wrote before may be read only now. */
  #isLost(connection: number): boolean {
    const serial = this.#lost.get(threadOfConnection(connection));
    return serial !== undefined && isNamedBefore(connection, serial);
  }

  /**
   * Decides at once, for the node itself: what it starts with, what a lost connection leaves. The store gets all of it in one
   * transaction: either a new data directory has its virtual host and its users, or it is still new.
   */
  decideNow(...commands: readonly TopologyCommand[]): void {
    for (const command of commands) this.#change(NOBODY, 0, command);
    this.#outbox?.send();
  }

  #change(from: ActorRef, request: number, asked: TopologyCommand): void {
    // Nobody would ever delete it.
    if (asked.type === 'queue.declare' && asked.exclusive && this.#isLost(asked.who.connection)) return;
    const command = this.#placed(from, asked);
    const slot = command.type === 'queue.declare' ? command.slot : command.type === 'exchange.declare' ? (command.place?.slot ?? 0) : 0;
    if (slot >= QUEUE_SLOTS_MAX) {
      const text = `cannot declare ${command.type === 'queue.declare' ? `queue '${command.queue}'` : 'a delayed exchange'}: queue limit of the node (${QUEUE_SLOTS_MAX}) is reached`;
      return this.#answer(from, request, { refusal: refuse(ReplyCode.preconditionFailed, text) });
    }
    const decision = decide(this.#topology, command);
    if ('refusal' in decision) return this.#answer(from, request, { refusal: decision.refusal });
    const { reply, events } = decision;
    if (events.length === 0) return this.#answerUnchanged(from, request, command, reply);
    if (request !== 0 && this.#held.count >= CHANGES_HELD_MAX) return this.#answer(from, request, { refusal: tooManyHeld() });
    const prepared = this.#outbox?.prepare(events);
    for (const event of events) this.#apply(event);
    const batch = prepared === undefined ? 0 : this.#outbox!.collect(prepared);
    this.#held.hold({ events, version: this.#topology.version, batch, to: from, request, reply });
    this.#show();
  }

  /** With a place for the actor that it may need. */
  #placed({ thread }: ActorRef, asked: TopologyCommand): TopologyCommand {
    if (asked.type === 'queue.declare') return { ...asked, slot: this.#slots.peek() };
    if (asked.type !== 'exchange.declare' || !hasHiddenQueue(asked.kind)) return asked;
    // Who declares it will publish to it, mostly; the main thread runs no queues.
    return { ...asked, place: { thread: Math.max(thread, 1), slot: this.#slots.peek() } };
  }

  /** Nothing changes. But what makes it so may be on its way, to the store or to a replica, and the answer must not overtake it. */
  #answerUnchanged(to: ActorRef, request: number, command: TopologyCommand, reply: TopologyReply): void {
    if (request === 0) return;
    if (!this.#held.concerns(command)) {
      this.#shown.push({ events: [], version: this.#held.shownVersion, batch: 0, to, request, reply });
      return this.#answerShown();
    }
    if (this.#held.count >= CHANGES_HELD_MAX) return this.#answer(to, request, { refusal: tooManyHeld() });
    this.#held.hold({ events: [], version: this.#topology.version, batch: 0, to, request, reply });
  }

  #apply(event: TopologyEvent): void {
    this.#topology.apply(event);
    if (event.type === 'queue-created') this.#slots.take(event.queue.slot);
    else if (event.type === 'queue-deleted') this.#slots.deleted(event.queue);
  }

  #defined(request: number): void {
    if (this.#outbox?.awaits(request) !== true) return;
    this.#outbox.defined();
    this.#show();
  }

  /** Every replica hears of what the store has. */
  #show(): void {
    const stored = this.#outbox?.stored ?? 0;
    for (let change = this.#held.first(stored); change !== undefined; change = this.#held.first(stored)) {
      // Told again after a crash right here, a replica leaves it aside: it is at that version.
      if (change.events.length > 0) this.#publish(change);
      if (change.request !== 0) this.#shown.push(change);
      this.#held.shift();
    }
    this.#answerShown();
  }

  #publish({ events, version }: Change): void {
    for (const thread of this.#reached.keys()) {
      const letter = new Letter(ReplicaLetter.events);
      letter.a = version;
      letter.body = events;
      this.#context.tell({ thread, id: REPLICA_ID, generation: 0 }, letter);
    }
  }

  #applied(thread: number, version: number): void {
    // What a lost thread had applied may be read when its replacement is further.
    if (version <= (this.#reached.get(thread) ?? Infinity)) return;
    this.#reached.set(thread, version);
    this.#answerShown();
  }

  #answerShown(): void {
    let reached = this.#topology.version;
    for (const version of this.#reached.values()) reached = Math.min(reached, version);
    for (let change = this.#shown[0]; change !== undefined && change.version <= reached; change = this.#shown[0]) {
      const { to, request, reply } = change;
      this.#answer(to, request, { reply, readyCount: this.#readyCountOf(reply) });
      this.#shown.shift();
    }
  }

  /** What was ready in a queue when it was deleted: its slot still says. */
  #readyCountOf(reply: TopologyReply): number {
    if (reply.type !== 'queue-deleted') return 0;
    return Atomics.load(this.#slotWords, reply.queue.slot * SLOT_WORDS + READY_COUNT);
  }

  #answer(to: ActorRef, request: number, outcome: ChangeOutcome): void {
    if (request === 0) return;
    const letter = new Letter(ConnectionLetter.outcome);
    letter.a = request;
    letter.body = outcome;
    this.#context.tell(to, letter);
  }
}

function tooManyHeld(): ReturnType<typeof refuse> {
  return refuse(ReplyCode.resourceError, `${CHANGES_HELD_MAX} changes wait for the disk already`);
}
