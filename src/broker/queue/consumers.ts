import { Consumer, type ConsumerSpec, Line } from './consumer.ts';

/**
 * Who takes the next message: the consumers of a queue, highest priority first and in turn within a priority (RabbitMQ,
 * "Consumer Priorities"). A consumer that can take nothing now stands in no line, so that a thousand idle ones cost
 * nothing.
 *
 * With a single active consumer only that one stands in a line; the others wait in order of registration.
 */
export class Consumers {
  readonly #byId = new Map<number, Consumer>();
  /** Those who may hold deliveries: consumers, cancelled ones that still hold some, and channels that used basic.get. */
  readonly #holders = new Map<number, Consumer>();
  #lastHolder: Consumer | undefined = undefined;
  /** Channels that used basic.get. */
  readonly #getters = new Map<number, Consumer>();
  readonly #single: boolean;
  /** The single active consumer of the incarnation before, until it has subscribed again. */
  #expected: { readonly connection: number; readonly key: number } | undefined = undefined;
  /** One for each priority that a consumer has, the highest first. */
  readonly #lines: Line[] = [];
  #exclusives = 0;
  #nextId = 1;
  #nextOrder = 1;
  #active: Consumer | undefined = undefined;

  constructor(single: boolean) {
    this.#single = single;
  }

  get count(): number {
    return this.#byId.size;
  }

  get active(): Consumer | undefined {
    return this.#active;
  }

  get hasExclusive(): boolean {
    return this.#exclusives > 0;
  }

  byId(id: number): Consumer | undefined {
    return this.#byId.get(id);
  }

  /** Who holds a delivery. Every unsettled delivery has a holder: anything else is a broken invariant. Hot: many in a row have the same. */
  holder(id: number): Consumer {
    if (this.#lastHolder?.id === id) return this.#lastHolder;
    const holder = this.#holders.get(id);
    if (holder === undefined) throw new Error(`nobody is known under the id ${id} that holds a delivery`);
    this.#lastHolder = holder;
    return holder;
  }

  /** Who takes messages of a channel by basic.get: never in a line, not counted as a consumer. */
  getter(spec: ConsumerSpec): Consumer {
    for (const known of this.#getters.values()) {
      const same = known.spec.connection === spec.connection && known.spec.channel === spec.channel;
      if (same && known.spec.noAck === spec.noAck) return known;
    }
    const getter = new Consumer(this.#nextId++, spec, 0);
    getter.stopped = true;
    this.#holders.set(getter.id, getter);
    this.#getters.set(getter.id, getter);
    return getter;
  }

  forgetGetters(isGone: (getter: Consumer) => boolean): void {
    for (const getter of this.#getters.values()) {
      if (!isGone(getter)) continue;
      this.#getters.delete(getter.id);
      getter.retired = true;
      this.forgetIfIdle(getter);
    }
  }

  forgetIfIdle(holder: Consumer): void {
    if (holder.outstanding > 0) return;
    this.#holders.delete(holder.id);
    this.#lastHolder = undefined;
  }

  values(): IterableIterator<Consumer> {
    return this.#byId.values();
  }

  find(connection: number, key: number): Consumer | undefined {
    for (const consumer of this.#byId.values()) {
      if (consumer.spec.connection === connection && consumer.spec.key === key) return consumer;
    }
    return undefined;
  }

  add(spec: ConsumerSpec): Consumer {
    const order = spec.order === 0 ? this.#nextOrder : spec.order;
    this.#nextOrder = Math.max(this.#nextOrder, order) + 1;
    const consumer = new Consumer(this.#nextId++, spec, order);
    this.#byId.set(consumer.id, consumer);
    this.#holders.set(consumer.id, consumer);
    if (spec.exclusive) this.#exclusives++;
    this.#openLine(spec.priority).members++;
    return consumer;
  }

  /** Takes the consumer away; the next in order becomes active when it was the active one. */
  remove(consumer: Consumer): void {
    if (!this.#byId.delete(consumer.id)) return;
    if (consumer.spec.exclusive) this.#exclusives--;
    this.#leaveLine(consumer);
    consumer.retired = true;
    this.forgetIfIdle(consumer);
    if (this.#active === consumer) {
      this.#active = undefined;
      this.activate();
    }
  }

  /** The single active consumer was this one, before the queue came back. */
  expect(connection: number, key: number): void {
    this.#expected = { connection, key };
  }

  expectNobody(): void {
    this.#expected = undefined;
    this.activate();
  }

  /** Chooses the single active consumer when there is none: the one that was active before, else the first in order. */
  activate(): void {
    if (!this.#single || this.#active !== undefined) return;
    let chosen: Consumer | undefined;
    if (this.#expected !== undefined) {
      chosen = this.find(this.#expected.connection, this.#expected.key);
      if (chosen === undefined) return;
      this.#expected = undefined;
    } else {
      for (const consumer of this.#byId.values()) {
        if (chosen === undefined || consumer.order < chosen.order) chosen = consumer;
      }
    }
    this.#active = chosen;
    if (chosen !== undefined) this.lineUp(chosen);
  }

  /** Called when a consumer may have become able to take a message. */
  lineUp(consumer: Consumer): void {
    if (consumer.lined || !consumer.able) return;
    if (this.#single && consumer !== this.#active) return;
    this.#lines[this.#placeOf(consumer.spec.priority)]!.join(consumer);
  }

  /** The line whose turn it is: the highest priority with somebody in it. */
  line(): Line | undefined {
    for (const line of this.#lines) if (line.first !== undefined) return line;
    return undefined;
  }

  #openLine(priority: number): Line {
    const place = this.#placeOf(priority);
    const found = this.#lines[place];
    if (found?.priority === priority) return found;
    const line = new Line(priority);
    this.#lines.splice(place, 0, line);
    return line;
  }

  /** A line without members goes: clients choose priorities, and there are four billion. */
  #leaveLine(consumer: Consumer): void {
    const place = this.#placeOf(consumer.spec.priority);
    const line = this.#lines[place]!;
    line.leave(consumer);
    if (--line.members === 0) this.#lines.splice(place, 1);
  }

  /** Where the line of a priority stands, or would stand. */
  #placeOf(priority: number): number {
    const lines = this.#lines;
    let low = 0;
    let high = lines.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (lines[middle]!.priority > priority) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
