/** Takes messages into a queue within its limits (src/broker/queue/length-limit.ts). What a consumer takes at once does not count. */
import { PublishMark } from '../../src/amqp/channel/queue-link.ts';
import type { LengthLimit } from '../../src/broker/queue/length-limit.ts';
import type { QueueMachine } from '../../src/broker/queue/queue-machine.ts';
import type { Unsynced } from './unsynced.ts';

export class Admission {
  readonly #machine: QueueMachine;
  readonly #limit: LengthLimit | undefined;
  readonly #sizeOf: ((address: number) => number) | undefined;
  readonly #dispatch: () => void;
  readonly #refused: (address: number, repeated: boolean) => void;
  readonly #unsynced: Unsynced;

  /**
   * `sizeOf`: bytes of a body; only of a queue that limits them. `dispatch` delivers what can be delivered.
   * `refused` is told of what is too much. Nothing is dropped while connections are `unsynced`.
   */
  constructor(
    machine: QueueMachine,
    limit: LengthLimit | undefined,
    sizeOf: ((address: number) => number) | undefined,
    dispatch: () => void,
    refused: (address: number, repeated: boolean) => void,
    unsynced: Unsynced,
  ) {
    this.#unsynced = unsynced;
    this.#machine = machine;
    this.#limit = limit;
    this.#sizeOf = sizeOf;
    this.#dispatch = dispatch;
    this.#refused = refused;
  }

  /** `marks`: PublishMark. False: the message is refused, and its lease is still the caller's. */
  accept(address: number, kept: boolean, marks: number): boolean {
    const expiring = (marks & PublishMark.expiring) !== 0;
    const repeated = (marks & PublishMark.redelivered) !== 0;
    const limit = this.#limit;
    const machine = this.#machine;
    if (limit === undefined) return machine.publish(address, kept, expiring, repeated);
    const size = this.#sizeOf?.(address) ?? 0;
    if (limit.overflows(machine.ready, machine.readyBytes, size)) {
      if (limit.refuses || machine.expires) this.#makeRoom();
      if (limit.refuses && limit.overflows(machine.ready, machine.readyBytes, size)) {
        this.#refused(address, repeated);
        return false;
      }
    }
    if (!machine.publish(address, kept, expiring, repeated)) return false;
    // What comes now and has no time at all is too much before it is over, as in RabbitMQ.
    if (limit.exceededBy(machine.ready, machine.readyBytes)) this.#dispatch();
    this.keepTo();
    return true;
  }

  /** What a consumer takes, or has expired, is not in the way of what comes, and does not go as too much. */
  #makeRoom(): void {
    this.#dispatch();
    if (this.#machine.expires && this.#unsynced.none) this.#machine.dropExpired();
  }

  /** Drops from the head what is too much: what comes back counts at once, whoever could take it. */
  keepTo(): void {
    const limit = this.#limit;
    const machine = this.#machine;
    if (limit === undefined || !this.#unsynced.none) return;
    while (limit.exceededBy(machine.ready, machine.readyBytes)) machine.dropHead('maxlen');
  }
}
