/**
 * One connection with its channels, as cheap as Node allows: the socket reads into one reused buffer, a scanner counts the
 * deliveries, and only calls (a method and its answer) cost anything.
 */
import { connect, type Socket } from 'node:net';
import { parseBrokerUrl, type BrokerUrl } from './broker-url.ts';
import { FrameScanner, type Scanner, type ScannerOwner } from './frame-scanner.ts';
import { flagTable, longString, methodFrame, MethodId, PROTOCOL_HEADER, shortString, u16, u32, u8 } from './wire.ts';

/** The first channel of every connection, and mostly the only one; others follow without gaps. */
export const CHANNEL = 1;
/** Read at once. Large enough that a busy consumer makes few system calls. */
export const BUSY_RECEIVE_BYTES = 262_144;
/** For connections that only wait. */
export const IDLE_RECEIVE_BYTES = 4_096;
const FRAME_MAX_BYTES = 131_072;
/** A broker that answers no call for so long has failed. */
const CALL_TIMEOUT_MS = 60_000;
const NOT_FOUND = 404;

export type ConnectionOptions = {
  readonly receiveBytes: number;
  /** How many channels are opened; 1 when absent. */
  readonly channels?: number;
  /** basic.ack and basic.nack of the broker. */
  readonly confirm?: (deliveryTag: number, multiple: boolean, refused: boolean, channel: number) => void;
  /** tx.commit-ok and basic.get-empty; other methods that no call waits for go unheard. */
  readonly heard?: (methodId: number, channel: number) => void;
  /** The largest frame that is asked for, bytes; 131,072 when absent. */
  readonly frameMaxBytes?: number | undefined;
  /** What reads the stream; a FrameScanner when absent. */
  readonly scannerOf?: (owner: ScannerOwner) => Scanner;
  /** basic.return: a mandatory message that no queue took. */
  readonly returned?: () => void;
  /** The intended time of sending, from each body. */
  readonly sentAt?: (timeNs: number) => void;
  /** After each chunk, when all of it has been scanned. */
  readonly scanned?: () => void;
  /** Before each chunk. */
  readonly arrived?: () => void;
  /** The connection ended while no call was waiting (a waiting call is rejected). Without it, the error ends the process. */
  readonly failed?: (error: Error) => void;
};

/** For a connection that only calls: that it has ended is told by the next call. */
export const CALLS_ONLY: ConnectionOptions = { receiveBytes: IDLE_RECEIVE_BYTES, failed: () => undefined };

type Call = { readonly answerId: number; readonly resolve: (payload: Buffer) => void; readonly reject: (error: Error) => void };

/** The broker's close of the channel that `finds` asks on. */
class Refusal extends Error {
  readonly code: number;

  constructor(close: Buffer) {
    super(closeText(close));
    this.code = close.readUInt16BE(0);
  }
}

export class Connection {
  readonly scanner: Scanner;
  readonly socket: Socket;
  /** The largest frame agreed with the broker, bytes. */
  frameMaxBytes = FRAME_MAX_BYTES;
  readonly #options: ConnectionOptions;
  #call: Call | undefined;
  #failure: Error | undefined;
  #closing = false;

  /** Connects, logs in and opens the channel. Rejects with the broker's own words when it refuses. */
  static async open(address: string, options: ConnectionOptions): Promise<Connection> {
    const url = parseBrokerUrl(address);
    const connection = new Connection(url, options);
    await connection.#handshake(url);
    return connection;
  }

