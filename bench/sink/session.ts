/**
 * One client of the sink. A publisher's frames are walked once; in the forwarding mode its content goes to the queue's consumer
 * as it came, in the inventing mode it is dropped and the consumer gets messages that nobody published.
 *
 * Content is passed on piece by piece, as it comes; only a method, or the header of a frame, that a chunk cuts is kept and put
 * before the next chunk. So a queue of the sink has one publisher: pieces of two would mix.
 */
import type { Socket } from 'node:net';
import { CHANNEL } from '../client/connection.ts';
import { FRAME_HEADER_BYTES, FRAME_OVERHEAD_BYTES, FrameType, methodFrame, MethodId, PROTOCOL_HEADER, u32, u8 } from '../client/wire.ts';
import { answerTo, CONNECTION_START } from './answers.ts';
import { DeliveryOutlet, inventContent } from './delivery-outlet.ts';

/** Invented messages are written in turns of about so many bytes, so that other sockets get theirs. */
const TURN_BYTES = 262_144;

export type SinkMode = { readonly kind: 'forward' } | { readonly kind: 'invent'; readonly bodyBytes: number };

/** The consumers of the sink by queue: one each. */
export type Outlets = Map<string, DeliveryOutlet>;

export class Session {
  readonly #mode: SinkMode;
  readonly #outlets: Outlets;
  readonly #socket: Socket;
  /** What the last chunk cut. */
  #rest: Buffer | undefined;
  /** Bytes of the current content frame that are still to come. */
  #passBytes = 0;
  #greeted = false;
  #confirming = false;
  #published = 0;
  /** Where this publisher's messages go; looked up once, since each publisher has one queue. */
  #outlet: DeliveryOutlet | undefined;

  constructor(mode: SinkMode, outlets: Outlets, socket: Socket) {
    this.#mode = mode;
    this.#outlets = outlets;
    this.#socket = socket;
  }

  /** Takes what was read; false asks to stop reading until the outlet is relieved. */
  take(chunk: Buffer): boolean {
    const before = this.#published;
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    const pos = this.#walk(bytes);
    this.#rest = pos < bytes.length ? bytes.subarray(pos) : undefined;
    this.#outlet?.flush();
    if (this.#confirming && this.#published > before) {
      this.#socket.write(methodFrame(CHANNEL, MethodId.basicAck, u32(0), u32(this.#published), u8(1)));
    }
    return this.#outlet?.full !== true;
  }

  /** Handles what can be handled in `bytes`; where the rest begins. */
  #walk(bytes: Buffer): number {
    let pos = this.#pass(bytes, 0, this.#passBytes);
    if (!this.#greeted) {
      if (bytes.length < PROTOCOL_HEADER.length) return 0;
      this.#greeted = true;
      pos = PROTOCOL_HEADER.length;
      this.#socket.write(CONNECTION_START);
    }
    while (bytes.length - pos >= FRAME_HEADER_BYTES) {
      const frameBytes = FRAME_OVERHEAD_BYTES + bytes.readUInt32BE(pos + 3);
      if (bytes[pos] !== FrameType.method) {
        pos = this.#pass(bytes, pos, frameBytes);
        continue;
      }
      if (pos + frameBytes > bytes.length) break;
      if (bytes.readUInt32BE(pos + FRAME_HEADER_BYTES) === MethodId.basicPublish) this.#publish(bytes, pos);
      else this.#answer(bytes, pos);
      pos += frameBytes;
    }
    return pos;
  }

  /** Gives the consumer the next `wantedBytes`, or what is there of them; where they end. */
  #pass(bytes: Buffer, from: number, wantedBytes: number): number {
    const to = Math.min(bytes.length, from + wantedBytes);
    this.#passBytes = wantedBytes - (to - from);
    this.#outlet?.append(bytes, from, to);
    return to;
  }

  #publish(bytes: Buffer, pos: number): void {
    this.#published += 1;
    if (this.#mode.kind === 'invent') return;
    if (this.#outlet === undefined) {
      // basic.publish: class, method, reserved (2), exchange (empty: 1), routing key.
      const keyAt = pos + FRAME_HEADER_BYTES + 4 + 2 + 1;
      const key = bytes.toString('utf8', keyAt + 1, keyAt + 1 + (bytes[keyAt] as number));
      this.#outlet = this.#outlets.get(key);
      if (this.#outlet !== undefined) this.#outlet.onRelief = () => this.#socket.resume();
    }
    this.#outlet?.deliver();
  }

  #answer(bytes: Buffer, pos: number): void {
    const id = bytes.readUInt32BE(pos + FRAME_HEADER_BYTES);
    const answer = answerTo(bytes.readUInt16BE(pos + 1), id);
    if (answer !== undefined) this.#socket.write(answer);
    if (id === MethodId.confirmSelect) this.#confirming = true;
    if (id !== MethodId.basicConsume) return;
    const nameAt = pos + FRAME_HEADER_BYTES + 4 + 2;
    const queue = bytes.toString('utf8', nameAt + 1, nameAt + 1 + (bytes[nameAt] as number));
    const outlet = new DeliveryOutlet(this.#socket, queue);
    this.#outlets.set(queue, outlet);
    if (this.#mode.kind === 'invent') invent(this.#socket, outlet, inventContent(this.#mode.bodyBytes));
  }
}

/** Messages without end, as fast as the consumer takes them. */
function invent(socket: Socket, outlet: DeliveryOutlet, content: Buffer): void {
  const turn = (): void => {
    if (socket.destroyed || outlet.full) return;
    for (let bytes = 0; bytes < TURN_BYTES; bytes += content.length) {
      outlet.deliver();
      outlet.append(content, 0, content.length);
    }
    outlet.flush();
  };
  outlet.onRelief = () => void setImmediate(turn);
  turn();
}
