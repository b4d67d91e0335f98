import * as assert from 'uvu/assert';
import { decodeFields, encodeFields, long, longlong, short } from './raw-bytes.ts';
import type { LayoutLetter } from './raw-bytes.ts';
import { DEADLINE_MS } from './deadline.ts';
import { Inbox } from './inbox.ts';
import { METHODS } from './raw-methods.ts';
import type { CallName, MethodFields, MethodName } from './raw-methods.ts';
import { decodeProperties, encodeProperties } from './raw-properties.ts';
import type { RawProperties } from './raw-properties.ts';

export const FRAME = { method: 1, header: 2, body: 3, heartbeat: 8 } as const;

/** A method as it came in, with its content when it carries one; `header` is the properties part, flags first. */
export type Incoming = {
  readonly name: string;
  readonly arguments: Buffer;
  header?: Buffer;
  body?: Buffer;
};

/** Why the broker closed a channel or a connection; `method` is what it names as the cause, `0.0` for none. */
export type Refusal = { readonly code: number; readonly text: string; readonly method: string };

/** A message handed out by basic.deliver, basic.get-ok or basic.return. */
export type Delivery<M extends MethodName> = {
  readonly fields: MethodFields<M>;
  readonly properties: RawProperties;
  readonly header: Buffer;
  readonly body: Buffer;
  readonly text: string;
};

/** Where a message goes; all but the routing key has a default. */
export type Destination = { exchange?: string; routingKey: string; mandatory?: boolean; immediate?: boolean };

type Wire = {
  readonly sendFrame: (type: number, channel: number, payload: Buffer) => void;
  readonly bodySizeMax: () => number;
  readonly nameOf: (classId: number, methodId: number) => string;
};

/** One channel of a raw client: methods out, methods in, in the order of the wire. Number 0 is the connection itself. */
export class RawChannel {
  readonly number: number;
  readonly inbox = new Inbox<Incoming>();
  readonly #wire: Wire;

  constructor(number: number, wire: Wire) {
    this.number = number;
    this.#wire = wire;
  }

  send<M extends MethodName>(name: M, fields: Partial<MethodFields<M>> = {}): void {
    const [classId, methodId, layout] = METHODS[name];
    const payload = encodeFields<Readonly<Record<string, LayoutLetter>>>(layout, fields);
    this.#wire.sendFrame(FRAME.method, this.number, Buffer.concat([short(classId), short(methodId), payload]));
  }

  /** Sends a method and takes its answer, which must be the next thing on this channel. */
  call<M extends CallName>(name: M, fields: Partial<MethodFields<M>> = {}): Promise<MethodFields<`${M}-ok`>> {
    this.send(name, fields);
    return this.expect(`${name}-ok` as const);
  }

  /** The next method, which must be this one; a close instead of it fails the test with its text. */
  async expect<M extends MethodName>(name: M): Promise<MethodFields<M>> {
    return this.#fieldsOf(name, await this.inbox.take(`${name} on channel ${this.number}`));
  }

  async expectContent<M extends 'basic.deliver' | 'basic.get-ok' | 'basic.return'>(name: M): Promise<Delivery<M>> {
    const incoming = await this.inbox.take(`${name} on channel ${this.number}`);
    const fields = this.#fieldsOf(name, incoming);
    const { header = Buffer.alloc(2), body = Buffer.alloc(0) } = incoming;
    return { fields, header, body, properties: decodeProperties(header), text: body.toString() };
  }

  delivery(): Promise<Delivery<'basic.deliver'>> {
    return this.expectContent('basic.deliver');
  }

  async deliveries(count: number): Promise<Delivery<'basic.deliver'>[]> {
    const deliveries: Delivery<'basic.deliver'>[] = [];
    while (deliveries.length < count) deliveries.push(await this.delivery());
    return deliveries;
  }

  /** basic.get of a message that must be there. */
  get(queue: string, noAck = true): Promise<Delivery<'basic.get-ok'>> {
    this.send('basic.get', { queue, noAck });
    return this.expectContent('basic.get-ok');
  }

