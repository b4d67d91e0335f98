import type { Method, MethodOf } from '../../../src/amqp/method-table.ts';
import { type Entry, isInOrder } from './message-book.ts';
import type { Role, SimClient } from './sim-client.ts';
import { type SimQueue, declareOf, laneOf } from './sim-queue.ts';
import { type SimWorld, Talk } from './talk.ts';

const CHANNEL = 1;

/** Consumes from one queue with acknowledgements, in every way to settle, to pause, to stop and to break off. */
export class ConsumingRole implements Role {
  readonly name: string;
  readonly queue: SimQueue;
  readonly #client: SimClient;
  readonly #world: SimWorld;
  readonly #talk: Talk;
  readonly #limit: number;
  readonly #global: boolean;
  readonly #outstanding = new Map<number, { readonly entry: Entry; readonly consumerTag: string }>();
  /** Sequence of the last message of each publisher that came fresh to this subscription. */
  #last = new Map<number, number>();
  #settled: Entry[] = [];
  #tag: string | undefined = undefined;
  #serial = 0;
  #since = 0;
  #lastTag = 0;

  constructor(name: string, client: SimClient, world: SimWorld, queue: SimQueue) {
    this.name = name;
    this.queue = queue;
    this.#client = client;
    this.#world = world;
    this.#talk = new Talk(name, CHANNEL, client, world);
    this.#limit = world.random.of([0, 1, 2, 10]);
    this.#global = this.#limit > 0 && world.sharedLimits;
  }

