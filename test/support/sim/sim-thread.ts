/** A virtual scheduler thread: the actors of a real one over a loop, a clock and connections that the simulation moves. */
import type { ThreadUsage } from '../../../native-free-io/thread-usage.ts';
import { createHash } from 'node:crypto';
import type { ActorRef, Letter } from '../../../actors/runtime/letter.ts';
import type { Doorbell } from '../../../actors/runtime/ring/doorbell.ts';
import type { Endpoint, Transport, TransportEvents } from '../../../native-free-io/socket/transport.ts';
import type { Outbound } from '../../../native-free-io/socket/outbound.ts';
import { ThreadActors, type ThreadHost, type ThreadStart } from '../../../src/main/thread-actors.ts';
import type { FakeTransport } from '../fake-transport.ts';
import { EventLoop } from './event-loop.ts';
import type { SimClock } from './sim-clock.ts';
import { ThreadEnd } from './sim-faults.ts';
import type { SimRandom } from './sim-random.ts';

/** What a virtual thread reports to the simulation. */
export interface ThreadWitness {
  /** Shared memory is looked at: a moment for an actor to crash in. */
  memoryUsed(): void;
  crashed(thread: number, group: string, id: number, error: unknown): void;
  /** A letter was put away although its receiver runs. */
  lostLetter(thread: number, to: ActorRef, letter: Letter): void;
  letter(thread: number, to: ActorRef, letter: Letter): void;
}

export class SimThread implements ThreadHost {
  readonly thread: number;
  readonly loop: EventLoop;
  readonly connections = new Set<FakeTransport>();
  actors: ThreadActors | undefined = undefined;
  #deaf = false;
  readonly #clock: SimClock;
  readonly #random: SimRandom;
  readonly #witness: ThreadWitness;

  constructor(thread: number, clock: SimClock, random: SimRandom, witness: ThreadWitness) {
    this.thread = thread;
    this.#clock = clock;
    this.#random = random;
    this.#witness = witness;
    this.loop = new EventLoop(clock, () => this.actors?.scheduler.poke());
  }

  boot(start: ThreadStart, doorbell: Doorbell): ThreadActors {
    const actors = new WitnessedActors(start, doorbell, this, this.#witness);
    this.actors = actors;
    const { scheduler } = actors;
    const deliver = scheduler.deliver.bind(scheduler);
    scheduler.deliver = (to, letter) => {
      this.#witness.letter(this.thread, to, letter);
      deliver(to, letter);
    };
    const { messages } = actors;
    const intsOf = messages.intsOf.bind(messages);
    messages.intsOf = (address) => {
      this.#witness.memoryUsed();
      return intsOf(address);
    };
    return actors;
  }

  /** A connection comes in; the thread accepts it in its own time. */
  dial(transport: FakeTransport): void {
    this.connections.add(transport);
    this.loop.soon(() => this.#accept(transport));
  }

  #accept(transport: FakeTransport): void {
    const taken = !this.#deaf && this.actors?.accept(() => new MortalTransport(transport, this.loop)) === true;
    if (!taken) transport.reset();
  }

  /** The thread is no more: its connections break, what it was about to do is not done. */
  die(): void {
    this.loop.die();
    for (const transport of this.connections) transport.reset();
    this.connections.clear();
  }

  // ---- the host of the actors

  nowMs(): number {
    return this.#clock.nowMs();
  }

  setTimer(delayMs: number, callback: () => void): object {
    return this.loop.setTimer(delayMs, callback);
  }

  clearTimer(timer: object): void {
    this.loop.clearTimer(timer);
  }

  soon(run: () => void): void {
    this.loop.soon(run);
  }

  randomBytes(size: number): Buffer {
    return Buffer.from(Array.from({ length: size }, () => this.#random.below(256)));
  }

  digest(algorithm: string, bytes: Uint8Array): Uint8Array {
    return createHash(algorithm).update(bytes).digest();
  }

  /** Who has dialled and is not accepted yet is refused, as by a listener that is closed. */
  closeListener(): void {
    this.#deaf = true;
  }

  applyFault(): void {}

  usage(): ThreadUsage {
    return { activeMs: 0, idleMs: 0, heapUsedBytes: 0, heapLimitBytes: 0 };
  }

  residentBytes(): number {
    return 0;
  }
}

class WitnessedActors extends ThreadActors {
  readonly #witness: ThreadWitness;

  constructor(start: ThreadStart, doorbell: Doorbell, host: ThreadHost, witness: ThreadWitness) {
    super(start, doorbell, host);
    this.#witness = witness;
  }

  override crashed(group: string, id: number, error: unknown): void {
    if (error instanceof ThreadEnd) {
      error.thread = this.thread;
      throw error;
    }
    this.#witness.crashed(this.thread, group, id, error);
    super.crashed(group, id, error);
  }

  override undeliverable(to: ActorRef, letter: Letter): void {
    if (to.thread === this.thread && to.generation === 0 && this.scheduler.actor(to.id) !== undefined) {
      this.#witness.lostLetter(this.thread, to, letter);
    }
    super.undeliverable(to, letter);
  }
}

/** A connection as its thread sees it: nothing happens on it any more once the thread has ended. */
class MortalTransport implements Transport {
  readonly peer: Endpoint;
  readonly local: Endpoint;
  /** Nobody asks here. */
  readonly bytesRead = 0;
  readonly bytesWritten = 0;
  readonly outbound: Outbound;
  readonly #transport: FakeTransport;
  readonly #loop: EventLoop;

  constructor(transport: FakeTransport, loop: EventLoop) {
    this.#transport = transport;
    this.#loop = loop;
    this.peer = transport.peer;
    this.local = transport.local;
    this.outbound = transport.outbound;
  }

  start(events: TransportEvents): void {
    const whenAlive = (step: () => void): void => {
      if (this.#loop.alive) step();
    };
    this.#transport.start({
      onBytes: (buffer, length) => whenAlive(() => events.onBytes(buffer, length)),
      onTaken: (bytes) => whenAlive(() => events.onTaken(bytes)),
      onUncongested: () => whenAlive(() => events.onUncongested()),
      onClosed: (reason) => whenAlive(() => events.onClosed(reason)),
    });
  }

  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.#transport.resume();
  }

  readInto(destination: Uint8Array, onFilled: () => void): void {
    this.#transport.readInto(destination, onFilled);
  }

  closeAfterFlush(): void {
    this.#transport.closeAfterFlush();
  }

  destroy(): void {
    this.#transport.destroy();
  }
}
