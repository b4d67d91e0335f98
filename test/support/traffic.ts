/** Publishers and consumers that keep a LedgerOfMessages while the broker under them is made to fail. */
import type { TestBroker } from './broker.ts';
import type { LedgerOfMessages, Read } from './ledger-of-messages.ts';
import { decodeFields } from './raw-bytes.ts';
import type { Incoming, RawChannel } from './raw-channel.ts';
import { RawClient } from './raw-client.ts';
import { METHODS } from './raw-methods.ts';
import type { SeededRandom } from './seeded-random.ts';

/** Longer than any pause of a run: traffic that stands still this long stands still for good. */
const IDLE_MS = 60_000;
const BURST_MAX = 24;
/** Longer than any run that is well; a broken one may crawl. */
const TOTAL_MS = 60_000;
const LOOK_MS = 5;
/** Between two looks no more than this counts as waiting: in a longer pause nobody could move, the one who looks included. */
const LOOK_MAX_MS = 50;

export type PublishingOptions = {
  readonly publisher: number;
  readonly queues: readonly string[];
  readonly random: SeededRandom;
  /** Unanswered publishes at most. */
  readonly window: number;
  readonly bodySizeMax: number;
};

/** One connection with a channel in confirm mode that publishes to queues in turn. */
export class Publishing {
  readonly client: RawClient;
  readonly #channel: RawChannel;
  readonly #ledger: LedgerOfMessages;
  readonly #options: PublishingOptions;
  /** Sequence numbers in the ledger by delivery tag of this channel, less one. */
  readonly #sequences: number[] = [];
  readonly #done = new Set<number>();
  #answeredUpTo = 0;
  #unanswered = 0;
  #stopped = false;
  ended = false;

  private constructor(client: RawClient, channel: RawChannel, ledger: LedgerOfMessages, options: PublishingOptions) {
    this.client = client;
    this.#channel = channel;
    this.#ledger = ledger;
    this.#options = options;
  }

  static async open(broker: TestBroker, ledger: LedgerOfMessages, options: PublishingOptions): Promise<Publishing> {
    const client = await RawClient.connect(broker);
    const channel = await client.openChannel();
    await channel.call('confirm.select');
    return new Publishing(client, channel, ledger, options);
  }

  get unanswered(): number {
    return this.#unanswered;
  }