  /** It takes messages now, and has room for more. */
  get hungry(): boolean {
    if (this.#client.state !== 'open' || this.#tag === undefined || this.#talk.waiting !== undefined) return false;
    return this.#limit === 0 || this.#holding(this.#tag) < this.#limit;
  }

  get subscribed(): boolean {
    return this.#client.state === 'open' && this.#tag !== undefined;
  }

  /** Deliveries that count against the limit of a subscription. */
  #holding(consumerTag: string): number {
    if (this.#global) return this.#outstanding.size;
    let held = 0;
    for (const each of this.#outstanding.values()) if (each.consumerTag === consumerTag) held++;
    return held;
  }

  get waiting(): string | undefined {
    return this.#client.state === 'closed' ? undefined : this.#client.state === 'handshake' ? 'its connection' : this.#talk.waiting;
  }

  opened(): void {
    this.#openChannel();
  }

  #openChannel(): void {
    const { name } = this.queue;
    this.#lastTag = 0;
    this.#outstanding.clear();
    this.#talk.ask({ name: 'channel.open' }, 'channel.open-ok', () =>
      this.#talk.ask(
        { name: 'basic.qos', prefetchSize: 0, prefetchCount: this.#limit, global: this.#global },
        'basic.qos-ok',
        () => this.#talk.ask(declareOf(this.queue), 'queue.declare-ok', ({ queue }) => {
          if (queue !== name) this.#world.violate(`${this.name} declared ${name} and got ${queue}`);
          this.#subscribe();
        }),
      ),
    );
  }

  #subscribe(): void {
    const consumerTag = `tag-${++this.#serial}`;
    this.#last = new Map();
    this.#since = this.#world.steps;
    this.#talk.ask(
      {
        name: 'basic.consume',
        queue: this.queue.name,
        consumerTag,
        noLocal: false,
        noAck: false,
        exclusive: false,
        noWait: false,
        arguments: new Map(),
      },
      'basic.consume-ok',
      () => (this.#tag = consumerTag),
    );
  }

  received(_channel: number, method: Method, body: Buffer | undefined): void {
    if (method.name === 'basic.deliver') return this.#delivered(method, body!);
    if (!this.#talk.takes(method, body)) this.#world.violate(`${this.name} got ${JSON.stringify(method)}`);
  }

  #delivered(method: MethodOf<'basic.deliver'>, body: Buffer): void {
    const { violate, book } = this.#world;
    const { deliveryTag, redelivered, consumerTag } = method;
    if (consumerTag !== this.#tag) violate(`${this.name} got a delivery for ${consumerTag}, which is not subscribed`);
    if (deliveryTag !== this.#lastTag + 1) violate(`${this.name} got the delivery tag ${deliveryTag} after ${this.#lastTag}`);
    this.#lastTag = deliveryTag;
    const entry = book.read(body, this.queue.name, this.name);
    if (entry === undefined) return;
    book.delivered(entry, redelivered, this.#since, this.name);
    const last = this.#last.get(laneOf(entry)) ?? 0;
    if (!redelivered && isInOrder(entry)) {
      if (entry.sequence <= last && !this.#world.sharedLimits) violate(`${this.name} got ${entry.publisher}/${entry.sequence} after ${last}`);
      this.#last.set(laneOf(entry), entry.sequence);
    }
    this.#outstanding.set(deliveryTag, { entry, consumerTag });
    // A queue that runs again takes back what it had delivered, and the client cannot know.
    if (this.#limit > 0 && this.#holding(consumerTag) > this.#limit && !this.#world.faults.broken) {
      violate(`${this.name} holds ${this.#holding(consumerTag)} deliveries, its limit is ${this.#limit}`);
    }
  }

  act(): boolean {
    const { random, winding } = this.#world;
    if (this.#client.state !== 'open' || winding || this.#talk.waiting !== undefined || this.#tag === undefined) return false;
    const what = random.next();
    if (what < 0.015) this.#cancel();
    else if (what < 0.025) this.#closeChannel();
    else if (what < 0.03) this.#client.reset();
    else if (what < 0.035) this.#client.close();
    else return this.#settle();
    return true;
  }

  #settle(): boolean {
    const { random, book } = this.#world;
    if (this.#outstanding.size === 0) return false;
    const tags = [...this.#outstanding.keys()];
    const deliveryTag = random.of(tags);
    const multiple = random.chance(0.3);
    const covered = multiple ? tags.filter((tag) => tag <= deliveryTag) : [deliveryTag];
    const what = random.next();
    // Where that makes dead letters, much is rejected.
    const [acked, requeued] = this.queue.grave === undefined ? [0.7, 0.95] : [0.3, 0.4];
    const requeue = what > acked && what < requeued;
    for (const tag of covered) {
      const { entry } = this.#outstanding.get(tag)!;
      this.#outstanding.delete(tag);
      if (requeue) {
        book.returned(entry);
        continue;
      }
      const isDeadLettered = what > acked && this.queue.grave !== undefined;
      if (what <= acked) book.settled(entry);
      else book.rejected(entry, isDeadLettered);
      // A process that ends finds it again where it died, as long as its letter is not safe.
      if (!isDeadLettered) this.#settled.push(entry);
    }
    if (what <= acked) this.#client.send(CHANNEL, { name: 'basic.ack', deliveryTag, multiple });
    else this.#client.send(CHANNEL, { name: 'basic.nack', deliveryTag, multiple, requeue });
    return true;
  }

  #cancel(): void {
    const consumerTag = this.#tag!;
    this.#talk.ask({ name: 'basic.cancel', consumerTag, noWait: false }, 'basic.cancel-ok', () => {
      this.#tag = undefined;
      this.#subscribe();
    });
  }

  #closeChannel(): void {
    this.#talk.ask({ name: 'channel.close', replyCode: 200, replyText: '', classId: 0, methodId: 0 }, 'channel.close-ok', () => {
      this.#tag = undefined;
      this.#allGone();
      this.#openChannel();
    });
  }

  /** The node is quiet: what was settled on a connection that is still there was read. */
  quiet(): void {
    if (this.#client.state === 'open') this.#allGone();
  }

  /** What was settled before an orderly end was read by the broker; with no fault so far it never comes back. */
  #allGone(): void {
    if (!this.#world.faults.broken) for (const entry of this.#settled) entry.goneAt = this.#world.steps;
    this.#settled = [];
  }

  closed(expected: boolean): void {
    void expected;
    this.#tag = undefined;
    this.#outstanding.clear();
    this.#talk.drop();
  }
}
