/**
 * How a connection comes about: the conversation from the protocol header to `connection.open-ok`, as a machine that knows
 * neither sockets nor clocks (AMQP 0-9-1, section 2.2.4; order, texts and states as in rabbit_reader).
 *
 *     client                      server                    state while the server waits
 *     protocol header        ->                             header
 *                            <-   connection.start          starting
 *     connection.start-ok    ->   authenticate ...          securing    input held back
 *                            <-   connection.secure         securing    (only mechanisms with a challenge)
 *     connection.secure-ok   ->   authenticate ...          securing    input held back
 *                            <-   connection.tune           tuning
 *     connection.tune-ok     ->                             opening
 *     connection.open        ->   openVhost ...             opening     input held back
 *                            <-   connection.open-ok        running
 *
 * While `holdsInput` is true an answer of the port is under way and the caller must not hand in further input: clients may
 * send ahead, and RabbitMQ reads what they sent when it is ready for it. A client that is refused before it has logged in
 * learns of it only if it said that it understands, else the connection ends after a while without a word.
 */
import type { FieldTable } from '../broker/field-table.ts';
import { ReplyCode, type Refusal } from '../broker/refusal.ts';
import { amqpError, hardened, isAmqpError, toAmqpError, type AmqpError } from './amqp-error.ts';
import { AUTH_ROUNDS_MAX, INITIAL_FRAME_MAX, PRE_AUTH_BYTES_MAX, SILENT_CLOSE_DELAY_MS } from './bounds.ts';
import { hasCapability } from './connection-properties.ts';
import type { HandshakePort, LoginOutcome } from './handshake-port.ts';
import { methodIdOf } from './method-codec.ts';
import type { Method, MethodOf } from './method-table.ts';
import { PROTOCOL_HEADER, readProtocolHeader } from './protocol-header.ts';
import { decodeAmqplain, decodePlain } from './sasl.ts';
import { negotiate, type Tuning } from './tuning.ts';

export type HandshakeConfig = {
  readonly serverProperties: FieldTable;
  /** In the order in which they are offered. */
  readonly mechanisms: readonly string[];
  readonly tuning: Tuning;
};

type Client = { readonly mechanism: string; readonly clientProperties: FieldTable };
type State =
  | { readonly name: 'header' | 'starting' | 'running' | 'ended' }
  | { readonly name: 'securing'; readonly client: Client; readonly round: number; readonly isAsked: boolean }
  | { readonly name: 'tuning'; readonly client: Client; readonly username: string }
  | { readonly name: 'opening'; readonly client: Client; readonly username: string; readonly tuning: Tuning; readonly virtualHost: string | undefined };

export class Handshake {
  readonly #port: HandshakePort;
  readonly #config: HandshakeConfig;
  #state: State = { name: 'header' };
  /** Octets taken in before the login. */
  #unprovenBytes = 0;

  constructor(port: HandshakePort, config: HandshakeConfig) {
    this.#port = port;
    this.#config = config;
  }

  get state(): State['name'] {
    return this.#state.name;
  }

  /** True while an answer of the port is under way: no input until it has come. */
  get holdsInput(): boolean {
    const state = this.#state;
    return state.name === 'securing' ? state.isAsked : state.name === 'opening' && state.virtualHost !== undefined;
  }

  /** The largest frame that may be taken in now, octets with its overhead. */
  get frameMax(): number {
    return this.#state.name === 'opening' ? this.#state.tuning.frameMax : INITIAL_FRAME_MAX;
  }

