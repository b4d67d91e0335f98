/**
 * The receiving half of a channel: consumers, deliveries and their tags, settles, the channel's own limit.
 *
 * The limit of a consumer (basic.qos) is its queue's business: the queue never has more unsettled there. The limit of the
 * channel (basic.qos with global) is ours, because its consumers may be at many queues: what comes above it goes back
 * unseen, and its queue is told to wait.
 */
import type { ConsumerSpec } from '../../broker/queue/consumer.ts';
import type { QueueAnswer } from '../../broker/queue/queue-question.ts';
import { Settle } from '../../broker/queue/queue-machine.ts';
import type { FieldTable } from '../../broker/field-table.ts';
import { checkConsumerArguments, consumerPriorityOf, consumerTimeoutOf } from '../../broker/consumer-arguments.ts';
import { describe, withoutLineEnds } from '../../broker/name.ts';
import { queueTypeOf, readQueueOptions } from '../../broker/queue-options.ts';
import { type Refusal, ReplyCode, refuse } from '../../broker/refusal.ts';
import { openQueue } from '../../broker/topology/access.ts';
import type { QueueRecord } from '../../broker/topology/topology-records.ts';
import { DeliveryAges } from '../delivery-ages.ts';
import { DeliveryLedger, type Settled } from '../delivery-ledger.ts';
import { encodeMethodFrame } from '../method-codec.ts';
import type { Method, MethodName, MethodOf } from '../method-table.ts';
import { RECORD_HEAD_SIZE } from '../stored-message.ts';
import { ChannelConsumer } from './channel-consumer.ts';
import type { ChannelPort } from './channel-port.ts';
import type { Channel } from './channel.ts';
import { REPLY_TO_PREFIX, REPLY_TO_QUEUE } from './direct-reply.ts';
import type { QueueLink } from './queue-link.ts';
import { exchangeOf, routingKeyOf } from './route-cache.ts';

type ConsumingMethod = Extract<
  Method,
  {
    name:
      | 'basic.qos'
      | 'basic.consume'
      | 'basic.cancel'
      | 'basic.get'
      | 'basic.ack'
      | 'basic.nack'
      | 'basic.reject'
      | 'basic.recover'
      | 'basic.recover-async';
  }
>;

/** Consumers of one channel. */
export const CONSUMERS_PER_CHANNEL_MAX = 65_536;

export class Consuming {
  readonly #channel: Channel;
  readonly #port: ChannelPort;
  readonly #ledger = new DeliveryLedger();
  readonly #byTag = new Map<string, ChannelConsumer>();
  /** Prefetch of consumers that will be started. */
  #prefetch = 0;
  /** The channel's own limit; 0 is none. */
  #limit = 0;
  #stopped: ChannelConsumer[] = [];
  readonly #ages = new DeliveryAges();
  /** The smallest timeout that a consumer or a queue here has had of its own. */
  #leastTimeoutMs = Infinity;
  #reply: ChannelConsumer | undefined = undefined;
  #replyName: string | undefined = undefined;

  constructor(channel: Channel, port: ChannelPort) {
    this.#channel = channel;
    this.#port = port;
  }

  get replyName(): string | undefined {
    return this.#replyName;
  }

  get unsettled(): number {
    return this.#ledger.count;
  }

  consumers(): IterableIterator<ChannelConsumer> {
    return this.#byTag.values();
  }

  method(method: ConsumingMethod): void {
    switch (method.name) {
      case 'basic.qos':
        return this.#qos(method);
      case 'basic.consume':
        return this.#consume(method);
      case 'basic.cancel':
        return this.#cancel(method);
      case 'basic.get':
        return this.#get(method);
      case 'basic.ack':
        return this.settle(method.deliveryTag, method.multiple, Settle.ack, method.name);
      case 'basic.nack':
        return this.settle(method.deliveryTag, method.multiple, method.requeue ? Settle.returned : Settle.discard, method.name);
      case 'basic.reject':
        return this.settle(method.deliveryTag, false, method.requeue ? Settle.requeue : Settle.discard, method.name);
      case 'basic.recover':
      case 'basic.recover-async':
        return this.#recover(method);
    }
  }

