/**
 * One channel: the methods of AMQP between `channel.open` and `channel.close`, as a machine. What it wants of its connection
 * and of the node goes through a ChannelPort; what concerns consumers is in Consuming, publishes are in Publisher.
 *
 * A method that has to ask somebody (the topology, a queue) stops the reading of the connection until the answer is there,
 * so that methods take effect in the order in which they came.
 */
import { isHistory } from '../../broker/exchange/recent-history-exchange.ts';
import { type Refusal, ReplyCode, refuse } from '../../broker/refusal.ts';
import { Settle } from '../../broker/queue/queue-machine.ts';
import type { QueueRecord } from '../../broker/topology/topology-records.ts';
import { type AmqpError, amqpError, toAmqpError } from '../amqp-error.ts';
import { ConfirmLedger, type ConfirmSink } from '../confirm-ledger.ts';
import { methodIdOf } from '../method-codec.ts';
import type { Method, MethodName } from '../method-table.ts';
import type { PublishScan } from '../publish-scanner.ts';
import { encodeConfirm } from './confirm-frame.ts';
import type { ChannelPort } from './channel-port.ts';
import { Consuming } from './consuming.ts';
import { ContentAssembler } from './content-assembler.ts';
import { Declaring } from './declaring.ts';
import { Publisher } from './publisher.ts';
import { PublishMark, type QueueLink } from './queue-link.ts';
import type { Route, RouteCache } from './route-cache.ts';
import { Transaction } from './transaction.ts';

export class Channel implements ConfirmSink {
  readonly number: number;
  readonly consuming: Consuming;
  readonly #port: ChannelPort;
  readonly #publisher: Publisher;
  readonly #assembler: ContentAssembler;
  readonly #declaring: Declaring;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #confirms: ConfirmLedger | undefined = undefined;
  #transaction: Transaction | undefined = undefined;
  #flushWanted = false;
  /** What an empty queue name means; nothing until a queue is declared. */
  lastQueue: string | undefined = undefined;
  /** Queues that know of this channel: they are told when it ends. */
  readonly #attached = new Map<number, QueueRecord>();

