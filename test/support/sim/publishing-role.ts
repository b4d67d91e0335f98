import type { Method } from '../../../src/amqp/method-table.ts';
import type { Entry } from './message-book.ts';
import type { Role, SimClient } from './sim-client.ts';
import { declareOf, priorityOf, type SimQueue } from './sim-queue.ts';
import { type SimWorld, Talk } from './talk.ts';

const CHANNEL = 1;
const BREAK_OFF = 0.004;

/** What is published: parts of all messages. */
export type PublishingStyle = {
  readonly persistent: number;
  /** To an exchange that all queues are bound to. */
  readonly fanout: number;
  /** To an exchange that holds back. */
  readonly delayed?: number;
};

const PLAIN: PublishingStyle = { persistent: 0, fanout: 0 };
const FANOUT = 'everywhere';
const DECLARE_FANOUT = {
  name: 'exchange.declare',
  exchange: FANOUT,
  type: 'fanout',
  passive: false,
  durable: true,
  autoDelete: false,
  internal: false,
  noWait: false,
  arguments: new Map(),
} as const;

/** Holds back what is published to it, and then routes it by the name of a queue. */
export const HOLDING = 'holding';
const DECLARE_HOLDING = {
  ...DECLARE_FANOUT,
  exchange: HOLDING,
  type: 'x-delayed-message',
  arguments: new Map([['x-delayed-type', { type: 'S' as const, value: Buffer.from('direct') }]]),
} as const;
/** At once, soon, and later than most processes last, milliseconds. */
const DELAYS_MS = [1, 20, 200, 5_000] as const;

/** Publishes with confirms to queues that nobody deletes, and keeps the book of what was confirmed. */
export class PublishingRole implements Role {
  readonly name: string;
  readonly #client: SimClient;
  readonly #world: SimWorld;
  readonly #queues: readonly SimQueue[];
  /** Those that get what is published. */
  readonly #targets: readonly SimQueue[];
  readonly #count: number;
  readonly #window: number;
  readonly #style: PublishingStyle;
  readonly #talk: Talk;
  readonly #publisher: number;
  /** Entries by sequence number of the channel, from 1. */
  readonly #sent: (readonly Entry[])[] = [[]];
  #unconfirmed = 0;
  #ready = false;

  constructor(name: string, client: SimClient, world: SimWorld, queues: readonly SimQueue[], count: number, style = PLAIN) {
    this.name = name;
    this.#client = client;
    this.#world = world;
    this.#queues = queues;
    this.#targets = queues.filter(({ buries }) => buries !== true);
    this.#count = count;
    this.#style = style;
    this.#window = world.random.of([1, 5, 30]);
    this.#talk = new Talk(name, CHANNEL, client, world);
    this.#publisher = world.book.publisher();
  }

  get waiting(): string | undefined {
    if (this.#client.state === 'closed') return undefined;
    if (this.#unconfirmed > 0) return `${this.#unconfirmed} confirms`;
    return this.#ready ? undefined : (this.#talk.waiting ?? 'its connection');
  }

  opened(): void {
    this.#talk.ask({ name: 'channel.open' }, 'channel.open-ok', () =>
      this.#talk.ask({ name: 'confirm.select', noWait: false }, 'confirm.select-ok', () => this.#declare(0)),
    );
  }

  #declare(index: number): void {
    const queue = this.#queues[index];
    if (queue !== undefined) this.#talk.ask(declareOf(queue), 'queue.declare-ok', () => this.#declare(index + 1));
    else if (this.#style.fanout === 0) this.#declareHolding();
    else this.#talk.ask(DECLARE_FANOUT, 'exchange.declare-ok', () => this.#bind(FANOUT, 0, () => this.#declareHolding()));
  }

  #declareHolding(): void {
    const ready = (): void => void (this.#ready = true);
    if (this.#style.delayed === undefined) ready();
    else this.#talk.ask(DECLARE_HOLDING, 'exchange.declare-ok', () => this.#bind(HOLDING, 0, ready));
  }

  #bind(exchange: string, index: number, done: () => void): void {
    const queue = this.#targets[index]?.name;
    if (queue === undefined) return done();
    const method = { name: 'queue.bind', queue, exchange, routingKey: exchange === HOLDING ? queue : '', noWait: false, arguments: new Map() } as const;
    this.#talk.ask(method, 'queue.bind-ok', () => this.#bind(exchange, index + 1, done));
  }

  received(_channel: number, method: Method, body: Buffer | undefined): void {
    if (method.name === 'basic.ack' || method.name === 'basic.nack') {
      return this.#confirmed(method.deliveryTag, method.multiple, method.name === 'basic.ack' ? 'ack' : 'nack');
    }
    if (!this.#talk.takes(method, body)) this.#world.violate(`${this.name} got ${method.name} ${JSON.stringify(method)}`);
  }

  #confirmed(tag: number, multiple: boolean, how: 'ack' | 'nack'): void {
    if (tag >= this.#sent.length) return this.#world.violate(`${this.name} got a confirm of ${tag}, which it did not publish`);
    let fresh = 0;
    for (let each = multiple ? 1 : tag; each <= tag; each++) {
      const entries = this.#sent[each]!;
      if (entries[0]?.confirmed !== 'no') continue;
      for (const entry of entries) entry.confirmed = how;
      fresh++;
    }
    if (fresh === 0) this.#world.violate(`${this.name} got a second confirm of ${tag}`);
    // What a lost thread had not answered is refused; otherwise nothing is full.
    if (how === 'nack' && this.#world.faults.crashes.thread === 0) this.#world.violate(`${this.name} was refused ${tag} although nothing is full`);
    this.#unconfirmed -= fresh;
  }

  act(): boolean {
    const { random, book, winding } = this.#world;
    if (this.#client.state !== 'open' || !this.#ready) return false;
    if (winding || this.#sent.length > this.#count) return false;
    if (random.chance(BREAK_OFF)) {
      const { body } = book.write(random, this.#publisher, this.#sent.length, this.#queues[0]!.name);
      if (random.chance(0.5)) this.#client.reset();
      else this.#client.breakWithin(CHANNEL, this.#queues[0]!.name, body, random.next());
      return true;
    }
    if (this.#unconfirmed >= this.#window) return false;
    for (let burst = random.between(1, 6); burst > 0 && this.#unconfirmed < this.#window; burst--) {
      const persistent = random.chance(this.#style.persistent);
      const delayMs = this.#style.delayed !== undefined && random.chance(this.#style.delayed) ? random.between(0, random.of(DELAYS_MS)) : undefined;
      const exchange = delayMs !== undefined ? HOLDING : random.chance(this.#style.fanout) ? FANOUT : '';
      const queues = exchange === FANOUT ? this.#targets : [random.of(this.#targets)];
      const { entries, body } = book.writeTo(random, this.#publisher, this.#sent.length, queues.map(({ name }) => name), persistent, delayMs);
      this.#sent.push(entries);
      this.#unconfirmed++;
      this.#client.publish(CHANNEL, queues[0]!.name, body, { exchange, persistent, priority: priorityOf(entries[0]!), ...(delayMs !== undefined && { delayMs }) });
    }
    return true;
  }

  closed(expected: boolean): void {
    void expected;
    this.#unconfirmed = 0;
    this.#talk.drop();
  }
}
