/**
 * The topology as one thread sees it, and the hand of the main thread there: it applies events, starts and ends the queues
 * that live on this thread, and passes on what every connection must hear.
 */
import { ConnectionLetter } from '../messages/connection-messages.ts';
import { KEEPER_ID, KEEPER_THREAD, KeeperLetter } from '../messages/keeper-messages.ts';
import { QueueLetter, queueRef } from '../messages/queue-messages.ts';
import { ReplicaLetter } from '../messages/replica-messages.ts';
import { TOPOLOGY_ID, TOPOLOGY_THREAD, TopologyLetter } from '../messages/topology-messages.ts';
import type { Actor, ActorContext } from '../runtime/actor.ts';
import { Letter, RuntimeLetter } from '../runtime/letter.ts';
import type { TopologyEvent } from '../../src/broker/topology/topology-event.ts';
import type { QueueRecord } from '../../src/broker/topology/topology-records.ts';
import type { Topology } from '../../src/broker/topology/topology.ts';

/** What the thread does for its replica. */
export interface ReplicaHost {
  readonly topology: Topology;
  startQueue(record: QueueRecord): void;
  /** Tells every connection actor of this thread. */
  tellConnections(make: () => Letter): void;
  readonly connectionCount: number;
  threadLost(thread: number): void;
  /** Stops accepting connections. */
  closeListener(): void;
  /** Connections are told. */
  setAlarms(alarms: readonly string[]): void;
  fault(what: unknown): void;
  describe(): unknown;
  /** Starts a queue again that is marked crashed; answers what came of it. */
  restartQueue(id: number): unknown;
}

const FENCE_TIMER = 1;
/** How long everybody here has to hear of a lost thread, milliseconds. */
const FENCE_MS = 1;
const STOP_TIMER = 2;
/** How often a thread that is stopping looks whether its connections are gone, milliseconds. */
const STOP_POLL_MS = 5;

export class ReplicaActor implements Actor {
  readonly #context: ActorContext;
  readonly #host: ReplicaHost;
  /** Lost threads of which everybody here is hearing. */
  readonly #fencing: Set<number>;
  #stopping: boolean;

  /** `before` is the incarnation that crashed. What it had still to tell this one tells: a lost thread whose loss nobody confirms is never replaced. */
  constructor(context: ActorContext, host: ReplicaHost, before: ReplicaActor | undefined) {
    this.#context = context;
    this.#host = host;
    this.#fencing = before === undefined ? new Set() : before.#fencing;
    this.#stopping = before === undefined ? false : before.#stopping;
    // Its timers went with it.
    if (this.#fencing.size > 0) context.armTimer(FENCE_TIMER, FENCE_MS);
    if (this.#stopping) context.armTimer(STOP_TIMER, STOP_POLL_MS);
  }

  receive(letter: Letter): void {
    switch (letter.type) {
      case ReplicaLetter.events:
        return this.#apply(letter.body as readonly TopologyEvent[], letter.a);
      case ReplicaLetter.threadLost:
        this.#host.threadLost(letter.a);
        // The notices stand in the mailboxes now; they are read in the run that is under way, before a timer fires.
        this.#fencing.add(letter.a);
        return this.#context.armTimer(FENCE_TIMER, FENCE_MS);
      case ReplicaLetter.threadBack:
        return this.#host.tellConnections(() => numbered(ConnectionLetter.queuesBack, letter.a));
      case ReplicaLetter.alarm:
        return this.#host.setAlarms(letter.body as readonly string[]);
      case ReplicaLetter.shutdown:
        return this.#shutDown(letter.body as string);
      case ReplicaLetter.fault:
        return this.#host.fault(letter.body);
      case ReplicaLetter.describe:
        return this.#tellKeeper(KeeperLetter.described, letter.a, this.#host.describe());
      case ReplicaLetter.restartQueue:
        return this.#tellKeeper(KeeperLetter.described, letter.a, this.#host.restartQueue(Number(letter.body)));
      case RuntimeLetter.timer:
        return letter.a === FENCE_TIMER ? this.#fenced() : this.#stopWhenEmpty();
    }
  }

  endTurn(): void {}

  stop(): void {}

  #apply(events: readonly TopologyEvent[], version: number): void {
    const { thread } = this.#context.self;
    const { topology } = this.#host;
    // Told to the thread that this one replaces, which did not read it any more: it is in the topology this one began with.
    if (version <= topology.version) return;
    for (const event of events) {
      topology.apply(event);
      if (event.type === 'queue-created' && event.queue.thread === thread) this.#host.startQueue(event.queue);
      else if (event.type === 'queue-deleted' && event.queue.thread === thread) {
        this.#context.tell(queueRef(event.queue), new Letter(QueueLetter.end));
      }
    }
    if (topology.version !== version) throw new Error(`the replica is at ${topology.version} instead of ${version}`);
    const letter = new Letter(TopologyLetter.applied);
    letter.a = version;
    this.#context.tell({ thread: TOPOLOGY_THREAD, id: TOPOLOGY_ID, generation: 0 }, letter);
  }

  #fenced(): void {
    for (const lost of this.#fencing) this.#tellKeeper(KeeperLetter.fenced, lost, undefined);
    this.#fencing.clear();
  }

  #shutDown(reason: string): void {
    this.#stopping = true;
    this.#host.closeListener();
    this.#host.tellConnections(() => {
      const letter = new Letter(ConnectionLetter.close);
      letter.body = reason;
      return letter;
    });
    this.#stopWhenEmpty();
  }

  #stopWhenEmpty(): void {
    if (!this.#stopping) return;
    if (this.#host.connectionCount > 0) return this.#context.armTimer(STOP_TIMER, STOP_POLL_MS);
    this.#tellKeeper(KeeperLetter.stopped, 0, undefined);
  }

  #tellKeeper(type: number, a: number, body: unknown): void {
    const letter = numbered(type, a);
    letter.body = body;
    this.#context.tell({ thread: KEEPER_THREAD, id: KEEPER_ID, generation: 0 }, letter);
  }
}

function numbered(type: number, a: number): Letter {
  const letter = new Letter(type);
  letter.a = a;
  return letter;
}