  #refuse(code: ReplyCode, explanation: string, method: MethodName): void {
    this.#channel.refuse(refuse(code, explanation), method);
  }

  #send(method: Method): void {
    if (this.#channel.open) this.#port.send(this.#channel.number, method);
  }

  #qos(method: MethodOf<'basic.qos'>): void {
    if (method.prefetchSize !== 0) {
      return this.#refuse(ReplyCode.notImplemented, `prefetch_size!=0 (${method.prefetchSize})`, method.name);
    }
    if (method.global) {
      this.#limit = method.prefetchCount;
    } else {
      this.#prefetch = method.prefetchCount;
      this.#limit = 0;
    }
    this.settled();
    this.#send({ name: 'basic.qos-ok' });
  }

  // ---- consumers

  #consume(method: MethodOf<'basic.consume'>): void {
    const { noAck, exclusive } = method;
    if (method.consumerTag !== '' && this.#byTag.has(method.consumerTag)) {
      return this.#refuse(ReplyCode.notAllowed, `attempt to reuse consumer tag '${method.consumerTag}'`, method.name);
    }
    if (this.#byTag.size >= CONSUMERS_PER_CHANNEL_MAX) {
      const text = `reached maximum (${CONSUMERS_PER_CHANNEL_MAX}) of consumers per channel`;
      return this.#refuse(ReplyCode.notAllowed, text, method.name);
    }
    if (method.queue === REPLY_TO_QUEUE) return this.#consumeReplies(method);
    const name = method.queue === '' ? this.#channel.lastQueue : withoutLineEnds(method.queue);
    if (name === undefined) return this.#refuse(ReplyCode.notFound, 'no previously declared queue', method.name);
    const opened = openQueue(this.#port.topology, this.#port.who, name);
    if ('refusal' in opened) return this.#channel.refuse(opened.refusal, method.name);
    const queue = opened.queue.record;
    const refusal = checkConsumerArguments(queue, method.arguments) ?? this.#objectToType(queue);
    if (refusal !== undefined) return this.#channel.refuse(refusal, method.name);
    const priority = consumerPriorityOf(method.arguments);
    const consumer = this.#addConsumer(method);
    consumer.timeoutMs = this.#timeoutOf(method.arguments, queue);
    const spec: ConsumerSpec = {
      ...this.#address(consumer.key),
      tag: consumer.tag,
      noAck,
      exclusive,
      priority,
      prefetch: this.#prefetch,
      order: 0,
    };
    consumer.spec = spec;
    this.#channel.attach(queue);
    // Deliveries may follow the queue's answer at once: the answer to the client must be written before them.
    this.#port.ask(queue, { type: 'consume', spec }, (answer, link) => {
      if (answer.type !== 'consuming') return this.#refuseConsumer(consumer, name, answer, method.name);
      this.#subscribed(consumer, link, answer);
      if (!method.noWait) this.#send({ name: 'basic.consume-ok', consumerTag: consumer.tag });
    });
  }

  /** Quorum queues know no limit that consumers of several queues share. */
  #objectToType(queue: QueueRecord): Refusal | undefined {
    if (this.#limit === 0 || queueTypeOf(queue.arguments) !== 'quorum') return undefined;
    return refuse(ReplyCode.notImplemented, `${describe('queue', queue.vhost, queue.name)} does not support global qos`);
  }

  #addConsumer(method: MethodOf<'basic.consume'>): ChannelConsumer {
    const tag = method.consumerTag === '' ? `amq.ctag-${this.#port.randomPart()}` : method.consumerTag;
    const consumer = new ChannelConsumer(this.#channel, tag, method.noAck);
    consumer.key = this.#port.addConsumer(consumer);
    this.#byTag.set(tag, consumer);
    return consumer;
  }

  #address(key: number): Pick<ConsumerSpec, 'thread' | 'connection' | 'generation' | 'channel' | 'key'> {
    return { ...this.#port.self, channel: this.#channel.number, key };
  }

  #subscribed(consumer: ChannelConsumer, link: QueueLink, answer: Extract<QueueAnswer, { type: 'consuming' }>): void {
    consumer.link = link;
    consumer.consumerId = answer.consumerId;
    consumer.windowed = answer.windowed;
    if (consumer.spec !== undefined) consumer.spec = { ...consumer.spec, order: answer.order };
  }

  #refuseConsumer(consumer: ChannelConsumer, queue: string, answer: QueueAnswer, method: MethodName): void {
    this.#forget(consumer);
    if (answer.type === 'refused') return this.#channel.refuse(answer.refusal, method);
    const text = `no queue '${queue}' in vhost '${this.#port.who.vhost}'`;
    this.#refuse(ReplyCode.notFound, text, method);
  }

  /** Replies to requests of this channel, without a queue (RabbitMQ guide "Direct Reply-to"). */
  #consumeReplies(method: MethodOf<'basic.consume'>): void {
    if (!method.noAck) return this.#refuse(ReplyCode.preconditionFailed, 'reply consumer cannot acknowledge', method.name);
    if (this.#reply !== undefined) return this.#refuse(ReplyCode.preconditionFailed, 'reply consumer already set', method.name);
    this.#reply = this.#addConsumer(method);
    this.#replyName = REPLY_TO_PREFIX + this.#port.replyToken(this.#reply.key);
    if (!method.noWait) this.#send({ name: 'basic.consume-ok', consumerTag: this.#reply.tag });
  }

  /** An unknown tag is no error; what the consumer holds stays with the channel. */
  #cancel(method: MethodOf<'basic.cancel'>): void {
    const { consumerTag, noWait } = method;
    const consumer = this.#byTag.get(consumerTag);
    const answer = (): void => {
      if (!noWait) this.#send({ name: 'basic.cancel-ok', consumerTag });
    };
    if (consumer?.link === undefined) {
      if (consumer !== undefined) this.#forget(consumer);
      return answer();
    }
    consumer.cancelling = true;
    this.#port.ask(consumer.link.queue, { type: 'cancel', key: consumer.key }, () => {
      this.#forget(consumer);
      answer();
    });
  }

  #forget(consumer: ChannelConsumer): void {
    this.#byTag.delete(consumer.tag);
    this.#port.dropConsumer(consumer.key);
    if (consumer === this.#reply) {
      this.#reply = undefined;
      this.#replyName = undefined;
    }
  }

  /** The queue is gone: its consumer goes, and the client hears of it if it understands (consumer_cancel_notify). */
  cancelledByQueue(consumer: ChannelConsumer): void {
    if (this.#byTag.get(consumer.tag) !== consumer) return;
    this.#forget(consumer);
    if (this.#port.canCancelNotify) this.#send({ name: 'basic.cancel', consumerTag: consumer.tag, noWait: true });
  }

  /** The queue runs again as a new incarnation and knows this consumer under a new number. */
  resubscribed(consumer: ChannelConsumer, link: QueueLink, answer: Extract<QueueAnswer, { type: 'consuming' }>): void {
    consumer.stopped = false;
    this.#stopped = this.#stopped.filter((each) => each !== consumer);
    this.#subscribed(consumer, link, answer);
  }

  // ---- deliveries

  /**
   * A message for one of this channel's consumers. `again`: 0 for the first delivery, 1 for a redelivery, 1 + n for one of a queue that
   * tells its consumers that it came back n times.
   */
  deliver(consumer: ChannelConsumer, link: QueueLink, address: number, position: number, again: number): void {
    const { links } = this.#port;
    // The channel has ended: its detach gives back what the queue still sent.
    if (!this.#channel.open) return;
    // As in RabbitMQ, whoever is to acknowledge: what waits for that on this channel stops those who need not, too.
    if (this.#limit !== 0 && this.#ledger.count >= this.#limit) return this.#sendBack(consumer, link, position);
    if (consumer.noAck) {
      const attached = this.#write(consumer, this.#ledger.pass(), again, address);
      if (attached) this.#port.holdUntilTaken(address);
      links.settle(link, position, Settle.taken);
      return;
    }
    const timeoutMs = consumer.timeoutMs;
    const tag = this.#ledger.record(timeoutMs === undefined ? link.number : links.numberFor(link, timeoutMs), position);
    if (this.#write(consumer, tag, again, address)) this.#port.holdUntilTaken(address);
    if (consumer.windowed) links.reportTaken(link, consumer.consumerId, 1);
  }

  #write(consumer: ChannelConsumer, tag: number, again: number, address: number): boolean {
    const { number } = this.#channel;
    if (again > 1) return this.#port.writer.deliverCounted(number, consumer.prefix, tag, address, again - 1);
    return this.#port.writer.deliver(number, consumer.prefix, tag, again !== 0, address);
  }

  #sendBack(consumer: ChannelConsumer, link: QueueLink, position: number): void {
    if (!consumer.stopped) {
      consumer.stopped = true;
      this.#stopped.push(consumer);
      this.#port.setStopped(link, consumer.consumerId, true);
    }
    this.#port.links.settle(link, position, Settle.unsent);
  }

  /** A reply past all queues. The message's lease is ours. */
  deliverReply(consumer: ChannelConsumer, address: number): void {
    const { writer, memory } = this.#port;
    if (this.#channel.open) {
      const attached = writer.deliver(this.#channel.number, consumer.prefix, this.#ledger.pass(), false, address);
      if (attached) this.#port.holdUntilTaken(address);
    }
    memory.release(address);
  }

  #get(method: MethodOf<'basic.get'>): void {
    const name = method.queue === '' ? this.#channel.lastQueue : withoutLineEnds(method.queue);
    if (name === undefined) return this.#refuse(ReplyCode.notFound, 'no previously declared queue', method.name);
    const opened = openQueue(this.#port.topology, this.#port.who, name);
    if ('refusal' in opened) return this.#channel.refuse(opened.refusal, method.name);
    const queue = opened.queue.record;
    if (isQuorumWithActive(queue)) {
      const text = `cannot obtain access to locked ${describe('queue', queue.vhost, queue.name)}. basic.get operations are not supported by quorum queues with single active consumer`;
      return this.#refuse(ReplyCode.resourceLocked, text, method.name);
    }
    const { noAck } = method;
    const spec: ConsumerSpec = {
      ...this.#address(0),
      tag: '',
      noAck,
      exclusive: false,
      priority: 0,
      prefetch: 0,
      order: 0,
    };
    this.#channel.attach(queue);
    this.#port.ask(queue, { type: 'get', spec }, (answer, link) => {
      if (answer.type === 'got') return this.#got(answer, link, noAck);
      if (answer.type === 'refused') return this.#channel.refuse(answer.refusal, method.name);
      this.#send({ name: 'basic.get-empty' });
    });
  }

  #numberOf(link: QueueLink): number {
    const timeoutMs = this.#timeoutOf(link.queue.arguments, link.queue);
    return timeoutMs === undefined ? link.number : this.#port.links.numberFor(link, timeoutMs);
  }

  #timeoutOf(args: FieldTable, queue: QueueRecord): number | undefined {
    const timeoutMs = consumerTimeoutOf(args) ?? consumerTimeoutOf(queue.arguments);
    if (timeoutMs !== undefined) this.#leastTimeoutMs = Math.min(this.#leastTimeoutMs, timeoutMs);
    return timeoutMs;
  }

  /**
   * Looks for a delivery that has been unsettled for too long. Answers its timeout, milliseconds; undefined when there is none. `fallbackMs`
   * is for those whose consumer and queue do not say.
   */
  overdue(nowMs: number, fallbackMs: number): number | undefined {
    const ledger = this.#ledger;
    if (ledger.count === 0) return undefined;
    const ages = this.#ages;
    ages.note(nowMs, ledger.oldestTag, ledger.lastTag);
    if (nowMs - ages.sinceMs(ledger.oldestTag) < Math.min(fallbackMs, this.#leastTimeoutMs)) return undefined;
    let found: number | undefined;
    ledger.some((link, tag) => {
      const timeoutMs = this.#port.links.timeoutOf(link) ?? fallbackMs;
      if (nowMs - ages.sinceMs(tag) < timeoutMs) return false;
      found = timeoutMs;
      return true;
    });
    return found;
  }

  #got(answer: Extract<QueueAnswer, { type: 'got' }>, link: QueueLink, noAck: boolean): void {
    const { memory, writer, links } = this.#port;
    const { address, position } = answer;
    if (!this.#channel.open) return;
    const bytes = memory.bytesOf(address);
    const key = memory.byteOffsetOf(address) + RECORD_HEAD_SIZE;
    const method = encodeMethodFrame(this.#channel.number, {
      name: 'basic.get-ok',
      deliveryTag: noAck ? this.#ledger.pass() : this.#ledger.record(this.#numberOf(link), position),
      redelivered: answer.redelivered,
      exchange: exchangeOf(bytes, key),
      routingKey: routingKeyOf(bytes, key),
      messageCount: answer.readyCount,
    });
    if (writer.content(this.#channel.number, method, address, answer.deliveries)) this.#port.holdUntilTaken(address);
    if (noAck) links.settle(link, position, Settle.taken);
  }

  // ---- settles

  readonly #ack: Settled = (link, position, tag) => this.#settleOne(link, position, tag, Settle.ack);
  readonly #requeue: Settled = (link, position, tag) => this.#settleOne(link, position, tag, Settle.requeue);
  readonly #return: Settled = (link, position, tag) => this.#settleOne(link, position, tag, Settle.returned);
  readonly #discard: Settled = (link, position, tag) => this.#settleOne(link, position, tag, Settle.discard);

  #settleOne(link: number, position: number, tag: number, how: Settle): void {
    this.#channel.settle(this.#port.links.byNumber(link), position, tag, how);
  }

  /** basic.ack, nack, reject. Hot. */
  settle(tag: number, multiple: boolean, how: Settle, method: MethodName): void {
    if (!this.#ledger.settle(tag, multiple, how === Settle.ack ? this.#ack : this.#settledAs(how))) {
      return this.#refuse(ReplyCode.preconditionFailed, `unknown delivery tag ${tag}`, method);
    }
    if (this.#stopped.length > 0) this.settled();
  }

  #settledAs(how: Settle): Settled {
    if (how === Settle.requeue) return this.#requeue;
    return how === Settle.returned ? this.#return : this.#discard;
  }

  #recover(method: MethodOf<'basic.recover'> | MethodOf<'basic.recover-async'>): void {
    if (!method.requeue) return this.#refuse(ReplyCode.notImplemented, 'requeue=false', method.name);
    this.#ledger.settle(0, true, (link, position) => {
      this.#port.links.settle(this.#port.links.byNumber(link), position, Settle.returned);
    });
    this.settled();
    if (method.name === 'basic.recover') this.#send({ name: 'basic.recover-ok' });
  }

  /** Room may have come under the channel's limit: consumers that wait for it go on. */
  settled(): void {
    if (this.#stopped.length === 0 || (this.#limit !== 0 && this.#ledger.count >= this.#limit)) return;
    const stopped = this.#stopped;
    this.#stopped = [];
    for (const consumer of stopped) {
      consumer.stopped = false;
      if (consumer.link !== undefined) this.#port.setStopped(consumer.link, consumer.consumerId, false);
    }
  }

  restore(tag: number, link: QueueLink, position: number): void {
    this.#ledger.restore(tag, link.number, position);
  }

  /** The channel ends: its consumers are known no more. What they hold goes back with the channel's detach. */
  end(): void {
    for (const consumer of [...this.#byTag.values()]) this.#forget(consumer);
    this.#stopped = [];
  }
}

/** A quorum queue with a single active consumer gives nothing to basic.get; a classic one does. */
function isQuorumWithActive(queue: QueueRecord): boolean {
  return queueTypeOf(queue.arguments) === 'quorum' && readQueueOptions(queue.arguments).singleActiveConsumer;
}