  private constructor(url: BrokerUrl, options: ConnectionOptions) {
    this.#options = options;
    const owner: ScannerOwner = {
      method: (channel, id, payload) => this.#method(channel, id, payload),
      ...(options.sentAt === undefined ? {} : { sentAt: options.sentAt }),
    };
    this.scanner = options.scannerOf?.(owner) ?? new FrameScanner(owner);
    const buffer = Buffer.allocUnsafeSlow(options.receiveBytes);
    const callback = (count: number): boolean => {
      this.#options.arrived?.();
      try {
        this.scanner.push(buffer, count);
      } catch (error) {
        this.#fail(error instanceof Error ? error : new Error(String(error)));
        return false;
      }
      this.#options.scanned?.();
      return true;
    };
    this.socket = connect({ host: url.host, port: url.port, noDelay: true, onread: { buffer, callback } });
    this.socket.on('error', (error) => this.#fail(error));
    this.socket.on('close', () => this.#fail(new Error('the broker closed the socket')));
  }

  async #handshake(url: BrokerUrl): Promise<void> {
    await this.call(PROTOCOL_HEADER, MethodId.connectionStart);
    const capabilities = flagTable(['publisher_confirms', 'basic.nack', 'consumer_cancel_notify', 'connection.blocked']);
    const properties = Buffer.concat([shortString('capabilities'), Buffer.from('F'), capabilities]);
    const startOk = methodFrame(
      0,
      MethodId.connectionStartOk,
      u32(properties.length),
      properties,
      shortString('PLAIN'),
      longString(`\0${url.user}\0${url.password}`),
      shortString('en_US'),
    );
    const tune = await this.call(startOk, MethodId.connectionTune);
    const offeredBytes = tune.readUInt32BE(2);
    const wantedBytes = this.#options.frameMaxBytes ?? FRAME_MAX_BYTES;
    this.frameMaxBytes = offeredBytes === 0 ? wantedBytes : Math.min(offeredBytes, wantedBytes);
    // No heartbeats: a loaded client must not be closed for being late, and a timer per connection would be measured too.
    this.socket.write(methodFrame(0, MethodId.connectionTuneOk, tune.subarray(0, 2), u32(this.frameMaxBytes), u16(0)));
    await this.call(methodFrame(0, MethodId.connectionOpen, shortString(url.virtualHost), shortString(''), u8(0)), MethodId.connectionOpenOk);
    for (let index = 0; index < (this.#options.channels ?? 1); index += 1) {
      await this.call(methodFrame(CHANNEL + index, MethodId.channelOpen, shortString('')), MethodId.channelOpenOk);
    }
  }

  /** Writes `bytes` and waits for the method `answerId`; gives its fields. One call at a time. */
  call(bytes: Buffer, answerId: number): Promise<Buffer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#call !== undefined) return Promise.reject(new Error('a call is under way'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(new Error(`no answer within ${CALL_TIMEOUT_MS} ms`)), CALL_TIMEOUT_MS);
      const settled = (): void => {
        clearTimeout(timer);
        this.#call = undefined;
      };
      this.#call = {
        answerId,
        resolve: (payload) => (settled(), resolve(payload)),
        reject: (error) => (settled(), reject(error)),
      };
      this.socket.write(bytes);
    });
  }

  /**
   * Whether what `frameOf` asks for is there. It asks on a channel of its own, behind all others: the broker closes the channel of whoever asks for
   * what is not there. Rejects when the broker refuses for another reason.
   */
  async finds(frameOf: (channel: number) => Buffer, answerId: number): Promise<boolean> {
    const channel = this.#askingChannel;
    await this.call(methodFrame(channel, MethodId.channelOpen, shortString('')), MethodId.channelOpenOk);
    try {
      await this.call(frameOf(channel), answerId);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.socket.write(methodFrame(channel, MethodId.channelCloseOk));
      if (error.code === NOT_FOUND) return false;
      throw error;
    }
    await this.call(methodFrame(channel, MethodId.channelClose, u16(200), shortString('done'), u16(0), u16(0)), MethodId.channelCloseOk);
    return true;
  }

  get #askingChannel(): number {
    return CHANNEL + (this.#options.channels ?? 1);
  }

  /** Closes politely and waits for close-ok; never rejects. */
  async close(): Promise<void> {
    if (this.#failure === undefined) {
      this.#closing = true;
      const close = methodFrame(0, MethodId.connectionClose, u16(200), shortString('done'), u16(0), u16(0));
      await this.call(close, MethodId.connectionCloseOk).catch(() => undefined);
    }
    this.socket.destroy();
  }

  /** Ends the socket at once: for a connection whose backlog nobody wants. */
  drop(): void {
    this.#closing = true;
    this.socket.destroy();
  }

  #method(channel: number, id: number, payload: Buffer): void {
    if (id === MethodId.basicAck || id === MethodId.basicNack) {
      const deliveryTag = payload.readUInt32BE(0) * 0x1_0000_0000 + payload.readUInt32BE(4);
      this.#options.confirm?.(deliveryTag, ((payload[8] as number) & 1) === 1, id === MethodId.basicNack, channel);
    } else if (id === MethodId.basicReturn) this.#options.returned?.();
    else if (id === this.#call?.answerId) this.#call.resolve(Buffer.from(payload));
    else if (id === MethodId.channelClose && channel === this.#askingChannel) this.#call?.reject(new Refusal(payload));
    else if (id === MethodId.connectionClose || id === MethodId.channelClose) this.#fail(new Error(closeText(payload)));
    else this.#options.heard?.(id, channel);
    // connection.blocked and unblocked: the broker stops reading by itself, so TCP alone holds the producer back.
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.socket.destroy();
    if (this.#call !== undefined) this.#call.reject(error);
    else if (this.#closing) return;
    else if (this.#options.failed === undefined) throw error;
    else this.#options.failed(error);
  }
}

/** What connection.close and channel.close begin with: the code and the text. */
function closeText(close: Buffer): string {
  const textBytes = close[2] as number;
  return `the broker closed: ${close.readUInt16BE(0)} ${close.toString('utf8', 3, 3 + textBytes)}`;
}
