/**
 * An open connection: its channels, and what they need of the node. Frames come in from the parser, methods and messages go
 * out through the transport's outbound; everything for queues is collected in links and leaves at the end of the turn.
 */
import { QueueLetter } from '../messages/queue-messages.ts';
import { TOPOLOGY_ID, TOPOLOGY_THREAD, TopologyLetter } from '../messages/topology-messages.ts';
import type { ThreadNode } from '../thread/thread-node.ts';
import type { ActorContext } from '../runtime/actor.ts';
import { type ActorRef, Letter } from '../runtime/letter.ts';
import { type AmqpError, amqpError, hardened, isAmqpError } from '../../src/amqp/amqp-error.ts';
import type { ChangeOutcome, ChannelPort } from '../../src/amqp/channel/channel-port.ts';
import { AnnouncedBodies } from '../../src/amqp/channel/announced-bodies.ts';
import type { ChannelConsumer } from '../../src/amqp/channel/channel-consumer.ts';
import { Channel } from '../../src/amqp/channel/channel.ts';
import { type QueueLink, QueueLinks } from '../../src/amqp/channel/queue-link.ts';
import { RouteCache } from '../../src/amqp/channel/route-cache.ts';
import { hasCapability } from '../../src/amqp/connection-properties.ts';
import { DeliveryWriter, type OutboundBlock } from '../../src/amqp/delivery-writer.ts';
import type { FrameSink } from '../../src/amqp/frame-parser.ts';
import type { OpenedConnection } from '../../src/amqp/handshake-port.ts';
import { decodeMethod, encodeMethodFrame, methodIdOf } from '../../src/amqp/method-codec.ts';
import { type Method, methodKey } from '../../src/amqp/method-table.ts';
import type { PublishScan } from '../../src/amqp/publish-scanner.ts';
import { ACK_KEY, AckBit, settleBits, settleTag } from '../../src/amqp/settle-scanner.ts';
import type { MessageMemory } from '../../src/amqp/stored-message.ts';
import { chanceFrom } from '../../src/broker/exchange/chance.ts';
import { Settle } from '../../src/broker/queue/queue-machine.ts';
import type { QueueQuestion } from '../../src/broker/queue/queue-question.ts';
import { ReplyCode } from '../../src/broker/refusal.ts';
import type { Who } from '../../src/broker/topology/access.ts';
import type { TopologyCommand } from '../../src/broker/topology/topology-command.ts';
import type { QueueRecord } from '../../src/broker/topology/topology-records.ts';
import type { Topology } from '../../src/broker/topology/topology.ts';
import { QueueSender } from './queue-sender.ts';
import { PublishThrottle } from './publish-throttle.ts';
import { ConsumerRegister } from './consumer-register.ts';
import { expectedHeader, notOpen } from './frame-refusals.ts';
import { KEPT_TO_ANSWER, isOvertaken } from './overtaken.ts';
import { DeliveryWatch } from './delivery-watch.ts';
import { LossFence } from './loss-fence.ts';
import type { ReplyDesk } from './reply-desk.ts';
import { Requests } from './requests.ts';
import { giveBackAnswer } from './unwanted-answer.ts';

const NONE: number[] = [];
const PUBLISH_KEY = methodKey(60, 40);
/** After 256 deliveries, of four words each, the socket gets what is there: the consumer begins while the rest is written. */
const AHEAD_MASK = 256 * 4 - 1;
const PUBLISH_NAMES_OFFSET = 6;

/** What a session wants of the connection actor that holds it. */
export interface SessionOwner {
  /** Ends the connection with `connection.close`. */
  closeWith(error: AmqpError): void;
  /** `connection.close` of the client. */
  closedByClient(): void;
  /** Replies and settles that were collected must leave before a letter that is to come after them. */
  flushLinks(): void;
  /** Something was asked: the method behind this one must not be read before the answer is there. */
  stopReading(): void;
  updateSecret(secret: Uint8Array): void;
}