  constructor(number: number, port: ChannelPort, routes: RouteCache) {
    this.number = number;
    this.#port = port;
    this.#publisher = new Publisher(this, port, routes);
    this.#assembler = new ContentAssembler(this.#publisher, port.memory, port.messageSizeMax, port.announced);
    this.#declaring = new Declaring(this, port, routes);
    this.consuming = new Consuming(this, port);
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  /** May a publish come in one piece? Not while another is in the making. */
  get takesWhole(): boolean {
    return this.#state === 'open' && this.#assembler.idle;
  }

  get unconfirmed(): number {
    return this.#confirms?.unconfirmed ?? 0;
  }

  /** The name that stands for `amq.rabbitmq.reply-to` in messages published here. */
  get replyName(): string | undefined {
    return this.consuming.replyName;
  }

  attach(queue: QueueRecord): void {
    this.#attached.set(queue.id, queue);
  }

  /** The queue is gone: it need not be told when the channel ends. */
  queueGone(queueId: number): void {
    this.#attached.delete(queueId);
  }

  // ---- publishes

  publish(buffer: Buffer, scan: PublishScan): void {
    if (this.#state === 'open') this.#publisher.publish(buffer, scan);
  }

  beginPublish(key: Buffer, bits: number): void {
    if (this.#state === 'open') this.#assembler.method(key, bits);
  }

  header(payload: Buffer): void {
    if (this.#state === 'open') this.#check(this.#assembler.header(payload));
  }

  bodyFrame(size: number): void {
    if (this.#state === 'open') this.#check(this.#assembler.bodyFrame(size));
  }

  body(buffer: Buffer, start: number, end: number): void {
    if (this.#state === 'open') this.#assembler.body(buffer, start, end);
  }

  #check(error: AmqpError | undefined): void {
    if (error !== undefined) this.#port.fail(this.number, error);
  }

  /** A stored message goes to the queues of its route, each of which has a lease on it. */
  accept(address: number, route: Route): void {
    const { links } = route;
    if (this.#transaction !== undefined) return this.#hold({ type: 'routed', address, route });
    if (route.timed) this.#publisher.notePublished(address);
    const sequence = this.#confirms === undefined ? 0 : this.#confirms.publish(links.length);
    for (let index = 0; index < links.length; index++) {
      this.#port.links.publish(links[index]!, address, this.number, sequence, marksOf(links[index]!, route.expiring));
    }
  }

  /** A direct reply is on its way: nothing to wait for. */
  acceptUnrouted(): void {
    if (this.#confirms === undefined) return;
    this.#confirms.publish(0);
    this.wantFlush();
  }

  /** No queue wants the message. A mandatory one goes back before it is confirmed. Ends its lease. */
  unroutable(address: number, mandatory: boolean): void {
    if (mandatory) this.giveBack(address);
    else this.#port.memory.release(address);
    if (this.#transaction === undefined) this.acceptUnrouted();
  }

  /** basic.return, at the commit of a transaction. Ends a lease. */
  giveBack(address: number): void {
    if (this.#transaction !== undefined) this.#hold({ type: 'returned', address });
    else this.#publisher.returnToClient(address);
  }

  #hold(publish: Transaction['publishes'][number]): void {
    const transaction = this.#transaction!;
    if (transaction.full) {
      this.#releaseHeld(publish);
      this.#port.fail(this.number, amqpError(ReplyCode.resourceError, 'transaction too large'));
      return;
    }
    transaction.publishes.push(publish);
  }

  // ---- answers of queues

  /** A queue answered for `count` publishes from `first` on. */
  confirmed(first: number, count: number, refused: boolean): void {
    if (this.#confirms !== undefined) {
      this.#confirms.answer(first, count, refused);
      this.wantFlush();
    }
    const transaction = this.#transaction;
    if (transaction !== undefined && transaction.pending > 0) {
      transaction.pending -= count;
      if (transaction.pending === 0) transaction.commit?.();
    }
  }

  /** Whether a confirm or the answer to a commit is due. */
  get awaitsConfirms(): boolean {
    return this.unconfirmed > 0 || (this.#transaction?.pending ?? 0) > 0;
  }

  /** Sequence number of the last publish in confirm mode. */
  get lastPublish(): number {
    return this.#confirms?.last ?? 0;
  }

  /** Publishes up to this number that have no answer yet will not get one. A commit among them cannot be kept. */
  refuseLost(last: number): void {
    this.#confirms?.refuse(last);
    this.wantFlush();
    if ((this.#transaction?.pending ?? 0) === 0) return;
    this.#fail(ReplyCode.internalError, 'a queue was lost during the commit', 'tx.commit');
  }

  wantFlush(): void {
    if (this.#flushWanted) return;
    this.#flushWanted = true;
    this.#port.wantFlush(this);
  }

  flushConfirms(): void {
    this.#flushWanted = false;
    if (this.#state === 'open') this.#confirms?.flush(this);
  }

  confirm(sequence: number, multiple: boolean, refused: boolean): void {
    this.#port.sendFrame(encodeConfirm(this.number, sequence, multiple, refused));
  }

  // ---- methods

  method(method: Method): void {
    if (this.#state !== 'open') {
      this.#methodWhileClosing(method);
      return;
    }
    switch (method.name) {
      case 'channel.close':
        return this.#closeByClient();
      case 'channel.flow':
        if (method.active) return this.#port.send(this.number, { name: 'channel.flow-ok', active: true });
        return this.#fail(ReplyCode.notImplemented, 'active=false', method.name);
      case 'channel.flow-ok':
      case 'basic.cancel-ok':
        return;
      case 'channel.open':
        return this.#fail(ReplyCode.channelError, "second 'channel.open' seen", method.name);
      case 'access.request':
        return this.#port.send(this.number, { name: 'access.request-ok', ticket: 1 });
      case 'exchange.declare':
      case 'exchange.delete':
      case 'exchange.bind':
      case 'exchange.unbind':
      case 'queue.declare':
      case 'queue.delete':
      case 'queue.bind':
      case 'queue.unbind':
      case 'queue.purge':
        return this.#declaring.method(method);
      case 'basic.qos':
      case 'basic.consume':
      case 'basic.cancel':
      case 'basic.get':
      case 'basic.ack':
      case 'basic.nack':
      case 'basic.reject':
      case 'basic.recover':
      case 'basic.recover-async':
        return this.consuming.method(method);
      case 'confirm.select':
        return this.#selectConfirms(method.noWait);
      case 'tx.select':
        return this.#selectTransactions();
      case 'tx.commit':
        return this.#commit();
      case 'tx.rollback':
        return this.#rollback();
      default:
        return this.#fail(ReplyCode.commandInvalid, 'unimplemented method', method.name);
    }
  }

  #methodWhileClosing(method: Method): void {
    if (this.#state !== 'closing') return;
    if (method.name === 'channel.close') this.#port.send(this.number, { name: 'channel.close-ok' });
    else if (method.name === 'channel.close-ok') {
      this.#state = 'closed';
      this.#port.closed(this.number);
    }
  }

  #selectConfirms(noWait: boolean): void {
    if (this.#transaction !== undefined) {
      return this.#fail(ReplyCode.preconditionFailed, 'cannot switch from tx to confirm mode', 'confirm.select');
    }
    this.#confirms ??= new ConfirmLedger();
    if (!noWait) this.#port.send(this.number, { name: 'confirm.select-ok' });
  }

  #selectTransactions(): void {
    if (this.#confirms !== undefined) {
      return this.#fail(ReplyCode.preconditionFailed, 'cannot switch from confirm to tx mode', 'tx.select');
    }
    this.#transaction ??= new Transaction();
    this.#port.send(this.number, { name: 'tx.select-ok' });
  }

  /** Publishes, then settles; the answer comes when every queue has the messages. */
  #commit(): void {
    const transaction = this.#transaction;
    if (transaction === undefined) {
      return this.#fail(ReplyCode.preconditionFailed, 'channel is not transactional', 'tx.commit');
    }
    const { publishes, settles } = transaction;
    transaction.clear();
    for (const publish of publishes) {
      if (publish.type === 'returned') this.#publisher.returnToClient(publish.address);
      else {
        const { links, timed, expiring } = publish.route;
        // Its time begins when it is enqueued: now.
        if (timed) this.#publisher.notePublished(publish.address);
        for (const link of links) {
          this.#port.links.publish(link, publish.address, this.number, 1, marksOf(link, expiring));
          transaction.pending++;
        }
      }
    }
    for (const { link, position, how } of settles) this.#port.links.settle(link, position, how);
    this.consuming.settled();
    const answer = (): void => this.#port.send(this.number, { name: 'tx.commit-ok' });
    if (transaction.pending === 0) return answer();
    this.#port.waitFor((resume) => {
      transaction.commit = () => {
        transaction.commit = undefined;
        if (this.#state === 'open') answer();
        resume();
      };
    });
  }

  #rollback(): void {
    if (this.#transaction === undefined) {
      return this.#fail(ReplyCode.preconditionFailed, 'channel is not transactional', 'tx.rollback');
    }
    this.#discardTransaction();
    this.#port.send(this.number, { name: 'tx.rollback-ok' });
  }

  #discardTransaction(): void {
    const transaction = this.#transaction;
    if (transaction === undefined) return;
    for (const publish of transaction.publishes) this.#releaseHeld(publish);
    for (const { tag, link, position } of transaction.settles) this.consuming.restore(tag, link, position);
    transaction.clear();
  }

  #releaseHeld(publish: Transaction['publishes'][number]): void {
    const leases = publish.type === 'routed' ? publish.route.links.length : 1;
    for (let lease = 0; lease < leases; lease++) this.#port.memory.release(publish.address);
  }

  /** Settles one delivery, now or at the commit. */
  settle(link: QueueLink, position: number, tag: number, how: Settle): void {
    if (this.#transaction === undefined) this.#port.links.settle(link, position, how);
    else this.#transaction.settles.push({ link, position, tag, how });
  }

  get transactional(): boolean {
    return this.#transaction !== undefined;
  }

  /** Refuses what a method asked for. */
  refuse(refusal: Refusal, method: MethodName): void {
    this.#port.fail(this.number, toAmqpError(refusal, methodIdOf(method)));
  }

  #fail(code: ReplyCode, explanation: string, method: MethodName): void {
    this.refuse(refuse(code, explanation), method);
  }

  // ---- the end

  #closeByClient(): void {
    this.#state = 'closing';
    this.detach(() => {
      this.#state = 'closed';
      this.#port.send(this.number, { name: 'channel.close-ok' });
      this.#port.closed(this.number);
    });
  }

  /** The channel did something wrong: it ends now, and waits for the client's word. */
  closeWith(error: AmqpError): void {
    if (this.#state !== 'open') return;
    this.#confirms?.flush(this);
    this.#state = 'closing';
    const { code, text, classId, methodId } = error;
    this.#port.send(this.number, { name: 'channel.close', replyCode: code, replyText: text, classId, methodId });
    this.detach(() => {});
  }

  /** The connection is gone: gives back what no queue knows of. */
  abandon(): void {
    this.#assembler.abandon();
    this.#discardTransaction();
  }

  /** Gives back everything the channel holds; `then` when every queue has taken note. */
  detach(then: () => void): void {
    this.#state = this.#state === 'open' ? 'closing' : this.#state;
    this.#assembler.abandon();
    this.#discardTransaction();
    this.consuming.end();
    const queues = [...this.#attached.values()];
    this.#attached.clear();
    let waiting = queues.length;
    if (waiting === 0) return then();
    for (const queue of queues) {
      this.#port.ask(queue, { type: 'detach', channel: this.number }, () => {
        if (--waiting === 0) then();
      });
    }
  }
}

/** PublishMark. A history keeps what was said, however long it was to wait. */
function marksOf(link: QueueLink, isExpiring: boolean): number {
  return isExpiring && !isHistory(link.queue) ? PublishMark.expiring : 0;
}
