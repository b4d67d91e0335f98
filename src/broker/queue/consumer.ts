/** Where a consumer's deliveries go: the connection actor, by plain values that mean something to the actors only. */
export type ConsumerAddress = {
  readonly thread: number;
  readonly connection: number;
  readonly generation: number;
  readonly channel: number;
  /** The number under which the connection knows this consumer. */
  readonly key: number;
};

export type ConsumerSpec = ConsumerAddress & {
  readonly tag: string;
  readonly noAck: boolean;
  readonly exclusive: boolean;
  readonly priority: number;
  /** Unsettled messages at most; 0 is no limit. */
  readonly prefetch: number;
  /** Order of registration, kept when a queue comes back and its consumers subscribe again; 0 for a new one. */
  readonly order: number;
};

/**
 * Deliveries on their way that a connection has not reported as taken by its socket, where nothing else bounds them: a
 * consumer without acknowledgements or with a prefetch above this. Enough for one turn's batch at full speed.
 */
export const WINDOW = 4096;

const NO_LIMIT = 2 ** 30;

/** One consumer as its queue sees it. */
export class Consumer {
  readonly id: number;
  readonly spec: ConsumerSpec;
  readonly order: number;
  /** Most deliveries that may be unsettled (or, without acknowledgements, not yet taken) at once. */
  readonly limit: number;
  /** Deliveries that count against `limit`. */
  outstanding = 0;
  /** Deliveries that count against WINDOW. Only of a windowed consumer. */
  onTheWay = 0;
  /** The connection must say when its socket has taken deliveries. */
  readonly windowed: boolean;
  /** Its channel's own limit is reached: nothing until the channel says so. */
  stopped = false;
  /** It takes nothing more, but still holds deliveries. */
  retired = false;
  /** It waits its turn in its priority's line. */
  lined = false;
  next: Consumer | undefined = undefined;
  previous: Consumer | undefined = undefined;

  constructor(id: number, spec: ConsumerSpec, order: number) {
    this.id = id;
    this.spec = spec;
    this.order = order;
    this.windowed = spec.noAck || spec.prefetch === 0 || spec.prefetch > WINDOW;
    this.limit = spec.noAck || spec.prefetch === 0 ? NO_LIMIT : spec.prefetch;
  }

  get able(): boolean {
    return !this.stopped && !this.retired && this.room > 0;
  }

  /** Messages that its limit and the window leave it. */
  get room(): number {
    return Math.min(this.limit - this.outstanding, WINDOW - this.onTheWay);
  }
}

/** The consumers of one priority that can take a message now, in the order in which it is their turn. */
export class Line {
  readonly priority: number;
  /** Consumers of this priority, whether they wait or not. */
  members = 0;
  first: Consumer | undefined = undefined;
  #last: Consumer | undefined = undefined;

  constructor(priority: number) {
    this.priority = priority;
  }

  join(consumer: Consumer): void {
    if (consumer.lined) return;
    consumer.lined = true;
    consumer.next = undefined;
    consumer.previous = this.#last;
    if (this.#last === undefined) this.first = consumer;
    else this.#last.next = consumer;
    this.#last = consumer;
  }

  /** The first has taken a message: it goes to the end of the line, or leaves it. */
  turn(): void {
    const consumer = this.first!;
    if (consumer.next === undefined && consumer.able) return;
    this.shift();
    if (consumer.able) this.join(consumer);
  }

  /** The first leaves the line. */
  shift(): void {
    const consumer = this.first!;
    this.first = consumer.next;
    if (this.first === undefined) this.#last = undefined;
    else this.first.previous = undefined;
    consumer.next = undefined;
    consumer.lined = false;
  }

  leave(consumer: Consumer): void {
    if (!consumer.lined) return;
    const { next, previous } = consumer;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    consumer.next = undefined;
    consumer.previous = undefined;
    consumer.lined = false;
  }
}