  /** Counts octets that are about to be parsed. False: the peer has spent what one that is not logged in may send. */
  admitBytes(sizeBytes: number): boolean {
    const { name } = this.#state;
    if (name === 'ended') return false;
    if (name !== 'header' && name !== 'starting' && name !== 'securing') return true;
    this.#unprovenBytes += sizeBytes;
    if (this.#unprovenBytes <= PRE_AUTH_BYTES_MAX) return true;
    this.#drop(`more than ${PRE_AUTH_BYTES_MAX} octets came before the login`, 0);
    return false;
  }

  /** The first eight octets of the connection. */
  receiveHeader(octets: Uint8Array): void {
    if (this.#state.name !== 'header') return;
    const header = readProtocolHeader(octets);
    if (header.kind !== 'spoken') {
      if (header.kind === 'unspoken') this.#port.sendBytes(PROTOCOL_HEADER);
      this.#drop(header.reason, 0);
      return;
    }
    this.#state = { name: 'starting' };
    this.#port.send({
      name: 'connection.start',
      versionMajor: 0,
      versionMinor: 9,
      serverProperties: this.#config.serverProperties,
      mechanisms: Buffer.from(this.#config.mechanisms.join(' ')),
      locales: Buffer.from('en_US'),
    });
  }

  /** A method on channel 0, or what `decodeMethod` found instead. */
  receiveMethod(method: Method | AmqpError): void {
    const state = this.#state;
    if (state.name === 'ended') return;
    if (isAmqpError(method)) this.fail(method);
    else if (this.holdsInput) this.#refuseMethod(method);
    else if (method.name === 'connection.start-ok' && state.name === 'starting') this.#receiveStartOk(method);
    else if (method.name === 'connection.secure-ok' && state.name === 'securing') this.#login(state.client, state.round + 1, method.response);
    else if (method.name === 'connection.tune-ok' && state.name === 'tuning') this.#receiveTuneOk(state.client, state.username, method);
    else if (method.name === 'connection.open' && state.name === 'opening') {
      this.#state = { ...state, virtualHost: method.virtualHost };
      this.#port.openVhost(state.username, method.virtualHost);
    } else this.#refuseMethod(method);
  }

  /** The port's answer to `authenticate`. One that comes too late is ignored. */
  authenticated(outcome: LoginOutcome): void {
    const state = this.#state;
    if (state.name !== 'securing' || !state.isAsked) return;
    switch (outcome.kind) {
      case 'accepted':
        this.#state = { name: 'tuning', client: state.client, username: outcome.username };
        this.#sendTune();
        return;
      case 'challenged':
        this.#state = { ...state, isAsked: false };
        this.#port.send({ name: 'connection.secure', challenge: outcome.challenge });
        return;
      case 'refused':
        this.#refuseLogin(state.client, outcome.reason);
    }
  }

  /** The port's answer to `openVhost`: undefined, or why not. One that comes too late is ignored. */
  vhostOpened(refusal?: Refusal): void {
    const state = this.#state;
    if (state.name !== 'opening' || state.virtualHost === undefined) return;
    if (refusal !== undefined) {
      this.fail(toAmqpError(refusal, methodIdOf('connection.open')));
      return;
    }
    this.#state = { name: 'running' };
    this.#port.send({ name: 'connection.open-ok' });
    this.#port.opened({ ...state.tuning, ...state.client, username: state.username, virtualHost: state.virtualHost });
  }

  /** HANDSHAKE_TIMEOUT_MS have passed since the socket was accepted. */
  timeOut(): void {
    if (this.#state.name !== 'running' && this.#state.name !== 'ended') this.#drop('the handshake took too long', 0);
  }

  /** Something that a connection in the making may not do: a broken frame, a frame of another kind or channel. */
  fail(error: AmqpError): void {
    if (this.#state.name === 'running' || this.#state.name === 'ended') return;
    if (this.#state.name === 'header') {
      this.#drop(error.text, 0);
      return;
    }
    this.#state = { name: 'ended' };
    this.#port.close(hardened(error));
  }

  #receiveStartOk(method: MethodOf<'connection.start-ok'>): void {
    if (!this.#config.mechanisms.includes(method.mechanism)) {
      const explanation = `unknown authentication mechanism '${method.mechanism}'`;
      this.fail(amqpError(ReplyCode.commandInvalid, explanation, methodIdOf('connection.start-ok')));
      return;
    }
    this.#login({ mechanism: method.mechanism, clientProperties: method.clientProperties }, 1, method.response);
  }

  #login(client: Client, round: number, response: Uint8Array): void {
    const { mechanism } = client;
    const credentials = mechanism === 'PLAIN' ? decodePlain(response) : mechanism === 'AMQPLAIN' ? decodeAmqplain(response) : undefined;
    const isUnreadable = credentials === undefined && (mechanism === 'PLAIN' || mechanism === 'AMQPLAIN');
    if (isUnreadable || round > AUTH_ROUNDS_MAX) {
      // The response itself is not repeated: it may hold a password.
      this.fail(amqpError(ReplyCode.syntaxError, `${mechanism} response invalid`, methodIdOf(round === 1 ? 'connection.start-ok' : 'connection.secure-ok')));
      return;
    }
    this.#state = { name: 'securing', client, round, isAsked: true };
    this.#port.authenticate({ mechanism, response, credentials });
  }

  #refuseLogin(client: Client, reason: string): void {
    if (!hasCapability(client.clientProperties, 'authentication_failure_close')) {
      this.#drop(reason, SILENT_CLOSE_DELAY_MS);
      return;
    }
    const explanation = `Login was refused using authentication mechanism ${client.mechanism}. For details see the broker logfile.`;
    this.fail(amqpError(ReplyCode.accessRefused, explanation));
  }

  #sendTune(): void {
    const { channelMax, frameMax, heartbeatSeconds } = this.#config.tuning;
    this.#port.send({ name: 'connection.tune', channelMax, frameMax, heartbeat: heartbeatSeconds });
  }

  #receiveTuneOk(client: Client, username: string, method: MethodOf<'connection.tune-ok'>): void {
    const { channelMax, frameMax, heartbeat } = method;
    const tuning = negotiate(this.#config.tuning, { channelMax, frameMax, heartbeatSeconds: heartbeat });
    if (isAmqpError(tuning)) this.fail(tuning);
    else this.#state = { name: 'opening', client, username, tuning, virtualHost: undefined };
  }

  #refuseMethod(method: Method): void {
    const explanation = `unexpected method in connection state ${this.#state.name}`;
    this.fail(amqpError(ReplyCode.channelError, explanation, methodIdOf(method.name)));
  }

  #drop(reason: string, delayMs: number): void {
    this.#state = { name: 'ended' };
    this.#port.drop(reason, delayMs);
  }
}
