/**
 * One client connection: bytes in, bytes out, and the letters of the node in between. The handshake is a machine of its
 * own; then a Session holds the channels.
 *
 * Reading stops while an answer is awaited (methods take effect in their order), while the client is blocked by an alarm,
 * and while the thread cannot pass on what it already has. Nothing else is stopped by that: deliveries, heartbeats and
 * answers go out (I10).
 */
import { ConnectionLetter } from '../messages/connection-messages.ts';
import type { Actor, ActorContext } from '../runtime/actor.ts';
import { Letter, RuntimeLetter } from '../runtime/letter.ts';
import type { ThreadNode } from '../thread/thread-node.ts';
import { type CloseReason, type Transport } from '../../native-free-io/socket/transport.ts';
import { type AmqpError, amqpError, isAmqpError } from '../../src/amqp/amqp-error.ts';
import { hasCapability, serverProperties } from '../../src/amqp/connection-properties.ts';
import { HEARTBEAT_FRAME } from '../../src/amqp/frame.ts';
import { Heartbeat, HeartbeatStep } from '../../src/amqp/heartbeat.ts';
import { FrameParser, type FrameSink } from '../../src/amqp/frame-parser.ts';
import { Handshake } from '../../src/amqp/handshake.ts';
import type { HandshakePort, LoginAttempt, OpenedConnection } from '../../src/amqp/handshake-port.ts';
import { decodeMethod, encodeMethodFrame } from '../../src/amqp/method-codec.ts';
import type { Method } from '../../src/amqp/method-table.ts';
import { UNCONFIRMED_MAX } from '../../src/amqp/confirm-ledger.ts';
import { ReplyCode } from '../../src/broker/refusal.ts';
import { checkVhostAccess } from '../../src/broker/topology/access.ts';
import { Carry } from './carry.ts';
import { WATCH_TIMER } from './delivery-watch.ts';
import { type ConnectionLook, type Phase, lookAtConnection } from './connection-look.ts';
import { judgeLogin } from './login.ts';
import { ReplyDesk } from './reply-desk.ts';
import { Session, type SessionOwner } from './session.ts';
import { TakenQueue } from './taken-queue.ts';
import { Yielding } from './yielding.ts';

const HANDSHAKE_TIMER = 1;
const HEARTBEAT_TIMER = 2;
const CLOSE_TIMER = 3;
const PRESSURE_TIMER = 4;
const DROP_TIMER = 5;
const YIELD_TIMER = 6;

/** A client that was told `connection.close` has this long to answer, milliseconds. */
const CLOSE_TIMEOUT_MS = 5_000;
/** How soon a connection that was stopped by its thread's pressure looks again, milliseconds. */
const PRESSURE_PAUSE_MS = 2;
/** Answers, confirms and returns a client has not read above which it is not read either. */
const UNSENT_BYTES_MAX = 8 * 1024 * 1024;
/** Bytes of the protocol header. */
const PROTOCOL_HEADER_SIZE = 8;

export class ConnectionActor implements Actor, HandshakePort, SessionOwner, FrameSink {
  readonly #context: ActorContext;
  readonly #node: ThreadNode;
  readonly #transport: Transport;
  readonly #handshake: Handshake;
  readonly #carry = new Carry();
  readonly #replies: ReplyDesk;
  readonly #taken: TakenQueue;
  #parser: FrameParser;
  #session: Session | undefined = undefined;
  #phase: Phase = 'handshake';
  #headerSeen = false;
  #reading = true;
  #blockedTold = false;
  #blocked = false;
  #notifiesBlocked = false;
  readonly #yielding: Yielding;
  #transportClosed = false;
  /** Deliveries that wait until the socket has taken earlier ones. */
  #waiting: Letter[] = [];
  /** Queues that were deleted while the client waits for an answer. */
  #cancelled: Letter[] = [];
  readonly #heartbeat = new Heartbeat();