  /**
   * Takes everything that is ready, as texts. basic.get keeps its place behind the publishes of this channel, where a passive declare may
   * overtake them.
   */
  async drain(queue: string): Promise<string[]> {
    const texts: string[] = [];
    for (;;) {
      this.send('basic.get', { queue, noAck: true });
      const answer = await this.inbox.take('a message or none');
      if (answer.name === 'basic.get-empty') return texts;
      this.#fieldsOf('basic.get-ok', answer);
      texts.push(String(answer.body ?? ''));
    }
  }

  publish(destination: Destination, body: string | Buffer = '', properties: RawProperties = {}): void {
    this.publishEncoded(destination, typeof body === 'string' ? Buffer.from(body) : body, encodeProperties(properties));
  }

  publishEncoded(destination: Destination, body: Buffer, header: Buffer): void {
    this.send('basic.publish', destination);
    this.sendHeader(body.length, header);
    const step = this.#wire.bodySizeMax();
    for (let at = 0; at < body.length; at += step) this.#wire.sendFrame(FRAME.body, this.number, body.subarray(at, at + step));
  }

  sendHeader(bodySize: number, header: Buffer = Buffer.alloc(2), classId = 60): void {
    const payload = Buffer.concat([short(classId), short(0), longlong(bodySize), header]);
    this.#wire.sendFrame(FRAME.header, this.number, payload);
  }

  /** Waits until the first `count` publishes since confirm.select are confirmed. */
  async confirmed(count: number): Promise<void> {
    const missing = new Set(Array.from({ length: count }, (_, index) => index + 1));
    while (missing.size > 0) {
      const { deliveryTag, multiple } = await this.expect('basic.ack');
      for (const tag of missing) if (tag === Number(deliveryTag) || (multiple && tag < Number(deliveryTag))) missing.delete(tag);
    }
  }

  /** A queue of the test's own, gone with the connection. */
  async queue(queue: string, fields: Partial<MethodFields<'queue.declare'>> = {}): Promise<string> {
    return (await this.call('queue.declare', { queue, exclusive: true, ...fields })).queue;
  }

  async consume(queue: string, fields: Partial<MethodFields<'basic.consume'>> = {}): Promise<string> {
    return (await this.call('basic.consume', { queue, ...fields })).consumerTag;
  }

  /** Waits until the queue has this many messages ready: other channels' messages and settles arrive in their own time. */
  async untilReady(queue: string, count: number): Promise<void> {
    const givenUpAt = performance.now() + DEADLINE_MS;
    for (;;) {
      // The last look is one that began after the deadline.
      const isLast = performance.now() > givenUpAt;
      const { messageCount } = await this.call('queue.declare', { queue, passive: true });
      if (messageCount === count) return;
      if (isLast) assert.is(messageCount, count, `messages ready in ${queue}`);
    }
  }

  /**
   * Asserts that nothing more comes. The queue's answers to two questions overtake nothing that it sent before the first
   * one: a delivery on its way has arrived when both are answered.
   */
  async quiet(queue: string): Promise<void> {
    for (let round = 0; round < 2; round += 1) await this.call('queue.declare', { queue, passive: true });
    assert.is(this.inbox.length, 0, 'nothing more arrives');
  }

  /** The broker's close of this channel (of the connection when this is channel 0), answered with close-ok. */
  async refused(): Promise<Refusal> {
    const kind = this.number === 0 ? 'connection' : 'channel';
    const fields = await this.expect(`${kind}.close`);
    this.send(`${kind}.close-ok`);
    return {
      code: fields.replyCode,
      text: fields.replyText,
      method: this.#wire.nameOf(fields.classId, fields.methodId),
    };
  }

  #fieldsOf<M extends MethodName>(name: M, incoming: Incoming): MethodFields<M> {
    let seen = incoming.name;
    if (seen !== name && seen.endsWith('.close')) {
      seen += ` ${decodeFields(METHODS['channel.close'][2], incoming.arguments).replyText}`;
    }
    assert.is(seen, name, `the next method on channel ${this.number}`);
    return decodeFields<Readonly<Record<string, LayoutLetter>>>(METHODS[name][2], incoming.arguments) as MethodFields<M>;
  }
}

/** One frame's bytes; the end byte can be spoilt. */
export function frame(type: number, channel: number, payload: Buffer, end = 0xce): Buffer {
  return Buffer.concat([Buffer.of(type), short(channel), long(payload.length), payload, Buffer.of(end)]);
}
