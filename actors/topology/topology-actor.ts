/**
 * The single writer of the topology: commands become events, events go to every replica, and who asked hears of it when all
 * replicas have applied them. A client that was told `declare-ok` may tell another, on whatever thread: it finds the queue (I8).
 */
import { ConnectionLetter } from '../messages/connection-messages.ts';
import { REPLICA_ID, ReplicaLetter } from '../messages/replica-messages.ts';
import { TopologyLetter } from '../messages/topology-messages.ts';
import type { Actor, ActorContext } from '../runtime/actor.ts';
import { type ActorRef, Letter } from '../runtime/letter.ts';
import type { ChangeOutcome } from '../../src/amqp/channel/channel-port.ts';
import { QUEUE_SLOTS_MAX, READY_COUNT, SLOT_WORDS } from '../../src/broker/queue/ledger-layout.ts';
import { ReplyCode, refuse } from '../../src/broker/refusal.ts';
import { decide } from '../../src/broker/topology/decide.ts';
import type { TopologyCommand, TopologyReply } from '../../src/broker/topology/topology-command.ts';
import type { TopologyEvent } from '../../src/broker/topology/topology-event.ts';
import type { QueueRecord } from '../../src/broker/topology/topology-records.ts';
import type { Topology } from '../../src/broker/topology/topology.ts';

type Waiting = {
  readonly to: ActorRef;
  readonly request: number;
  readonly reply: TopologyReply;
  readonly version: number;
};

export class TopologyActor implements Actor {
  readonly #context: ActorContext;
  readonly #topology: Topology;
  readonly #slots: Int32Array;
  /** Version that each replica has reached, by thread. */
  readonly #reached: Map<number, number>;
  readonly #freeSlots: number[];
  /** Queues that are deleted and may still hold something, by slot. */
  readonly #ending: Map<number, QueueRecord>;
  #nextSlot: number;
  /** In order of version. */
  #waiting: Waiting[] = [];

  /** `before` is the incarnation that crashed: what it knew of replicas and slots is still true. */
  constructor(context: ActorContext, topology: Topology, slots: Int32Array, before: TopologyActor | undefined) {
    this.#context = context;
    this.#topology = topology;
    this.#slots = slots;
    this.#reached = before === undefined ? new Map() : before.#reached;
    this.#freeSlots = before === undefined ? [] : before.#freeSlots;
    this.#ending = before === undefined ? new Map() : before.#ending;
    this.#nextSlot = before === undefined ? 1 : before.#nextSlot;
    this.#waiting = before === undefined ? [] : before.#waiting;
  }

  receive(letter: Letter): void {
    switch (letter.type) {
      case TopologyLetter.change:
        return this.#change(letter.sender, letter.a, letter.body as TopologyCommand);
      case TopologyLetter.applied:
        return this.#applied(letter.sender.thread, letter.a);
      case TopologyLetter.emptied:
        return this.#emptied(letter.a, letter.b);
    }
  }

  endTurn(): void {}

  stop(): void {}

  /** A thread has a replica at this version, and gets every event from now on. */
  addReplica(thread: number): void {
    this.#reached.set(thread, this.#topology.version);
  }

  /** Deleted queues of a thread that have not said that they are empty: a replacement of the thread goes on emptying them. */
  endingQueues(thread: number): readonly QueueRecord[] {
    return [...this.#ending.values()].filter((queue) => queue.thread === thread);
  }

  /** A thread is lost: nobody waits for it any more. */
  dropReplica(thread: number): void {
    this.#reached.delete(thread);
    this.#answerWaiting();
  }

  /** Decides at once, for the node itself: what it starts with, what a lost connection leaves. */
  decideNow(command: TopologyCommand): void {
    this.#change({ thread: 0, id: 0, generation: 0 }, 0, command);
  }

  #change(from: ActorRef, request: number, asked: TopologyCommand): void {
    const command = asked.type === 'queue.declare' ? { ...asked, slot: this.#peekSlot() } : asked;
    if (command.type === 'queue.declare' && command.slot >= QUEUE_SLOTS_MAX) {
      const text = `cannot declare queue '${command.queue}': queue limit of the node (${QUEUE_SLOTS_MAX}) is reached`;
      return this.#answer(from, request, { refusal: refuse(ReplyCode.preconditionFailed, text) });
    }
    const decision = decide(this.#topology, command);
    if ('refusal' in decision) return this.#answer(from, request, { refusal: decision.refusal });
    const { reply, events } = decision;
    if (events.length === 0) return this.#answer(from, request, { reply, readyCount: 0 });
    for (const event of events) this.#apply(event);
    this.#publish(events);
    this.#waiting.push({ to: from, request, reply, version: this.#topology.version });
    this.#answerWaiting();
  }

  #apply(event: TopologyEvent): void {
    this.#topology.apply(event);
    if (event.type === 'queue-created') this.#takeSlot(event.queue.slot);
    else if (event.type === 'queue-deleted') this.#ending.set(event.queue.slot, event.queue);
  }

  /** Around the loss of a thread this may be said twice. */
  #emptied(slot: number, id: number): void {
    if (this.#ending.get(slot)?.id !== id) return;
    this.#ending.delete(slot);
    this.#freeSlots.push(slot);
  }

  #peekSlot(): number {
    return this.#freeSlots.at(-1) ?? this.#nextSlot;
  }

  #takeSlot(slot: number): void {
    if (this.#freeSlots.at(-1) === slot) this.#freeSlots.pop();
    else if (slot === this.#nextSlot) this.#nextSlot++;
    else throw new Error(`slot ${slot} was taken out of turn`);
  }

  #publish(events: readonly TopologyEvent[]): void {
    for (const thread of this.#reached.keys()) {
      const letter = new Letter(ReplicaLetter.events);
      letter.a = this.#topology.version;
      letter.body = events;
      this.#context.tell({ thread, id: REPLICA_ID, generation: 0 }, letter);
    }
  }

  #applied(thread: number, version: number): void {
    if (!this.#reached.has(thread)) return;
    this.#reached.set(thread, version);
    this.#answerWaiting();
  }

  #answerWaiting(): void {
    let reached = this.#topology.version;
    for (const version of this.#reached.values()) reached = Math.min(reached, version);
    while (this.#waiting.length > 0 && this.#waiting[0]!.version <= reached) {
      const { to, request, reply } = this.#waiting.shift()!;
      this.#answer(to, request, { reply, readyCount: this.#readyCountOf(reply) });
    }
  }

  /** What was ready in a queue when it was deleted: its slot still says. */
  #readyCountOf(reply: TopologyReply): number {
    if (reply.type !== 'queue-deleted') return 0;
    return Atomics.load(this.#slots, reply.queue.slot * SLOT_WORDS + READY_COUNT);
  }

  #answer(to: ActorRef, request: number, outcome: ChangeOutcome): void {
    if (request === 0) return;
    const letter = new Letter(ConnectionLetter.outcome);
    letter.a = request;
    letter.body = outcome;
    this.#context.tell(to, letter);
  }
}