  /** Publishes until `stop`, then resolves when everything is answered; resolves at once when the connection ends. */
  async run(): Promise<void> {
    try {
      while (!this.#stopped || this.#unanswered > 0) {
        if (!this.#stopped) this.#burst();
        while (this.#unanswered > (this.#stopped ? 0 : this.#options.window / 2)) {
          this.#answer(await this.#channel.inbox.take('a confirm', IDLE_MS));
        }
        // Confirms that are in already are taken before more is sent; the broker and the consumers get their turn.
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      if (!String(error).includes('the connection ended')) throw error;
      this.ended = true;
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  #burst(): void {
    const { publisher, queues, random, window, bodySizeMax } = this.#options;
    const count = Math.min(1 + random.below(BURST_MAX), window - this.#unanswered);
    for (let each = 0; each < count; each++) {
      const { body, sequence } = this.#ledger.next(publisher, random.below(bodySizeMax));
      this.#sequences.push(sequence);
      this.#unanswered++;
      this.#channel.publish({ routingKey: queues[random.below(queues.length)]! }, body);
    }
  }

  #answer(incoming: Incoming): void {
    if (incoming.name !== 'basic.ack' && incoming.name !== 'basic.nack') {
      throw new Error(`publisher ${this.#options.publisher} got ${incoming.name}`);
    }
    const { deliveryTag, multiple } = decodeFields(METHODS['basic.ack'][2], incoming.arguments);
    const tag = deliveryTag;
    for (let each = multiple ? this.#answeredUpTo + 1 : tag; each <= tag; each++) this.#one(each, incoming.name === 'basic.ack');
    while (this.#done.delete(this.#answeredUpTo + 1)) this.#answeredUpTo++;
  }

  #one(tag: number, confirmed: boolean): void {
    if (tag <= this.#answeredUpTo || this.#done.has(tag)) return;
    const sequence = this.#sequences[tag - 1];
    if (sequence === undefined) throw new Error(`publisher ${this.#options.publisher}: a confirm of ${tag}, which was never sent`);
    this.#done.add(tag);
    this.#unanswered--;
    this.#ledger.answered(this.#options.publisher, sequence, confirmed);
  }
}

export type ConsumptionOptions = {
  readonly name: string;
  readonly queue: string;
  readonly random: SeededRandom;
  readonly noAck: boolean;
  readonly prefetch: number;
  /** One delivery in so many is given back instead of acknowledged; 0 for none. */
  readonly nackOneIn: number;
  /** It is the only consumer of its queue, from the first message to the last. */
  readonly whole: boolean;
  /** It settles nothing: what it holds is somebody else's when it goes. */
  readonly holding?: boolean;
};

/** One connection with one consumer. */
export class Consumption {
  readonly client: RawClient;
  readonly #channel: RawChannel;
  readonly #ledger: LedgerOfMessages;
  readonly #options: ConsumptionOptions;
  #held: { readonly tag: number; readonly read: Read | undefined }[] = [];
  reads = 0;
  ended = false;

  private constructor(client: RawClient, channel: RawChannel, ledger: LedgerOfMessages, options: ConsumptionOptions) {
    this.client = client;
    this.#channel = channel;
    this.#ledger = ledger;
    this.#options = options;
  }

  static async open(broker: TestBroker, ledger: LedgerOfMessages, options: ConsumptionOptions): Promise<Consumption> {
    const client = await RawClient.connect(broker);
    const channel = await client.openChannel();
    if (options.prefetch > 0) await channel.call('basic.qos', { prefetchCount: options.prefetch });
    await channel.consume(options.queue, { noAck: options.noAck });
    return new Consumption(client, channel, ledger, options);
  }

  /** Reads and settles until the connection ends. */
  async run(): Promise<void> {
    try {
      for (;;) this.#take(await this.#channel.inbox.take('a delivery', 24 * 3_600_000));
    } catch (error) {
      if (!String(error).includes('the connection ended')) throw error;
      this.ended = true;
    }
  }

  #take(incoming: Incoming): void {
    const { name, queue, noAck, whole } = this.#options;
    if (incoming.name !== 'basic.deliver') throw new Error(`consumer ${name} got ${incoming.name}`);
    const { deliveryTag, redelivered } = decodeFields(METHODS['basic.deliver'][2], incoming.arguments);
    this.reads++;
    const read = this.#ledger.read(whole ? queue : `${name} ${queue}`, incoming.body ?? Buffer.alloc(0), redelivered, whole);
    if (noAck) {
      if (read !== undefined) this.#ledger.settled(read);
      return;
    }
    if (this.#options.holding === true) return;
    this.#held.push({ tag: deliveryTag, read });
    this.#settleSome();
  }

  /** Mostly at once and one by one; now and then several together, or the last one back. */
  #settleSome(): void {
    const { random, nackOneIn, prefetch } = this.#options;
    const last = this.#held.at(-1)!;
    if (nackOneIn > 0 && this.#held.length === 1 && random.oneIn(nackOneIn)) {
      this.#held.pop();
      this.#channel.send('basic.nack', { deliveryTag: last.tag, requeue: true });
      return;
    }
    if (this.#channel.inbox.length > 0 && this.#held.length < prefetch / 2 && random.oneIn(3)) return;
    for (const { read } of this.#held) if (read !== undefined) this.#ledger.settled(read);
    this.#held = [];
    this.#channel.send('basic.ack', { deliveryTag: last.tag, multiple: true });
  }
}

/** Traffic that goes on beside a test. What goes wrong in it is an outcome of the test: nobody waits for it yet, and it must not end the process. */
export class Runs {
  readonly #ended: Promise<void>[] = [];
  #failure = '';

  add(run: Promise<void>): void {
    this.#ended.push(
      run.catch((error: unknown) => {
        this.#failure ||= String(error);
      }),
    );
  }

  /** Resolves when all have ended: with what went wrong first, or with nothing. */
  async ended(): Promise<string> {
    await Promise.all(this.#ended);
    return this.#failure;
  }
}

/**
 * Waits until `done`, looking often; an error that names `what` when nothing has moved for `idleMs`. These are milliseconds in which this
 * process ran: a machine that stands still does not count against anybody.
 */
export async function until(done: () => boolean, what: string, progress: () => number, idleMs = 15_000): Promise<void> {
  let waitedMs = 0;
  let stillMs = 0;
  let before = progress();
  while (!done()) {
    const lookedAt = performance.now();
    await new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS));
    const passedMs = Math.min(performance.now() - lookedAt, LOOK_MAX_MS);
    waitedMs += passedMs;
    stillMs += passedMs;
    const now = progress();
    if (now !== before) {
      before = now;
      stillMs = 0;
    }
    // Before anything is said of the time, it is looked once more.
    if (done()) return;
    if (waitedMs > TOTAL_MS) throw new Error(`waited ${TOTAL_MS} ms until ${what}`);
    if (stillMs > idleMs) throw new Error(`nothing has moved for ${idleMs} ms while waiting until ${what}`);
  }
}
