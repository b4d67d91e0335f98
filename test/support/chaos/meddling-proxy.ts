/**
 * A proxy between clients and a broker that does wrong to deliveries: what comes out on its side is a broker that is broken in
 * one way. For negative controls of checkers, against any broker.
 */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A method with its header and body frames, or a frame that belongs to no message. */
export type Unit = { readonly isDelivery: boolean; readonly bytes: Buffer };

/** What leaves instead of a unit; it may be called with the same stream of units for every connection. */
export type Meddling = (unit: Unit) => readonly Buffer[];

const FRAME_OVERHEAD_BYTES = 8;
const METHOD = 1;
const HEADER = 2;
const BASIC_DELIVER = (60 << 16) | 60;

export class MeddlingProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
    this.port = (server.address() as AddressInfo).port;
  }

  /** `meddling` makes the behaviour of one connection. */
  static async start(brokerPort: number, meddling: () => Meddling): Promise<MeddlingProxy> {
    const sockets = new Set<Socket>();
    const server = createServer((client) => {
      const broker = connect({ host: '127.0.0.1', port: brokerPort, noDelay: true });
      const meddle = meddling();
      const cutter = new UnitCutter((unit) => meddle(unit).forEach((bytes) => client.write(bytes)));
      client.on('data', (chunk) => broker.write(chunk));
      broker.on('data', (chunk: Buffer) => cutter.push(chunk));
      for (const [socket, other] of [[client, broker], [broker, client]] as const) {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          sockets.delete(socket);
          other.destroySoon();
        });
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new MeddlingProxy(server, sockets);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Whole deliveries, and everything else frame by frame. One channel a connection. */
class UnitCutter {
  readonly #take: (unit: Unit) => void;
  #rest: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #missing = 0;

  constructor(take: (unit: Unit) => void) {
    this.#take = take;
  }

  push(chunk: Buffer): void {
    let bytes = Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= FRAME_OVERHEAD_BYTES) {
      const end = bytes.readUInt32BE(3) + FRAME_OVERHEAD_BYTES;
      if (bytes.length < end) break;
      this.#frame(bytes.subarray(0, end));
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
  }

  #frame(frame: Buffer): void {
    const type = frame[0];
    if (type === METHOD && frame.readUInt32BE(7) === BASIC_DELIVER) {
      this.#parts = [frame];
      return;
    }
    if (this.#parts.length === 0) return this.#take({ isDelivery: false, bytes: frame });
    this.#parts.push(frame);
    if (type === HEADER) this.#missing = Number(frame.readBigUInt64BE(11));
    else this.#missing -= frame.length - FRAME_OVERHEAD_BYTES;
    if (this.#missing > 0) return;
    this.#take({ isDelivery: true, bytes: Buffer.concat(this.#parts) });
    this.#parts = [];
  }
}
