/** A consumer with acknowledgements that connects again whenever it loses its broker. Each subscription is a new lane. */
import { AmqpLink } from './amqp-link.ts';
import type { Delivery } from './frame-reader.ts';
import type { Lane, Reading } from './message-ledger.ts';
import type { SeededRandom } from './seeded-random.ts';
import { RECONNECT_MS, pause } from './stage.ts';
import type { Stage } from './stage.ts';

/** Deliveries that wait for their ack get it at the latest after this. */
const SETTLE_MS = 10;
/** Now and then a consumer falls asleep, so that queues fill and deliveries are unsettled when a fault strikes. */
const NAP_ONE_IN = 150;
const NAP_MS_MAX = 250;
/**
 * Below so many confirmed messages that nobody is done with, consumers acknowledge nothing: a broker that forgets what it holds must
 * hold something, unread messages too. More than all consumers of a usual run may have unsettled.
 */
const BACKLOG_LEAST = 1_000;
const REQUEUE_ONE_IN = 300;
const PREFETCH = 100;

export type ConsumerOptions = {
  readonly queue: string;
  readonly random: SeededRandom;
  /** Nobody else reads the queue. */
  readonly sole: boolean;
  /** It acknowledges everything at once and gives nothing back: the queue is to become empty. */
  readonly draining: boolean;
};

type Held = { readonly deliveryTag: number; readonly reading: Reading | undefined };

export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #stage: Stage;
  #stopping = false;
  #link: AmqpLink | undefined = undefined;
  #lane: Lane | undefined = undefined;
  #held: Held[] = [];
  #settling: NodeJS.Timeout | undefined = undefined;

  constructor(options: ConsumerOptions, stage: Stage) {
    this.#options = options;
    this.#stage = stage;
  }

  /** Reads until `stop`, then resolves when its connection is closed. */
  async run(): Promise<void> {
    while (!this.#stopping) {
      const url = this.#stage.url();
      if (url !== undefined) {
        try {
          await this.#connection(url);
        } catch {
          // Lost or refused while connecting: faults do that.
        }
      }
      if (!this.#stopping) await pause(RECONNECT_MS);
    }
  }

  stop(): void {
    this.#stopping = true;
    void this.#link?.close();
  }

  async #connection(url: string): Promise<void> {
    const gone = Promise.withResolvers<void>();
    this.#held = [];
    const brokerStart = this.#stage.brokerStart();
    const link = await AmqpLink.open(url, {
      deliver: (delivery) => this.#take(delivery),
      scanned: () => this.#settleLater(),
      ended: () => gone.resolve(),
    });
    const { queue, sole } = this.#options;
    this.#link = link;
    try {
      await link.declareQueue(queue);
      this.#lane = this.#stage.ledger.openLane(queue, sole, brokerStart);
      await link.consume(queue, PREFETCH);
      if (this.#stopping) await link.close();
      await gone.promise;
    } finally {
      link.drop();
      clearTimeout(this.#settling);
      this.#settling = undefined;
    }
  }

  #take({ deliveryTag, redelivered, body }: Delivery): void {
    if (this.#lane === undefined) return this.#stage.problem(`a delivery from ${this.#options.queue} came before it was asked for`);
    const reading = this.#stage.ledger.read(this.#lane, body, redelivered);
    this.#held.push({ deliveryTag, reading });
  }

  #settleLater(): void {
    if (this.#held.length === 0 || this.#settling !== undefined) return;
    const { random, draining } = this.#options;
    if (draining || random.oneIn(3)) return this.#settle();
    this.#settling = setTimeout(() => this.#settle(), random.oneIn(NAP_ONE_IN) ? random.below(NAP_MS_MAX) : random.below(SETTLE_MS));
  }

  /** Mostly all that is held by one ack; sometimes one by one, and sometimes one goes back. */
  #settle(): void {
    this.#settling = undefined;
    const link = this.#link;
    if (link === undefined || link.endedBy !== undefined) return;
    const { random, draining } = this.#options;
    if (!draining && this.#stage.ledger.waiting(this.#stage.nowMs()) < BACKLOG_LEAST) {
      this.#settling = setTimeout(() => this.#settle(), SETTLE_MS);
      return;
    }
    const held = this.#held;
    this.#held = [];
    if (!draining && random.oneIn(REQUEUE_ONE_IN)) {
      const back = held.pop();
      if (back !== undefined) link.requeue(back.deliveryTag);
    }
    const last = held.at(-1);
    if (last === undefined) return;
    const together = held.length > 4 || random.oneIn(2);
    for (const { deliveryTag, reading } of held) {
      if (reading !== undefined) this.#stage.ledger.settled(reading);
      if (!together) link.ack(deliveryTag, false);
    }
    if (together) link.ack(last.deliveryTag, true);
  }
}
