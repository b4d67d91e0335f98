/**
 * Messages that go to several queues at once: a confirm means that each of them has the message. Whoever kills the process then
 * finds every confirmed message in every queue, once. Ledgers and readers are those of the chaos runs, a ledger for each queue.
 */
import { BodyWriter, checksumOf } from '../../tools/chaos/message-body.ts';
import { MessageLedger, type Verdict } from '../../tools/chaos/message-ledger.ts';
import { SeededRandom } from '../../tools/chaos/seeded-random.ts';
import { nextTurn } from '../../tools/chaos/stage.ts';
import { Traffic } from '../../tools/chaos/traffic.ts';
import type { TestBroker } from './broker.ts';
import { decodeFields } from './raw-bytes.ts';
import type { Incoming, RawChannel } from './raw-channel.ts';
import { RawClient } from './raw-client.ts';
import { METHODS } from './raw-methods.ts';

const EXCHANGE = 'every-queue';
const WINDOW = 300;
const BURST = 20;
const BODY_SIZE_MAX = 64;
/** Longer than whoever waits for the publishing looks on. */
const IDLE_MS = 60_000;

/** Copies are counted, one a queue; but `attempted` and `acknowledged` count messages. */
export type FanoutVerdict = Verdict & {
  /** Copies that stayed in their queues. */
  readonly left: number;
  /** Confirms of what was answered before, or never sent; refusals. */
  readonly misanswered: number;
  readonly problems: readonly string[];
};

/** One publisher's messages, which are a stream of the same number in every ledger. */
type Sent = { readonly stream: number; readonly answered: boolean[] };

export class Fanout {
  readonly queues: readonly string[];
  readonly #ledgers: readonly MessageLedger[];
  readonly #random = new SeededRandom(1);
  readonly #bodies = new BodyWriter(this.#random.branch(), BODY_SIZE_MAX);
  readonly #problems: string[] = [];
  #publishers = 0;
  #attempted = 0;
  #misanswered = 0;

  constructor(queues: readonly string[]) {
    this.queues = queues;
    this.#ledgers = queues.map(() => new MessageLedger());
  }

  /** Declares the queues, each from a connection of its own, so that they come to lie on several threads. */
  async declare(broker: TestBroker): Promise<void> {
    for (const queue of this.queues) {
      const client = await RawClient.connect(broker);
      const channel = await client.openChannel();
      await channel.call('exchange.declare', { exchange: EXCHANGE, type: 'fanout', durable: true });
      await channel.call('queue.declare', { queue, durable: true });
      await channel.call('queue.bind', { queue, exchange: EXCHANGE, routingKey: '' });
      await client.close();
    }
  }

  get attempted(): number {
    return this.#attempted;
  }

  /** Publishes until `stopped` and everything is answered, or until the connection ends; answers how many were left without an answer. */
  async publish(broker: TestBroker, stopped: () => boolean): Promise<number> {
    const sent = this.#openStream();
    let open = 0;
    try {
      const client = await RawClient.connect(broker);
      // A node that stops waits for its clients' goodbye.
      void client.connection.inbox.take('the close of the connection', 3_600_000).then(() => client.drop()).catch(() => undefined);
      const channel = await client.openChannel();
      await channel.call('confirm.select');
      while (!stopped() || open > 0) {
        for (let each = 0; each < BURST && open < WINDOW && !stopped(); each++, open++) this.#send(channel, sent);
        if (open === WINDOW || stopped()) open -= this.#answer(await channel.inbox.take('a confirm', IDLE_MS), sent, open);
        while (channel.inbox.length > 0) open -= this.#answer(await channel.inbox.take('a confirm'), sent, open);
        await nextTurn();
      }
      client.drop();
    } catch (error) {
      if (!/the connection ended|the TCP connection|ECONNREFUSED/.test(String(error))) throw error;
    }
    return open;
  }

  #openStream(): Sent {
    const publisher = ++this.#publishers;
    const streams = this.#ledgers.map((ledger, index) => ledger.openStream(publisher, this.queues[index]!));
    return { stream: streams[0]!, answered: [] };
  }

  #send(channel: RawChannel, { stream, answered }: Sent): void {
    const body = this.#bodies.write(stream, answered.push(false), 0);
    for (const ledger of this.#ledgers) ledger.sent(stream, checksumOf(body));
    this.#attempted++;
    channel.publish({ exchange: EXCHANGE, routingKey: '' }, body, { deliveryMode: 2 });
  }

  /** How many publishes the method answers. */
  #answer({ name, arguments: bytes }: Incoming, { stream, answered }: Sent, open: number): number {
    if (name !== 'basic.ack') {
      this.#misanswered++;
      return 0;
    }
    const { deliveryTag, multiple } = decodeFields(METHODS['basic.ack'][2], bytes);
    let count = 0;
    // Nothing below the window can be open any more; several at once are those that are.
    const first = multiple ? Math.max(1, answered.length - 4 * WINDOW) : deliveryTag;
    for (let tag = first; tag <= deliveryTag; tag++) {
      if (answered[tag - 1] === false) {
        count++;
        for (const ledger of this.#ledgers) ledger.answered(stream, tag, true);
        answered[tag - 1] = true;
      } else if (tag === deliveryTag) this.#misanswered++;
    }
    if (count > open) this.#misanswered++;
    return count;
  }

  /** Reads all queues empty, and deletes them. */
  async judge(broker: TestBroker): Promise<FanoutVerdict> {
    const readings = await Promise.all(this.#ledgers.map((ledger, index) => this.#drain(broker, this.queues[index]!, ledger)));
    const verdicts = this.#ledgers.map((ledger) => ledger.verdict());
    const sum = (counter: keyof Verdict): number => verdicts.reduce((total, verdict) => total + verdict[counter], 0);
    return {
      attempted: this.#attempted,
      acknowledged: verdicts[0]!.acknowledged,
      ok: sum('ok'),
      lost: sum('lost'),
      recovered: sum('recovered'),
      unexpected: sum('unexpected'),
      duplicated: sum('duplicated'),
      disordered: sum('disordered'),
      repeated: sum('repeated'),
      left: readings.reduce((total, left) => total + left, 0),
      misanswered: this.#misanswered,
      problems: [...this.#problems, ...this.#ledgers.flatMap(({ examples }) => examples)],
    };
  }

  #drain({ url }: TestBroker, queue: string, ledger: MessageLedger): Promise<number> {
    const stage = {
      ledger,
      url: () => url,
      brokerStart: () => 1,
      nowMs: () => performance.now(),
      recovered: () => {},
      confirmed: () => {},
      problem: (text: string) => void this.#problems.push(text),
    };
    return new Traffic({ publishers: 0, consumers: 1, queues: [queue] }, stage, this.#random.branch()).drain();
  }
}
