import type { Method } from '../../../src/amqp/method-table.ts';
import type { Role, SimClient } from './sim-client.ts';
import { declareOf, type SimQueue } from './sim-queue.ts';
import { type SimWorld, Talk } from './talk.ts';

const CHANNEL = 1;
const EXCLUSIVE_PART = 0.1;

/** Declares, deletes, purges, publishes to and reads from queues that others do the same to: nothing is owed, all is in order. */
export class MeddlingRole implements Role {
  readonly name: string;
  readonly #client: SimClient;
  readonly #world: SimWorld;
  readonly #queues: readonly SimQueue[];
  readonly #talk: Talk;
  readonly #publisher: number;
  /** Queue of each subscription. */
  readonly #consuming = new Map<string, SimQueue>();
  #held: number[] = [];
  #sequence = 0;
  #serial = 0;
  #lastTag = 0;
  #ready = false;

  constructor(name: string, client: SimClient, world: SimWorld, queues: readonly SimQueue[]) {
    this.name = name;
    this.#client = client;
    this.#world = world;
    const own: SimQueue = { ...queues[0]!, name: `own-of-${name}`, exclusive: true };
    this.#queues = [...queues, own];
    this.#talk = new Talk(name, CHANNEL, client, world);
    this.#publisher = world.book.publisher();
  }

  get waiting(): string | undefined {
    return this.#client.state === 'closed' ? undefined : this.#client.state === 'handshake' ? 'its connection' : this.#talk.waiting;
  }

  opened(): void {
    this.#open();
  }

  #open(): void {
    this.#held = [];
    this.#consuming.clear();
    this.#lastTag = 0;
    this.#talk.ask({ name: 'channel.open' }, 'channel.open-ok', () => (this.#ready = true));
  }

  received(_channel: number, method: Method, body: Buffer | undefined): void {
    if (method.name === 'channel.close') return this.#refused(method.replyCode, method.replyText);
    if (method.name === 'basic.deliver') {
      const queue = this.#consuming.get(method.consumerTag);
      if (queue === undefined) return this.#world.violate(`${this.name} got a delivery for ${method.consumerTag}`);
      return this.#read(queue, body!, method.deliveryTag, method.redelivered);
    }
    if (!this.#talk.takes(method, body)) this.#world.violate(`${this.name} got ${JSON.stringify(method)}`);
  }

  /** Somebody else deleted the queue: the only thing that may be wrong with what this role asks for. */
  #refused(code: number, text: string): void {
    if (![404, 405, 406].includes(code)) this.#world.violate(`${this.name} was refused with ${code} ${text}`);
    this.#talk.drop();
    this.#ready = false;
    this.#client.send(CHANNEL, { name: 'channel.close-ok' });
    this.#open();
  }

  #read(queue: SimQueue, body: Buffer, deliveryTag: number, redelivered: boolean): void {
    const { book, violate } = this.#world;
    if (deliveryTag !== this.#lastTag + 1) violate(`${this.name} got the delivery tag ${deliveryTag} after ${this.#lastTag}`);
    this.#lastTag = deliveryTag;
    const entry = book.read(body, queue.name, this.name);
    if (entry !== undefined) book.delivered(entry, redelivered, 0, this.name);
  }

  act(): boolean {
    const { random, winding } = this.#world;
    if (this.#client.state !== 'open' || winding || !this.#ready || this.#talk.waiting !== undefined) return false;
    const queue = random.chance(EXCLUSIVE_PART) ? this.#queues.at(-1)! : random.of(this.#queues);
    const what = random.next();
    if (what < 0.2) this.#talk.ask(declareOf(queue), 'queue.declare-ok', () => undefined);
    else if (what < 0.55) this.#publish(queue);
    else if (what < 0.7) this.#get(queue);
    else if (what < 0.8) this.#consume(queue);
    else if (what < 0.88) this.#settle();
    else if (what < 0.92) this.#purge(queue);
    else if (what < 0.98) this.#delete(queue);
    else if (what < 0.99) this.#client.reset();
    else this.#client.close();
    return true;
  }

  #publish(queue: SimQueue): void {
    const { book, random } = this.#world;
    for (let burst = random.between(1, 8); burst > 0; burst--) {
      const persistent = random.chance(0.5);
      const { body } = book.writeTo(random, this.#publisher, ++this.#sequence, [queue.name], persistent);
      this.#client.publish(CHANNEL, queue.name, body, { exchange: '', persistent, priority: this.#sequence & 3 });
    }
  }

  #get(queue: SimQueue): void {
    const noAck = this.#world.random.chance(0.5);
    this.#talk.askFor({ name: 'basic.get', queue: queue.name, noAck }, ['basic.get-ok', 'basic.get-empty'], (answer, body) => {
      if (answer.name !== 'basic.get-ok') return;
      this.#read(queue, body!, answer.deliveryTag, answer.redelivered);
      if (!noAck) this.#held.push(answer.deliveryTag);
    });
  }

  #consume(queue: SimQueue): void {
    if (this.#consuming.size >= 4) return;
    const consumerTag = `tag-${++this.#serial}`;
    // Deliveries may come before the answer has been read: the tag is known from now on.
    this.#consuming.set(consumerTag, queue);
    this.#talk.ask(
      {
        name: 'basic.consume',
        queue: queue.name,
        consumerTag,
        noLocal: false,
        noAck: true,
        exclusive: false,
        noWait: false,
        arguments: new Map(),
      },
      'basic.consume-ok',
      () => undefined,
    );
  }

  #settle(): void {
    const deliveryTag = this.#held.pop();
    if (deliveryTag === undefined) return;
    const requeue = this.#world.random.chance(0.5);
    this.#client.send(CHANNEL, { name: 'basic.reject', deliveryTag, requeue });
  }

  #purge(queue: SimQueue): void {
    this.#talk.ask({ name: 'queue.purge', queue: queue.name, noWait: false }, 'queue.purge-ok', () => undefined);
  }

  #delete(queue: SimQueue): void {
    const { random } = this.#world;
    const method: Method = {
      name: 'queue.delete',
      queue: queue.name,
      ifUnused: random.chance(0.2),
      ifEmpty: random.chance(0.2),
      noWait: false,
    };
    this.#talk.ask(method, 'queue.delete-ok', () => undefined);
  }

  closed(expected: boolean): void {
    void expected;
    this.#ready = false;
    this.#talk.drop();
  }
}
