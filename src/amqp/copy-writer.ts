/**
 * Writes messages into shared memory that have the body of another one, their source: each is a record of its own (stored-message.ts), with
 * another header and perhaps another key. Dead letters are such copies, and messages that a delayed exchange held back.
 */
import { type BasicProperties, contentHeaderSize, writeContentHeader } from './basic-properties.ts';
import { blindKeysSize } from './blind-keys.ts';
import { FRAME_OVERHEAD_SIZE } from './bounds.ts';
import type { CopyDraft } from './copy-draft.ts';
import { FRAME_END, FRAME_HEADER_SIZE, FrameType } from './frame.ts';
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
  headerOffset,
} from './stored-message.ts';

export class CopyWriter {
  readonly #memory: MessageMemory;
  readonly #draft: CopyDraft | undefined;
  /** Bytes of the copy that was written last. */
  sizeBytes = 0;

  /** `draft` hears of each copy that is begun. */
  constructor(memory: MessageMemory, draft?: CopyDraft) {
    this.#memory = memory;
    this.#draft = draft;
  }

  /**
   * A copy with these properties instead. `key`: exchange and routing key as short strings. `keepsKeys`: the routing keys that nobody sees
   * go along. 0: memory is exhausted.
   */
  withProperties(source: number, key: Buffer, properties: BasicProperties, leases: number, keepsKeys = true): number {
    const memory = this.#memory;
    const address = this.begin(source, key, contentHeaderSize(properties), leases, keepsKeys);
    if (address === 0) return 0;
    const record = memory.byteOffsetOf(address);
    const bodySize = memory.intsOf(address)[(record >> 2) + BODY_SIZE]!;
    writeContentHeader(memory.bytesOf(address), record + headerOffset(key.length), bodySize, properties);
    return address;
  }

  /** A copy but for its header's payload, for which there is room. */
  begin(source: number, key: Buffer, headerSize: number, leases: number, keepsKeys = true): number {
    const memory = this.#memory;
    const from = memory.intsOf(source);
    const sourceRecord = memory.byteOffsetOf(source);
    const sourceWord = sourceRecord >> 2;
    const content = headerFrameOffset(from[sourceWord + KEY_SIZE]!) + from[sourceWord + HEADER_SIZE]! + FRAME_OVERHEAD_SIZE;
    const bodyBytes = from[sourceWord + SIZE]! - content - (keepsKeys ? 0 : blindKeysSize(memory, source));
    const flags = from[sourceWord + FLAGS]! & (keepsKeys ? ~SHARED : ~(SHARED | BLIND));
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
    ints[word + BODY_SIZE] = from[sourceWord + BODY_SIZE]!;
    ints[word + FLAGS] = leases > 1 ? flags | SHARED : flags;
    ints[word + PLACE] = 0;
    const bytes = memory.bytesOf(address);
    key.copy(bytes, record + RECORD_HEAD_SIZE);
    const frame = record + headerFrameOffset(key.length);
    bytes[frame - 1] = FRAME_END;
    bytes[frame] = FrameType.header;
    bytes.writeUInt32BE(headerSize, frame + 3);
    bytes[frame + FRAME_HEADER_SIZE + headerSize] = FRAME_END;
    const body = sourceRecord + content;
    if (bodyBytes > 0) memory.bytesOf(source).copy(bytes, record + bodyAt, body, body + bodyBytes);
    return address;
  }
}