export class Session implements FrameSink, ChannelPort {
  readonly who: Who;
  readonly self: ChannelPort['self'];
  readonly topology: Topology;
  readonly memory: MessageMemory;
  readonly links: QueueLinks;
  readonly writer: DeliveryWriter;
  readonly messageSizeMax: number;
  readonly announced = new AnnouncedBodies();
  readonly canCancelNotify: boolean;
  readonly queueThread: number;
  readonly nowMs = (): number => this.#node.scheduler.nowMs();
  readonly chance = chanceFrom(() => this.#node.randomBytes(4).readInt32LE());
  readonly requests = new Requests();
  readonly #fence = new LossFence(this.requests, (queue, request) => this.#queues.post(queue, { type: 'fence' }, request));
  readonly throttle: PublishThrottle;
  readonly #queues: QueueSender;
  /** The client has published since this was last looked at. */
  published = false;
  readonly #node: ThreadNode;
  readonly #context: ActorContext;
  readonly #owner: SessionOwner;
  readonly #outbound: OutboundBlock;
  readonly #opened: OpenedConnection;
  readonly #routes: RouteCache;
  readonly #replies: ReplyDesk;
  readonly #channels = new Map<number, Channel>();
  readonly #consumers = new ConsumerRegister();
  readonly watch: DeliveryWatch;
  #lastChannel: Channel | undefined = undefined;
  #flushing: Channel[] = [];
  #held: number[] = [];
  /** The topology was told that this connection ends. */
  #ending = false;

  constructor(
    node: ThreadNode,
    context: ActorContext,
    owner: SessionOwner,
    outbound: OutboundBlock,
    opened: OpenedConnection,
    replies: ReplyDesk,
  ) {
    this.#node = node;
    this.#context = context;
    this.#owner = owner;
    this.#outbound = outbound;
    this.#opened = opened;
    this.#replies = replies;
    this.who = { user: opened.username, vhost: opened.virtualHost, connection: context.self.id };
    this.self = { thread: context.self.thread, connection: context.self.id, generation: context.self.generation };
    this.topology = node.topology;
    this.memory = node.messages;
    this.messageSizeMax = node.settings.messageSizeMax;
    this.queueThread = node.thread;
    this.throttle = new PublishThrottle(node.queues.slots, node.purse);
    this.canCancelNotify = hasCapability(opened.clientProperties, 'consumer_cancel_notify');
    this.links = new QueueLinks(node.scheduler.pool, ({ id }) => this.topology.queueById(id) !== undefined);
    this.watch = new DeliveryWatch(context, node.settings, this.#channels, this.nowMs);
    this.#queues = new QueueSender(context, this.links, this.throttle);
    this.writer = new DeliveryWriter(node.messages, outbound, opened.frameMax);
    this.#routes = new RouteCache(this);
  }

  /** Publishes that the channel used last waits to confirm. */
  get unconfirmed(): number {
    return this.#lastChannel?.unconfirmed ?? 0;
  }

  // ---- frames in

  publish(buffer: Buffer, scan: PublishScan): void {
    this.published = true;
    let channel = this.#lastChannel;
    if (channel?.number !== scan.channel) {
      channel = this.#channels.get(scan.channel);
      if (channel === undefined) return this.error(notOpen());
      this.#lastChannel = channel;
    }
    if (channel.takesWhole) channel.publish(buffer, scan);
    else if (channel.open) this.error(expectedHeader());
  }

  method(number: number, buffer: Buffer, start: number, end: number): void {
    const key = end - start < 4 ? -1 : buffer.readUInt32BE(start);
    if (key === ACK_KEY && number !== 0) {
      const tag = settleTag(buffer, start, end);
      const channel = this.#channels.get(number);
      if (tag >= 0 && channel?.takesWhole === true) {
        channel.consuming.settle(tag, (settleBits(buffer, start) & AckBit.multiple) !== 0, Settle.ack, 'basic.ack');
        return;
      }
    }
    const method = decodeMethod(buffer, start, end);
    if (number === 0) return this.#connectionMethod(method);
    const channel = this.#channels.get(number);
    if (isAmqpError(method)) {
      if (channel?.open !== false) this.fail(number, method);
      return;
    }
    if (channel === undefined) return this.#openChannel(number, method);
    if (!channel.open) return channel.method(method);
    if (!channel.takesWhole) return this.error(expectedHeader());
    if (key !== PUBLISH_KEY) return channel.method(method);
    this.published = true;
    this.#lastChannel = channel;
    channel.beginPublish(Buffer.from(buffer.subarray(start + PUBLISH_NAMES_OFFSET, end - 1)), buffer[end - 1]!);
  }

  header(number: number, buffer: Buffer, start: number, end: number): void {
    const channel = this.#channels.get(number);
    if (channel === undefined) return this.error(notOpen());
    channel.header(buffer.subarray(start, end));
  }

  bodyFrame(number: number, size: number): void {
    const channel = this.#channels.get(number);
    if (channel === undefined) return this.error(notOpen());
    channel.bodyFrame(size);
  }

  body(number: number, buffer: Buffer, start: number, end: number): void {
    this.#channels.get(number)?.body(buffer, start, end);
  }

  heartbeat(number: number): void {
    if (number !== 0) this.error(amqpError(ReplyCode.unexpectedFrame, `unexpected heartbeat frame on channel ${number}`));
  }

  error(error: AmqpError): void {
    this.#owner.closeWith(hardened(error));
  }

  #openChannel(number: number, method: Method): void {
    if (method.name !== 'channel.open') return this.error(notOpen(methodIdOf(method.name)));
    const { channelMax } = this.#opened;
    if (channelMax !== 0 && (number > channelMax || this.#channels.size >= channelMax)) {
      const text = `number of channels opened (${this.#channels.size}) has reached the negotiated channel_max (${channelMax})`;
      return this.error(amqpError(ReplyCode.notAllowed, text));
    }
    this.#channels.set(number, new Channel(number, this, this.#routes));
    this.send(number, { name: 'channel.open-ok' });
  }

  #connectionMethod(method: Method | AmqpError): void {
    if (isAmqpError(method)) return this.error(method);
    switch (method.name) {
      case 'connection.close':
        return this.#owner.closedByClient();
      case 'connection.close-ok':
        return;
      case 'connection.update-secret':
        return this.#owner.updateSecret(method.newSecret);
      default: {
        const text = method.name.startsWith('connection.')
          ? 'unexpected method in connection state running'
          : `unexpected command while processing '${method.name}'`;
        const code = method.name.startsWith('connection.') ? ReplyCode.channelError : ReplyCode.commandInvalid;
        return this.error(amqpError(code, text, methodIdOf(method.name)));
      }
    }
  }

  // ---- frames out

  send(channel: number, method: Method): void {
    this.sendFrame(encodeMethodFrame(channel, method));
  }

  sendFrame(frame: Buffer): void {
    const at = this.#outbound.reserve(frame.length);
    frame.copy(this.#outbound.buffer, at);
    this.#outbound.commit(at + frame.length);
  }

  fail(channel: number, error: AmqpError): void {
    if (error.hard) return this.error(error);
    this.#channels.get(channel)?.closeWith(error);
  }

  closed(channel: number): void {
    this.#channels.delete(channel);
    this.#lastChannel = undefined;
  }

  // ---- the node

  change(command: TopologyCommand, then: (outcome: ChangeOutcome) => void): void {
    this.#owner.flushLinks();
    this.#owner.stopReading();
    const letter = new Letter(TopologyLetter.change);
    letter.a = this.requests.other((body) => then(body as ChangeOutcome));
    letter.body = command;
    this.#context.tell({ thread: TOPOLOGY_THREAD, id: TOPOLOGY_ID, generation: 0 }, letter);
  }

  ask(queue: QueueRecord, question: QueueQuestion, then: Parameters<ChannelPort['ask']>[2]): void {
    this.#owner.flushLinks();
    this.#owner.stopReading();
    const request = this.requests.question({
      queue,
      question,
      then: (answer, generation) => then(answer, this.linkOf(queue, generation)),
    });
    if (question.type === 'consume' || question.type === 'get' || question.type === 'purge') this.#queues.watch(this.links.to(queue));
    this.#queues.post(queue, question, request);
  }

  /** The link to the incarnation that answered: a new one where another incarnation had answered before. */
  linkOf(queue: QueueRecord, generation: number): QueueLink {
    let link = this.links.to(queue);
    if (link.generation !== 0 && link.generation !== generation) {
      const { watched } = link;
      link = this.links.renew(queue.id) ?? link;
      link.watched = watched;
    }
    link.generation = generation;
    return link;
  }

  waitFor(begin: (resume: () => void) => void): void {
    this.#owner.stopReading();
    const request = this.requests.other(() => {});
    begin(() => {
      this.requests.takeOther(request);
    });
  }

  randomPart(): string {
    return this.#node.randomBytes(16).toString('base64url');
  }

  addConsumer(consumer: ChannelConsumer): number {
    return this.#consumers.add(consumer);
  }

  dropConsumer(key: number): void {
    this.#consumers.drop(key);
  }

  consumer(key: number): ChannelConsumer | undefined {
    return this.#consumers.find(key);
  }

  setStopped(link: QueueLink, consumerId: number, stopped: boolean): void {
    this.#queues.setStopped(link, consumerId, stopped);
  }

  holdUntilTaken(address: number): void {
    this.memory.hold(address);
    this.#held.push(address);
  }

  /** The bodies that were attached since this was last asked. */
  takeHeld(): number[] {
    if (this.#held.length === 0) return NONE;
    const held = this.#held;
    this.#held = [];
    return held;
  }

  wantFlush(channel: Channel): void {
    this.#flushing.push(channel);
  }

  reply(token: string, address: number): void {
    this.#replies.send(token, address);
  }

  probeReply(token: string, then: (alive: boolean) => void): void {
    this.#owner.stopReading();
    const request = this.requests.other((_body, alive) => then(alive === 1));
    this.#replies.probe(token, request);
  }

  replyToken(key: number): string {
    return this.#replies.token(key);
  }

  // ---- turns

  deliver(letter: Letter): void {
    const link = this.links.find(letter.b);
    const { ints, count } = letter;
    this.watch.begin();
    // A link that is not of this generation: the incarnation that sent this is gone, and so is its claim to the memory.
    if (link !== undefined && link.generation === letter.a) {
      for (let at = 0; at < count; at += 4) {
        const consumer = this.#consumers.find(ints[at]!);
        if (consumer === undefined) continue;
        if ((at & AHEAD_MASK) === AHEAD_MASK - 3) this.#outbound.sendAhead();
        consumer.channel.consuming.deliver(consumer, link, ints[at + 1]!, ints[at + 2]!, ints[at + 3]!);
      }
    }
    this.#node.scheduler.pool.give(ints);
  }

  confirmed(letter: Letter): void {
    const { ints, count } = letter;
    for (let at = 0; at < count; at += 4) {
      this.#channels.get(ints[at]!)?.confirmed(ints[at + 1]!, ints[at + 2]!, ints[at + 3] === 1);
    }
    this.#node.scheduler.pool.give(ints);
  }

  /** Confirms that were decided in this turn. */
  flushConfirms(): void {
    if (this.#flushing.length === 0) return;
    const flushing = this.#flushing;
    this.#flushing = [];
    for (const channel of flushing) channel.flushConfirms();
  }

  flushLinks(): void {
    this.#queues.flush();
  }

  // ---- the end

  /** Gives back everything all channels hold; `then` when every queue has taken note. */
  detachAll(then: () => void): void {
    let waiting = this.#channels.size;
    if (waiting === 0) return then();
    for (const channel of [...this.#channels.values()]) {
      channel.detach(() => {
        if (--waiting === 0) then();
      });
    }
    this.#channels.clear();
    this.#lastChannel = undefined;
  }

  /**
   * The connection is gone, perhaps without a word or in the middle of one: what only it held goes back, what it was told to
   * tell queues is told, and its exclusive queues go. Nobody waits for an answer.
   */
  abandon(): void {
    for (const channel of this.#channels.values()) channel.abandon();
    for (const address of this.takeHeld()) this.memory.release(address);
    for (const link of this.links.all()) this.#queues.unwatch(link);
    if (this.#ending) this.flushLinks();
    else this.endConnection(() => {});
  }

  /** Exclusive queues go with their connection; `then` when they are gone. */
  endConnection(then: () => void): void {
    this.#ending = true;
    this.change({ type: 'connection.end', connection: this.who.connection }, then);
  }

  /** A queue is deleted: its consumers here are cancelled, and nothing of it is touched any more. */
  queueCancelled(letter: Letter): void {
    for (let index = 0; index < letter.count; index++) {
      const consumer = this.#consumers.find(letter.ints[index]!);
      consumer?.channel.consuming.cancelledByQueue(consumer);
    }
    for (const channel of this.#channels.values()) channel.queueGone(letter.a);
    const link = this.links.find(letter.a);
    if (link !== undefined) this.#queues.unwatch(link);
    this.links.drop(letter.a);
    this.#context.tell(letter.sender, new Letter(QueueLetter.released));
  }

  /** A queue runs again: what the old one delivered is over. Consumers, those to come too, subscribe before it hears that all have. */
  queueRestarted({ thread, id, generation }: ActorRef): void {
    const link = this.links.renew(-id);
    if (link !== undefined) {
      link.watched = true;
      link.generation = generation;
      this.#resubscribe(link);
    }
    this.#askAgain(({ queue, question }) => queue.id === -id && question.type === 'consume');
    const letter = new Letter(QueueLetter.resynced);
    letter.a = generation;
    this.#context.tell({ thread, id, generation: 0 }, letter);
    this.#askAgain(({ queue, question }) => queue.id === -id && KEPT_TO_ANSWER.has(question.type));
  }

  #resubscribe(link: QueueLink): void {
    for (const consumer of this.#consumers.of(link.queue.id)) {
      if (consumer.spec === undefined || consumer.cancelling) continue;
      const request = this.requests.background({
        queue: link.queue,
        question: { type: 'resubscribe', spec: consumer.spec },
        then: (answer, generation) => {
          if (answer.type !== 'consuming') return consumer.channel.consuming.cancelledByQueue(consumer);
          consumer.channel.consuming.resubscribed(consumer, this.linkOf(link.queue, generation), answer);
        },
      });
      this.#queues.post(link.queue, { type: 'resubscribe', spec: consumer.spec }, request);
    }
  }

  /** A queue stays down: its consumers are cancelled, and who waits for its answer hears that it is gone. */
  queueCrashed(queueId: number): void {
    this.links.renew(queueId);
    for (const consumer of this.#consumers.of(queueId)) consumer.channel.consuming.cancelledByQueue(consumer);
    this.#askAgain(({ queue, question }) => queue.id === queueId && question.type !== 'fence');
  }

  /** The thread of a queue is lost: what it delivered is over. It will come back. */
  queueLost(queueId: number): void {
    const link = this.links.renew(queueId);
    if (link !== undefined) link.lost = true;
  }

  /** The queues of a lost thread run again. */
  queuesBack(thread: number): void {
    for (const link of this.links.all()) {
      if (link.queue.thread !== thread || !link.lost) continue;
      link.lost = false;
      this.#queues.watch(link);
      this.#resubscribe(link);
      this.#queues.tell(link, new Letter(QueueLetter.resynced));
    }
    this.#askAgain(({ queue }) => queue.thread === thread);
    this.flushLinks();
    this.#fence.raise(
      this.links.all().map(({ queue }) => queue),
      [...this.#channels.values()],
    );
  }

  /** An incarnation that is gone may have kept these to answer later. One that is answered twice is answered once. */
  #askAgain(concerns: Parameters<Requests['questions']>[0]): void {
    for (const [request, { queue, question }] of this.requests.questions(concerns)) this.#queues.post(queue, question, request);
  }

  answered(letter: Letter): void {
    if (isOvertaken(letter, this.requests, this.#node.queues.slots, this.#queues)) return;
    const asked = this.requests.takeQuestion(letter.a);
    const answer = letter.body as Parameters<NonNullable<typeof asked>['then']>[0];
    if (answer.type === 'got') this.watch.begin();
    if (asked !== undefined) asked.then(answer, letter.b);
    else giveBackAnswer(letter, this.links, this.memory);
  }
}
