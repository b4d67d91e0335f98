/**
 * Messages that go to several queues at once: a confirm means that each of them has the message. Whoever kills the process then
 * finds every confirmed message in every queue, once.
 */
import type { TestBroker } from './broker.ts';
import { decodeFields } from './raw-bytes.ts';
import type { Incoming, RawChannel } from './raw-channel.ts';
import { RawClient } from './raw-client.ts';
import { METHODS } from './raw-methods.ts';

const EXCHANGE = 'every-queue';
const WINDOW = 300;
const BURST = 20;
const BODY_SIZE = 64;
const IDLE_MS = 20_000;
/** A queue that delivers nothing for so long is empty. */
const EMPTY_MS = 400;

export type FanoutVerdict = {
  readonly attempted: number;
  /** Confirmed by the broker. */
  readonly acknowledged: number;
  /** Copies read: one a queue. */
  readonly ok: number;
  /** Copies of confirmed messages that a queue does not have. */
  readonly lost: number;
  /** Copies read of messages that were not confirmed. */
  readonly recovered: number;
  readonly unexpected: number;
  /** Copies that one queue has more than once. */
  readonly duplicated: number;
  readonly disordered: number;
  /** Confirms of what was answered before, or never sent; refusals. */
  readonly misanswered: number;
};

/** One publisher's messages: answers by sequence, from 0. */
type Sent = { readonly publisher: number; readonly answers: ('none' | 'confirmed')[] };

export class Fanout {
  readonly queues: readonly string[];
  readonly #sent: Sent[] = [];
  #misanswered = 0;

  constructor(queues: readonly string[]) {
    this.queues = queues;
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
    return this.#sent.reduce((sum, { answers }) => sum + answers.length, 0);
  }

  /** Publishes until `stopped` and everything is answered, or until the connection ends; answers how many were left without an answer. */
  async publish(broker: TestBroker, stopped: () => boolean): Promise<number> {
    const sent: Sent = { publisher: this.#sent.length, answers: [] };
    this.#sent.push(sent);
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
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      client.drop();
    } catch (error) {
      if (!/the connection ended|the TCP connection|ECONNREFUSED/.test(String(error))) throw error;
    }
    return open;
  }

  #send(channel: RawChannel, { publisher, answers }: Sent): void {
    const body = Buffer.alloc(BODY_SIZE, answers.length & 0xff);
    body.writeUInt32BE(publisher, 0);
    body.writeUInt32BE(answers.length, 4);
    answers.push('none');
    channel.publish({ exchange: EXCHANGE, routingKey: '' }, body, { deliveryMode: 2 });
  }

  /** How many publishes the method answers. */
  #answer({ name, arguments: bytes }: Incoming, { answers }: Sent, open: number): number {
    if (name !== 'basic.ack') {
      this.#misanswered++;
      return 0;
    }
    const { deliveryTag, multiple } = decodeFields(METHODS['basic.ack'][2], bytes);
    let answered = 0;
    // Nothing below the window can be open any more; several at once are those that are.
    const first = multiple ? Math.max(1, answers.length - 4 * WINDOW) : deliveryTag;
    for (let tag = first; tag <= deliveryTag; tag++) {
      if (answers[tag - 1] === 'none') answered++;
      else if (tag === deliveryTag) this.#misanswered++;
      answers[tag - 1] = 'confirmed';
    }
    if (answered > open) this.#misanswered++;
    return answered;
  }

  /** Reads all queues empty. */
  async judge(broker: TestBroker): Promise<FanoutVerdict> {
    let ok = 0;
    let lost = 0;
    let recovered = 0;
    let unexpected = 0;
    let duplicated = 0;
    let disordered = 0;
    for (const queue of this.queues) {
      const found = this.#sent.map(() => new Set<number>());
      const last = new Map<number, number>();
      for (const body of await readAll(broker, queue)) {
        const publisher = body.readUInt32BE(0);
        const sequence = body.readUInt32BE(4);
        const answer = this.#sent[publisher]?.answers[sequence];
        if (answer === undefined || body.length !== BODY_SIZE || body[BODY_SIZE - 1] !== (sequence & 0xff)) {
          unexpected++;
          continue;
        }
        if (found[publisher]!.has(sequence)) duplicated++;
        found[publisher]!.add(sequence);
        if (sequence < (last.get(publisher) ?? 0)) disordered++;
        last.set(publisher, sequence);
        ok++;
        if (answer === 'none') recovered++;
      }
      for (const { publisher, answers } of this.#sent) {
        for (const [sequence, answer] of answers.entries()) if (answer === 'confirmed' && !found[publisher]!.has(sequence)) lost++;
      }
    }
    const acknowledged = this.#sent.reduce((sum, { answers }) => sum + answers.filter((answer) => answer === 'confirmed').length, 0);
    return { attempted: this.attempted, acknowledged, ok, lost, recovered, unexpected, duplicated, disordered, misanswered: this.#misanswered };
  }
}

async function readAll(broker: TestBroker, queue: string): Promise<Buffer[]> {
  const client = await RawClient.connect(broker);
  const channel = await client.openChannel();
  const { messageCount } = await channel.call('queue.declare', { queue, passive: true });
  await channel.consume(queue, { noAck: true });
  const bodies: Buffer[] = [];
  for (;;) {
    try {
      const incoming = await channel.inbox.take('a delivery', bodies.length < messageCount ? IDLE_MS : EMPTY_MS);
      bodies.push(incoming.body ?? Buffer.alloc(0));
    } catch {
      break;
    }
  }
  client.drop();
  return bodies;
}
