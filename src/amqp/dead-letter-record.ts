/**
 * Writes dead letters into shared memory: each is a record of its own (stored-message.ts), with the body of the message that died, another
 * key and another header.
 */
import { type BasicProperties, contentHeaderSize, writeContentHeader } from './basic-properties.ts';
import { blindKeysSize } from './blind-keys.ts';
import { FRAME_OVERHEAD_SIZE } from './bounds.ts';
import type { DeadLetterDraft } from './dead-letter-draft.ts';
import { DeadLetterHeader } from './dead-letter-header.ts';
import { FRAME_END, FRAME_HEADER_SIZE, FrameType } from './frame.ts';
import { propertiesOf } from './message-properties.ts';
import {
  BLIND,
  BODY_SIZE,
  FLAGS,
  HEADER_SIZE,
  KEY_SIZE,
  type MessageMemory,
  PLACE,
  RECORD_HEAD_SIZE,
  SHARED,
  SIZE,
  headerFrameOffset,
} from './stored-message.ts';

export class DeadLetterRecord {
  readonly header = new DeadLetterHeader();
  readonly #memory: MessageMemory;
  readonly #draft: DeadLetterDraft | undefined;
  /** The message that died. */
  #source = 0;
  #headerStart = 0;
  #headerEnd = 0;
  /** Bytes of the letter that was written last. */
  sizeBytes = 0;

  /** `draft` hears of each letter that is begun. */
  constructor(memory: MessageMemory, draft?: DeadLetterDraft) {
    this.#memory = memory;
    this.#draft = draft;
  }

  /** The message at `address` has died: `header` tells of its header. */
  look(address: number): void {
    const memory = this.#memory;
    const ints = memory.intsOf(address);
    const record = memory.byteOffsetOf(address);
    const word = record >> 2;
    this.#source = address;
    this.#headerStart = record + headerFrameOffset(ints[word + KEY_SIZE]!) + FRAME_HEADER_SIZE;
    this.#headerEnd = this.#headerStart + ints[word + HEADER_SIZE]!;
    this.header.look(memory.bytesOf(address), this.#headerStart, this.#headerEnd);
  }

  /** All of its properties. Undefined: earlier deaths made the headers more than are read (bounds.ts). */
  get properties(): BasicProperties | undefined {
    return propertiesOf(this.#memory, this.#source);
  }

  /** Its letter with `fields` added to the headers. `key`: exchange and routing key as short strings. 0: memory is exhausted. */
  withFields(key: Buffer, fields: Buffer, leases: number): number {
    const address = this.#begin(key, this.header.sizeWith(fields.length), leases);
    if (address !== 0) this.header.writeWith(fields, this.#memory.bytesOf(address), this.#headerOf(address, key));
    return address;
  }

  /** Its letter with these properties instead. `keepsKeys`: the routing keys that nobody sees go along. */
  withProperties(key: Buffer, properties: BasicProperties, leases: number, keepsKeys = true): number {
    const address = this.#begin(key, contentHeaderSize(properties), leases, keepsKeys);
    if (address === 0) return 0;
    const bodySize = this.#memory.intsOf(address)[(this.#memory.byteOffsetOf(address) >> 2) + BODY_SIZE]!;
    writeContentHeader(this.#memory.bytesOf(address), this.#headerOf(address, key), bodySize, properties);
    return address;
  }

  #headerOf(address: number, key: Buffer): number {
    return this.#memory.byteOffsetOf(address) + headerFrameOffset(key.length) + FRAME_HEADER_SIZE;
  }

  /** Everything but the header's payload. */
  #begin(key: Buffer, headerSize: number, leases: number, keepsKeys = true): number {
    const memory = this.#memory;
    const from = memory.intsOf(this.#source);
    const source = memory.byteOffsetOf(this.#source) >> 2;
    const keySize = from[source + KEY_SIZE]!;
    const content = headerFrameOffset(keySize) + from[source + HEADER_SIZE]! + FRAME_OVERHEAD_SIZE;
    const bodyBytes = from[source + SIZE]! - content - (keepsKeys ? 0 : blindKeysSize(memory, this.#source));
    const flags = from[source + FLAGS]! & (keepsKeys ? ~SHARED : ~(SHARED | BLIND));
    const bodyAt = headerFrameOffset(key.length) + headerSize + FRAME_OVERHEAD_SIZE;
    const size = bodyAt + bodyBytes;
    const address = memory.allocate(size, leases);
    if (address === 0) return 0;
    this.#draft?.begin(address, leases);
    this.sizeBytes = size;
    const ints = memory.intsOf(address);
    const record = memory.byteOffsetOf(address);
    const word = record >> 2;
    ints[word + SIZE] = size;
    ints[word + KEY_SIZE] = key.length;
    ints[word + HEADER_SIZE] = headerSize;
    ints[word + BODY_SIZE] = from[source + BODY_SIZE]!;
    ints[word + FLAGS] = leases > 1 ? flags | SHARED : flags;
    ints[word + PLACE] = 0;
    const bytes = memory.bytesOf(address);
    key.copy(bytes, record + RECORD_HEAD_SIZE);
    const frame = record + headerFrameOffset(key.length);
    bytes[frame - 1] = FRAME_END;
    bytes[frame] = FrameType.header;
    bytes.writeUInt32BE(headerSize, frame + 3);
    bytes[frame + FRAME_HEADER_SIZE + headerSize] = FRAME_END;
    const body = (source << 2) + content;
    if (bodyBytes > 0) memory.bytesOf(this.#source).copy(bytes, record + bodyAt, body, body + bodyBytes);
    return address;
  }
}
