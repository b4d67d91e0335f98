/** basic.get: one message, outside the limits of consumers, now or when its content has come from the store. */
import type { ActorRef } from '../runtime/letter.ts';
import type { Consumer, ConsumerSpec } from '../../src/broker/queue/consumer.ts';
import type { QueueMachine } from '../../src/broker/queue/queue-machine.ts';
import type { QueueAnswer } from '../../src/broker/queue/queue-question.ts';

type Got = { readonly address: number; readonly position: number; readonly redelivered: boolean; readonly deliveries: number };
type Answer = (to: ActorRef, request: number, answer: QueueAnswer) => void;
type Waiting = { readonly from: ActorRef; readonly request: number; readonly spec: ConsumerSpec };

export class Getting {
  readonly #machine: QueueMachine;
  /** In the order in which they were asked. An incarnation that crashes leaves them to be asked again. */
  #waiting: Waiting[] = [];
  #getter: Consumer | undefined = undefined;
  #got: Got | undefined = undefined;

  constructor(machine: QueueMachine) {
    this.#machine = machine;
  }

  /** A delivery of the machine. True: it was the one that is being got. */
  takes(consumer: Consumer, address: number, position: number, redelivered: boolean): boolean {
    if (this.#getter !== consumer) return false;
    this.#got = { address, position, redelivered, deliveries: redelivered ? this.#machine.deliveries(position) : 0 };
    return true;
  }

  /** Undefined: the content of the next message is not there yet, or what has expired before it is more than goes at once. The answer comes later. */
  get(from: ActorRef, request: number, spec: ConsumerSpec): QueueAnswer | undefined {
    const machine = this.#machine;
    if (machine.expires) machine.dropExpired();
    if (machine.ready > 0 && (machine.nextLacksContent || machine.nextIsOver)) {
      this.#waiting.push({ from, request, spec });
      machine.isGetWaiting = true;
      return undefined;
    }
    const getter = machine.consumers.getter(spec);
    this.#getter = getter;
    this.#got = undefined;
    machine.get(getter);
    this.#getter = undefined;
    const got = this.#got as Got | undefined;
    this.#got = undefined;
    // What stood behind it and has expired is not there any more: the count that goes with it says so, as in RabbitMQ.
    if (got !== undefined && machine.expires) machine.dropExpired();
    return got === undefined ? { type: 'empty' } : { type: 'got', ...got, readyCount: machine.ready };
  }

  /** Contents have come, what has expired has gone, or what was waited for was dropped, and then nobody reads it. */
  retry(answer: Answer): void {
    if (this.#waiting.length === 0) return;
    for (const { from, request, spec } of this.#takeWaiting()) {
      const result = this.get(from, request, spec);
      if (result !== undefined) answer(from, request, result);
    }
  }

  /**
   * The queue is deleted, and nobody gets anything any more: what they wait for may never come, and a connection that waits does not let go of
   * the queue.
   */
  end(answer: Answer): void {
    for (const { from, request } of this.#takeWaiting()) answer(from, request, { type: 'gone' });
  }

  #takeWaiting(): readonly Waiting[] {
    this.#machine.isGetWaiting = false;
    return this.#waiting.splice(0);
  }

  /** Whoever waited is gone. */
  forget(connection: number): void {
    this.#waiting = this.#waiting.filter(({ from }) => from.id !== connection);
    this.#machine.isGetWaiting = this.#waiting.length > 0;
  }
}