  constructor(context: ActorContext, node: ThreadNode, transport: Transport) {
    this.#context = context;
    this.#node = node;
    this.#transport = transport;
    this.#replies = new ReplyDesk(node, context);
    this.#taken = new TakenQueue(node.messages);
    this.#yielding = new Yielding(node.scheduler, () => node.scheduler.enter(context.self.id, () => {}));
    const { channelMax, frameMax, heartbeatSeconds, version, handshakeTimeoutMs } = node.settings;
    this.#handshake = new Handshake(this, {
      serverProperties: serverProperties({ version, platform: `Node.js ${process.version}`, clusterName: 'leveret@localhost' }),
      mechanisms: ['PLAIN', 'AMQPLAIN'],
      tuning: { channelMax, frameMax, heartbeatSeconds },
    });
    this.#parser = new FrameParser(this, this.#handshake.frameMax);
    context.armTimer(HANDSHAKE_TIMER, handshakeTimeoutMs);
  }

  // ---- events of the transport, inside the scheduler's protection

  onBytes(buffer: Buffer, length: number): void {
    this.#heartbeat.received();
    if (this.#phase === 'ended') return;
    if (this.#phase === 'handshake' && !this.#handshake.admitBytes(length)) return;
    this.#carry.feed(buffer, length, this.#parse);
  }

  onTaken(bytes: number): void {
    this.#taken.taken(bytes);
  }

  onUncongested(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const letter of waiting) this.#deliver(letter);
  }

  onClosed(reason: CloseReason): void {
    this.#transportClosed = true;
    this.#taken.releaseAll();
    this.#context.end(`${reason.kind}: ${reason.detail}`);
  }

  /** How it does, for those who only look. */
  look(): ConnectionLook {
    return lookAtConnection(this.#transport, this.#session, this.#phase, this.#blocked, this.#reading);
  }

  readonly #parse = (buffer: Buffer, start: number, end: number): number => {
    let at = start;
    if (!this.#headerSeen) {
      if (end - at < PROTOCOL_HEADER_SIZE) return at;
      this.#headerSeen = true;
      this.#handshake.receiveHeader(buffer.subarray(at, at + PROTOCOL_HEADER_SIZE));
      at += PROTOCOL_HEADER_SIZE;
    }
    for (;;) {
      if (this.#phase === 'ended') return end;
      const parser = this.#parser;
      parser.frameMax = this.#session === undefined ? this.#handshake.frameMax : parser.frameMax;
      at = parser.parse(buffer, at, end);
      this.#checkStop();
      if (parser === this.#parser) return at;
    }
  };

  // ---- letters

  receive(letter: Letter): void {
    switch (letter.type) {
      case ConnectionLetter.deliver:
        return this.#deliver(letter);
      case ConnectionLetter.confirmed:
        return this.#session?.confirmed(letter);
      case ConnectionLetter.answer:
        return this.#session?.answered(letter);
      case ConnectionLetter.outcome:
        return this.#session?.requests.takeOther(letter.a)?.(letter.body, letter.b);
      case ConnectionLetter.probed:
        return this.#session?.requests.takeOther(letter.a)?.(undefined, letter.b);
      case ConnectionLetter.cancelled:
        return this.#queueCancelled(letter);
      case ConnectionLetter.reply:
        return this.#deliverReply(letter);
      case ConnectionLetter.probe:
        return this.#probed(letter);
      case ConnectionLetter.alarm:
        return this.#alarmChanged();
      case ConnectionLetter.close:
        return this.#shutDown(String(letter.body));
      case ConnectionLetter.queuesBack:
        return this.#session?.queuesBack(letter.a);
      case RuntimeLetter.restarted:
        return this.#session?.queueRestarted(letter.sender);
      case RuntimeLetter.down:
        return letter.a === 1 ? this.#session?.queueCrashed(-letter.sender.id) : this.#session?.queueLost(-letter.sender.id);
      case RuntimeLetter.timer:
        return this.#timer(letter.a);
    }
  }

  endTurn(): void {
    this.#tellCancelled();
    this.#resumeWhenFree();
    const session = this.#session;
    if (session !== undefined) {
      if (session.published) {
        session.published = false;
        if (this.#node.alarms.length > 0) this.#block();
      }
      session.flushConfirms();
      session.flushLinks();
      this.#yield(session);
      this.#taken.hold(session.takeHeld(), this.#transport.outbound.unsentBytes);
    }
    this.#node.flushReleases();
    if (this.#transport.outbound.unsentBytes > 0) {
      this.#heartbeat.sent();
      this.#transport.outbound.flush();
    }
  }

  stop(reason: string): void {
    this.#phase = 'ended';
    this.#yielding.end();
    if (!this.#transportClosed) {
      this.#transport.outbound.flush();
      if (reason === 'shutdown') this.#transport.closeAfterFlush();
      else {
        this.#transport.destroy();
        // Nobody will hear of its end any more.
        this.#taken.releaseAll();
      }
    }
    for (const letter of this.#waiting) this.#node.scheduler.pool.give(letter.ints);
    this.#session?.abandon();
    this.#node.flushReleases();
  }

  /** While an answer is due (to a queue.delete perhaps) the client gets that first. */
  #queueCancelled(letter: Letter): void {
    this.#waiting = this.#waiting.filter((each) => each.b !== letter.a);
    if (this.#session?.requests.waiting === true) this.#cancelled.push(letter);
    else this.#session?.queueCancelled(letter);
  }

  #tellCancelled(): void {
    if (this.#cancelled.length === 0 || this.#session?.requests.waiting !== false) return;
    const cancelled = this.#cancelled;
    this.#cancelled = [];
    for (const letter of cancelled) this.#session.queueCancelled(letter);
  }

  #deliver(letter: Letter): void {
    if (this.#session === undefined || this.#phase !== 'open') return;
    if (this.#transport.outbound.congested) this.#waiting.push(letter);
    else this.#session.deliver(letter);
  }

  #deliverReply(letter: Letter): void {
    const consumer = this.#replies.knows(letter) ? this.#session?.consumer(letter.a) : undefined;
    // A reply is promised to nobody: one that its client is too slow for is dropped.
    if (consumer === undefined || this.#transport.outbound.unsentBytes > UNSENT_BYTES_MAX) this.#node.messages.release(letter.b);
    else consumer.channel.consuming.deliverReply(consumer, letter.b);
  }

  #probed(letter: Letter): void {
    const alive = this.#replies.knows(letter) && this.#session?.consumer(letter.b) !== undefined;
    const answer = new Letter(ConnectionLetter.probed);
    answer.a = letter.a;
    answer.b = alive ? 1 : 0;
    this.#context.tell(letter.sender, answer);
  }

  // ---- reading

  get #mustWait(): boolean {
    const session = this.#session;
    if (session === undefined) return this.#handshake.holdsInput;
    if (this.#phase !== 'open') return false;
    return (
      session.requests.waiting ||
      this.#blocked ||
      this.#yielding.active ||
      this.#node.scheduler.pressure ||
      session.unconfirmed > UNCONFIRMED_MAX ||
      this.#transport.outbound.unsentBytes > UNSENT_BYTES_MAX
    );
  }

  #checkStop(): void {
    const wait = this.#mustWait;
    this.#parser.stopped = wait;
    if (!wait || !this.#reading) return;
    this.#reading = false;
    this.#transport.pause();
    this.#context.armTimer(PRESSURE_TIMER, PRESSURE_PAUSE_MS);
  }

  /** What stopped the reading may be over: what came meanwhile is read first. */
  #resumeWhenFree(): void {
    while (!this.#reading && !this.#mustWait && this.#phase !== 'ended') {
      this.#reading = true;
      this.#parser.stopped = false;
      this.#carry.retry(this.#parse);
      if (this.#reading) this.#transport.resume();
    }
  }

  #yield(session: Session): void {
    if (!this.#yielding.pay(session.throttle)) return;
    this.#context.armTimer(YIELD_TIMER, 1);
    this.#checkStop();
  }

  // ---- alarms

  #alarmChanged(): void {
    if (this.#session === undefined || this.#node.alarms.length > 0 || !this.#blocked) return;
    this.#blocked = false;
    if (this.#blockedTold) this.#session.send(0, { name: 'connection.unblocked' });
    this.#blockedTold = false;
  }

  /** The client publishes while memory or disk is low: it is told, if it wants to be, and read no more until that is over. */
  #block(): void {
    if (this.#blocked || this.#phase !== 'open') return;
    this.#blocked = true;
    if (this.#notifiesBlocked) {
      this.#blockedTold = true;
      this.#session!.send(0, { name: 'connection.blocked', reason: this.#node.alarms.join(' & ') });
    }
    this.#checkStop();
  }

  // ---- timers

  #timer(key: number): void {
    switch (key) {
      case HANDSHAKE_TIMER:
        return this.#handshake.timeOut();
      case HEARTBEAT_TIMER:
        return this.#beat();
      case YIELD_TIMER:
        if (this.#yielding.timerFired()) this.#context.armTimer(YIELD_TIMER, 1);
        return;
      case WATCH_TIMER:
        this.#session?.watch.look();
        return this.#checkStop();
      case CLOSE_TIMER:
      case DROP_TIMER:
        this.#transport.destroy();
        return;
      case PRESSURE_TIMER:
        // Also while an answer is awaited: when it comes the thread may be under pressure, of whose end nobody tells.
        if (!this.#reading && this.#mustWait) {
          this.#context.armTimer(PRESSURE_TIMER, PRESSURE_PAUSE_MS * 5);
        }
    }
  }

  #beat(): void {
    this.#context.armTimer(HEARTBEAT_TIMER, this.#heartbeat.stepMs);
    const step = this.#heartbeat.step(this.#reading);
    if (step === HeartbeatStep.send && this.#phase === 'open') this.sendBytes(HEARTBEAT_FRAME);
    else if (step === HeartbeatStep.gone) {
      this.#node.log.warn({ connection: this.#context.self.id }, 'missed heartbeats from client, the connection is closed');
      this.#transport.destroy();
    }
  }

  // ---- the handshake's port

  send(method: Method): void {
    this.sendBytes(encodeMethodFrame(0, method));
  }

  sendBytes(bytes: Uint8Array): void {
    const { outbound } = this.#transport;
    const at = outbound.reserve(bytes.length);
    outbound.buffer.set(bytes, at);
    outbound.commit(at + bytes.length);
  }

  authenticate(attempt: LoginAttempt): void {
    this.#handshake.authenticated(judgeLogin(attempt, this.#transport.peer.host, this.#node));
  }

  openVhost(username: string, virtualHost: string): void {
    this.#handshake.vhostOpened(checkVhostAccess(this.#node.topology, username, virtualHost));
  }

  close(error: AmqpError): void {
    this.closeWith(error);
  }

  drop(reason: string, delayMs: number): void {
    this.#node.log.info({ connection: this.#context.self.id, peer: this.#transport.peer, reason }, 'connection refused');
    this.#phase = 'ended';
    this.#carry.clear();
    if (delayMs > 0) this.#context.armTimer(DROP_TIMER, delayMs);
    else this.#transport.closeAfterFlush();
  }

  opened(connection: OpenedConnection): void {
    this.#phase = 'open';
    this.#context.cancelTimer(HANDSHAKE_TIMER);
    this.#node.welcome(this.#context.self.id);
    this.#notifiesBlocked = hasCapability(connection.clientProperties, 'connection.blocked');
    this.#heartbeat.stepMs = connection.heartbeatSeconds * 500;
    if (this.#heartbeat.stepMs > 0) this.#context.armTimer(HEARTBEAT_TIMER, this.#heartbeat.stepMs);
    const session = new Session(this.#node, this.#context, this, this.#transport.outbound, connection, this.#replies);
    this.#session = session;
    this.#parser.stopped = true;
    this.#parser = new FrameParser(session, connection.frameMax);
    this.#parser.publishFast = true;
  }

  // ---- frames before and after the session

  publish(): void {}

  method(channel: number, buffer: Buffer, start: number, end: number): void {
    const method = decodeMethod(buffer, start, end);
    if (this.#phase === 'handshake') {
      if (channel !== 0) return this.#handshake.fail(amqpError(ReplyCode.channelError, 'the connection is not open'));
      this.#handshake.receiveMethod(method);
      return;
    }
    if (channel !== 0 || isAmqpError(method)) return;
    if (method.name === 'connection.close-ok') this.#finish();
    else if (method.name === 'connection.close') {
      this.send({ name: 'connection.close-ok' });
      this.#finish();
    }
  }

  header(): void {
    this.#unexpected('a content header');
  }

  bodyFrame(): void {
    this.#unexpected('a body');
  }

  body(): void {}

  heartbeat(): void {}

  error(error: AmqpError): void {
    if (this.#phase === 'handshake') this.#handshake.fail(error);
    else if (this.#phase === 'closing') this.#finish();
  }

  #unexpected(what: string): void {
    if (this.#phase !== 'handshake') return;
    this.#handshake.fail(amqpError(ReplyCode.unexpectedFrame, `expected method frame, got ${what} instead`));
  }

  // ---- the session's owner, and the end

  flushLinks(): void {
    this.#session?.flushLinks();
  }

  stopReading(): void {
    // What a closing connection asks is for itself: the client's close-ok is heard meanwhile.
    if (this.#phase === 'open') this.#parser.stopped = true;
  }

  updateSecret(secret: Uint8Array): void {
    void secret;
    this.#session?.send(0, { name: 'connection.update-secret-ok' });
  }

  /** The broker ends the connection: everything else the client sends is dropped until it has answered. */
  closeWith(error: AmqpError): void {
    if (this.#phase === 'closing' || this.#phase === 'ended') return;
    const session = this.#session;
    this.#phase = 'closing';
    this.#discardInput();
    const { code, text, classId, methodId } = error;
    this.#node.log.info({ connection: this.#context.self.id, code, text }, 'connection closed by the broker');
    this.send({ name: 'connection.close', replyCode: code, replyText: text, classId, methodId });
    this.#context.armTimer(CLOSE_TIMER, CLOSE_TIMEOUT_MS);
    session?.detachAll(() => session.endConnection(() => {}));
  }

  closedByClient(): void {
    const session = this.#session;
    if (session === undefined || this.#phase !== 'open') return;
    this.#phase = 'closing';
    this.#discardInput();
    session.detachAll(() =>
      session.endConnection(() => {
        this.send({ name: 'connection.close-ok' });
        this.#finish();
      }),
    );
  }

  /** From now on only the client's answer to a close is of interest. */
  #discardInput(): void {
    this.#parser.stopped = true;
    this.#parser = new FrameParser(this, this.#parser.frameMax);
    if (!this.#reading) {
      this.#reading = true;
      this.#carry.clear();
      this.#transport.resume();
    }
    this.#waiting = [];
  }

  #finish(): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#context.cancelTimer(CLOSE_TIMER);
    this.#transport.outbound.flush();
    this.#transport.closeAfterFlush();
  }

  #shutDown(reason: string): void {
    const text = `broker forced connection closure with reason '${reason}'`;
    if (this.#phase === 'open') this.closeWith(amqpError(ReplyCode.connectionForced, text));
    else if (this.#phase === 'handshake') this.drop('the broker stops', 0);
  }
}
