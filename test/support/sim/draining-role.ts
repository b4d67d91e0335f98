import type { Method } from '../../../src/amqp/method-table.ts';
import { isInOrder } from './message-book.ts';
import type { Role, SimClient } from './sim-client.ts';
import { laneOf, levelOf } from './sim-queue.ts';
import { type SimWorld, Talk } from './talk.ts';

const CHANNEL = 1;

/** Reads what queues hold to the end, in the order in which they hold it, and deletes them if it is to. */
export class DrainingRole implements Role {
  readonly name = 'drain';
  readonly #client: SimClient;
  readonly #world: SimWorld;
  readonly #talk: Talk;
  readonly #queues: readonly string[];
  readonly #deletes: boolean;
  readonly #exchanges: readonly string[];
  #last = new Map<number, number>();
  #level = Infinity;
  finished = false;

  /** Exchanges are deleted behind the queues. */
  constructor(client: SimClient, world: SimWorld, queues: readonly string[], deletes = true, exchanges: readonly string[] = []) {
    this.#client = client;
    this.#world = world;
    this.#queues = queues;
    this.#deletes = deletes;
    this.#exchanges = exchanges;
    this.#talk = new Talk(this.name, CHANNEL, client, world);
  }

  get waiting(): string | undefined {
    return this.finished ? undefined : (this.#talk.waiting ?? 'its connection');
  }

  opened(): void {
    this.#talk.ask({ name: 'channel.open' }, 'channel.open-ok', () => this.#drain(0));
  }

  #drain(index: number): void {
    const queue = this.#queues[index];
    if (queue === undefined) return this.#deleteExchange(0);
    this.#last = new Map();
    this.#level = Infinity;
    this.#getFrom(queue, index);
  }

  #getFrom(queue: string, index: number): void {
    const { book, violate } = this.#world;
    this.#talk.askFor({ name: 'basic.get', queue, noAck: false }, ['basic.get-ok', 'basic.get-empty'], (answer, body) => {
      if (answer.name !== 'basic.get-ok') return this.#deletes ? this.#delete(queue, index) : this.#drain(index + 1);
      const entry = book.read(body!, queue, this.name);
      if (entry === undefined) return;
      book.delivered(entry, answer.redelivered, this.#world.steps, this.name);
      const last = this.#last.get(laneOf(entry)) ?? 0;
      if (isInOrder(entry) && entry.sequence <= last) violate(`${queue} held ${entry.publisher}/${entry.sequence} behind ${last}`);
      if (isInOrder(entry)) this.#last.set(laneOf(entry), entry.sequence);
      if (levelOf(entry) > this.#level) violate(`${queue} held a higher priority behind ${this.#level}`);
      this.#level = levelOf(entry);
      book.settled(entry);
      this.#client.send(CHANNEL, { name: 'basic.ack', deliveryTag: answer.deliveryTag, multiple: false });
      this.#getFrom(queue, index);
    });
  }

  #deleteExchange(index: number): void {
    const exchange = this.#exchanges[index];
    if (exchange === undefined) {
      this.finished = true;
      return this.#client.close();
    }
    this.#talk.ask({ name: 'exchange.delete', exchange, ifUnused: false, noWait: false }, 'exchange.delete-ok', () => this.#deleteExchange(index + 1));
  }

  #delete(queue: string, index: number): void {
    this.#talk.ask({ name: 'queue.delete', queue, ifUnused: true, ifEmpty: true, noWait: false }, 'queue.delete-ok', () =>
      this.#drain(index + 1),
    );
  }

  received(_channel: number, method: Method, body: Buffer | undefined): void {
    if (!this.#talk.takes(method, body)) this.#world.violate(`${this.name} got ${JSON.stringify(method)}`);
  }

  closed(expected: boolean): void {
    if (!expected) this.#world.violate('the connection that drains was cut off');
  }

  act(): boolean {
    return false;
  }
}
