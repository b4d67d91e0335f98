/** Where deliveries to one consumer are gathered and written, block by block. */
import type { Socket } from 'node:net';
import { CHANNEL } from '../client/connection.ts';
import { FRAME_END, FRAME_HEADER_BYTES, methodFrame, MethodId, shortString, u32, u8 } from '../client/wire.ts';

const BLOCK_BYTES = 262_144;
/** Blocks kept for the next write: one being filled, the others with the kernel. */
const SPARE_BLOCKS = 8;
/** From here on, a write of its own is cheaper than a copy. */
const UNCOPIED_BYTES = 16_384;
/** More than this with the kernel, and whoever feeds the outlet should wait. */
const PENDING_LIMIT_BYTES = 2_097_152;

export class DeliveryOutlet {
  /** Who waits until the consumer has taken enough. */
  onRelief: (() => void) | undefined;
  readonly #socket: Socket;
  readonly #spare: Buffer[] = [];
  /** basic.deliver as a whole frame; only the tag changes. */
  readonly #deliver: Buffer;
  readonly #tagAt: number;
  #block: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #filledBytes = 0;
  #pendingBytes = 0;
  #tag = 0;

  constructor(socket: Socket, queue: string) {
    this.#socket = socket;
    const consumerTag = shortString('c');
    const fields = [consumerTag, u32(0), u32(0), u8(0), shortString(''), shortString(queue)];
    this.#deliver = methodFrame(CHANNEL, MethodId.basicDeliver, ...fields);
    this.#tagAt = FRAME_HEADER_BYTES + 4 + consumerTag.length;
  }

  get full(): boolean {
    return this.#pendingBytes > PENDING_LIMIT_BYTES;
  }

  /** Begins a message: the basic.deliver frame with the next delivery tag. */
  deliver(): void {
    const { length } = this.#deliver;
    if (this.#filledBytes + length > BLOCK_BYTES) this.flush();
    const at = this.#filledBytes;
    this.#deliver.copy(this.#block, at);
    this.#tag += 1;
    this.#block.writeUInt32BE(this.#tag, at + this.#tagAt + 4);
    this.#filledBytes += length;
  }

  /** Adds content as it came. Large pieces are not copied: `bytes` must not change any more. */
  append(bytes: Buffer, from: number, to: number): void {
    if (to - from >= UNCOPIED_BYTES) {
      this.flush();
      this.#write(bytes.subarray(from, to));
      return;
    }
    if (this.#filledBytes + to - from > BLOCK_BYTES) this.flush();
    bytes.copy(this.#block, this.#filledBytes, from, to);
    this.#filledBytes += to - from;
  }

  flush(): void {
    const block = this.#block;
    const bytes = this.#filledBytes;
    if (bytes === 0) return;
    this.#block = this.#spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#filledBytes = 0;
    this.#write(block.subarray(0, bytes), () => {
      if (this.#spare.length < SPARE_BLOCKS) this.#spare.push(block);
    });
  }

  #write(bytes: Buffer, taken?: () => void): void {
    this.#pendingBytes += bytes.length;
    this.#socket.write(bytes, () => {
      this.#pendingBytes -= bytes.length;
      taken?.();
      if (!this.full) this.onRelief?.();
    });
  }
}

/** A whole message's content, for an outlet that invents its messages. */
export function inventContent(bodyBytes: number): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES + 14 + 1);
  header[0] = 2;
  header.writeUInt16BE(CHANNEL, 1);
  header.writeUInt32BE(14, 3);
  header.writeUInt16BE(60, FRAME_HEADER_BYTES);
  header.writeUInt32BE(bodyBytes, FRAME_HEADER_BYTES + 8);
  header[header.length - 1] = FRAME_END;
  const body = Buffer.alloc(FRAME_HEADER_BYTES + bodyBytes + 1);
  body[0] = 3;
  body.writeUInt16BE(CHANNEL, 1);
  body.writeUInt32BE(bodyBytes, 3);
  body[body.length - 1] = FRAME_END;
  return Buffer.concat([header, body]);
}
